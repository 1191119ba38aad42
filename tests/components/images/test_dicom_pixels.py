"""The grey levels of a frame: its header's window where that shows the picture, in true proportions."""

import numpy as np
import pytest

from components.images.dicom import open_dicom
from components.images.limits import ImageError
from tests.fixtures.dicom_files import dicom_dataset, dicom_file

Y, X = np.mgrid[:128, :128]
GRADIENT = (X * 8).astype(np.uint16)


@pytest.mark.parametrize("tag", ["PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"])
def test_oblong_pixels_are_shown_in_their_true_proportions(tmp_path, tag):
    circle = ((np.hypot(Y - 64, (X - 64) * 2) < 50) * 1000).astype(np.uint16)
    shown = open_dicom(dicom_file(tmp_path / "a", circle, **{tag: [1, 2]})).frame(0)
    assert shown.shape == (128, 256)
    inside = shown > 128
    assert inside.any(0).sum() == pytest.approx(inside.any(1).sum(), rel=0.03)


def test_oblong_pixels_of_a_transposed_slice_are_stretched_along_their_own_side(tmp_path):
    tags = {"ImageOrientationPatient": [0, 1, 0, 1, 0, 0], "PixelSpacing": [1, 2]}
    assert open_dicom(dicom_file(tmp_path / "a", GRADIENT[:100], **tags)).frame(0).shape == (256, 100)


@pytest.mark.parametrize("spacing", [[0, 0], [1, 1.001], [3, 3]])
def test_square_and_impossible_pixels_stay_as_they_are(tmp_path, spacing):
    assert open_dicom(dicom_file(tmp_path / "a", GRADIENT, PixelSpacing=spacing)).frame(0).shape == (128, 128)


@pytest.mark.parametrize(
    ("modality", "centre", "width"),
    [("MR", 15000, 30000), ("DX", 0, 100), ("MR", 100, 200), ("MG", 1000, 1000)],
)
def test_a_window_that_washes_the_picture_out_gives_way_to_its_percentiles(tmp_path, modality, centre, width):
    path = dicom_file(tmp_path / "a", GRADIENT, Modality=modality, WindowCenter=centre, WindowWidth=width)
    plain = dicom_file(tmp_path / "b", GRADIENT, Modality=modality)
    image = open_dicom(path).shown(0)
    assert (image.pixels == open_dicom(plain).frame(0)).all()
    assert "percentiles" in image.remark


@pytest.mark.parametrize(
    ("modality", "centre", "width"), [("MR", 508, 1016), ("MR", 450, 1000), ("CT", 40, 100), ("PT", 100, 200)]
)
def test_a_window_that_shows_the_picture_or_chooses_a_tissue_stays(tmp_path, modality, centre, width):
    path = dicom_file(tmp_path / "a", GRADIENT, Modality=modality, WindowCenter=centre, WindowWidth=width)
    image = open_dicom(path).shown(0)
    want = np.clip((GRADIENT - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
    assert np.abs(image.pixels - want).max() <= 1
    assert image.remark == ""


def test_a_film_whose_patient_fills_a_part_of_the_window_is_washed_out(tmp_path):
    values = np.random.default_rng(0).normal(6000, 2000, (128, 128)).clip(0, 12000).astype(np.uint16)
    values[:2] = 26000
    tags = {"WindowCenter": 15000, "WindowWidth": 30000}
    assert open_dicom(dicom_file(tmp_path / "a", values, Modality="CR", **tags)).shown(0).remark


@pytest.mark.parametrize(
    ("centre", "width", "name"),
    [(40, 400, "soft tissue"), (-600, 1500, "lung"), (35, 80, "brain"), (300, 1500, "bone"), (0, 4000, "")],
)
def test_the_window_of_a_ct_has_a_name(tmp_path, centre, width, name):
    tags = {"Modality": "CT", "WindowCenter": centre, "WindowWidth": width}
    assert open_dicom(dicom_file(tmp_path / "a", GRADIENT, **tags)).shown(0).window == name


def test_other_modalities_have_no_named_window(tmp_path):
    tags = {"WindowCenter": 40, "WindowWidth": 400}
    assert open_dicom(dicom_file(tmp_path / "a", GRADIENT, **tags)).shown(0).window == ""


def test_a_background_that_a_program_filled_in_decides_no_grey_level(tmp_path):
    body = np.hypot(Y - 64, X - 64) < 40
    values = np.where(body, 400 + X, -2000).astype(np.int16)
    shown = open_dicom(dicom_file(tmp_path / "a", values)).frame(0)
    assert shown[body].max() - shown[body].min() > 250
    assert (shown[~body] == 0).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_values_at_the_top_of_what_is_allocated_are_moved_down(tmp_path, sign):
    values = GRADIENT if sign == 1 else GRADIENT.astype(np.int16) - 500
    tags = {"BitsStored": 12, "WindowCenter": 300, "WindowWidth": 1200}
    low = dicom_file(tmp_path / "low", values, HighBit=11, **tags)
    said_wrongly = dicom_file(tmp_path / "said", values + 1, HighBit=15, **tags)
    high = dicom_file(tmp_path / "high", values << 4, HighBit=15, **tags)
    want = open_dicom(low).shown(0)
    assert want.values is not None and (open_dicom(high).shown(0).values == want.values).all()
    assert (open_dicom(said_wrongly).shown(0).values == want.values + 1).all()


def test_values_that_lie_where_no_bits_are_stored_are_refused(tmp_path):
    path = dicom_file(tmp_path / "a", (GRADIENT << 4) + 1, BitsStored=12, HighBit=15)
    with pytest.raises(ImageError, match=r"unreadable header: values of 12 bits .* HighBit 15"):
        open_dicom(path).frame(0)


@pytest.mark.parametrize("tag", ["PhotometricInterpretation", "SamplesPerPixel", "BitsAllocated", "BitsStored"])
def test_what_a_header_does_not_say_of_its_pixels_is_named(tmp_path, tag):
    ds = dicom_dataset(GRADIENT)
    delattr(ds, tag)
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    with pytest.raises(ImageError, match=f"unreadable header: it does not say {tag};"):
        open_dicom(tmp_path / "a").frame(0)


def test_a_highest_bit_beyond_what_is_allocated_moves_nothing(tmp_path):
    said, plain = (dicom_file(tmp_path / str(bit), GRADIENT, HighBit=bit) for bit in (31, 15))
    assert (open_dicom(said).frame(0) == open_dicom(plain).frame(0)).all()
