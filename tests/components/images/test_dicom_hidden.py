"""Padding and shutters are no part of the picture: they decide no grey level and are black."""

import numpy as np
import pytest

from components.images.dicom import open_dicom
from tests.fixtures.dicom_files import dicom_dataset, dicom_file

Y, X = np.mgrid[:128, :128]
DISTANCE = np.hypot(Y - 64, X - 64)
BODY = 400 + 200 * np.sin(X / 7)


@pytest.mark.parametrize(
    ("modality", "values", "padding", "kind"),
    [
        ("MR", np.where(DISTANCE < 40, BODY, -2000).astype(np.int16), -2000, "MONOCHROME2"),
        ("MR", np.where(DISTANCE < 40, BODY, 4095).astype(np.uint16), 4095, "MONOCHROME2"),
        ("DX", np.where(DISTANCE < 40, 9200 + 2 * BODY, 0).astype(np.uint16), 0, "MONOCHROME2"),
        ("MG", np.where(DISTANCE < 40, 3000 + BODY, 0).astype(np.uint16), 0, "MONOCHROME1"),
    ],
)
def test_padding_decides_no_grey_level_and_is_black(tmp_path, modality, values, padding, kind):
    ds = dicom_dataset(values, Modality=modality, PhotometricInterpretation=kind)
    ds.add_new(0x00280120, "SS" if values.dtype.kind == "i" else "US", padding)
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    shown = open_dicom(tmp_path / "a").frame(0)
    assert (shown[DISTANCE >= 40] == 0).all()
    assert shown[DISTANCE < 38].min() < 5
    assert shown[DISTANCE < 38].max() > 250


def test_padding_written_in_the_other_sign_is_padding(tmp_path):
    values = np.where(DISTANCE < 40, BODY, -2000).astype(np.int16)
    ds = dicom_dataset(values)
    ds.add_new(0x00280120, "US", 63536)
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    assert open_dicom(tmp_path / "a").frame(0)[DISTANCE < 38].min() < 5


def test_a_range_of_padding_is_left_out_whole(tmp_path):
    values = np.where(DISTANCE < 40, BODY + 3000, 100 + Y).astype(np.uint16)
    ds = dicom_dataset(values)
    ds.add_new(0x00280120, "US", 50)
    ds.add_new(0x00280121, "US", 300)
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    shown = open_dicom(tmp_path / "a").frame(0)
    assert (shown[DISTANCE >= 40] == 0).all()
    assert shown[DISTANCE < 38].min() < 5


@pytest.mark.parametrize(
    ("tags", "seen"),
    [
        (
            {
                "ShutterShape": "RECTANGULAR",
                "ShutterUpperHorizontalEdge": 20,
                "ShutterLowerHorizontalEdge": 109,
                "ShutterLeftVerticalEdge": 30,
                "ShutterRightVerticalEdge": 99,
            },
            (Y >= 20) & (Y < 108) & (X >= 30) & (X < 98),
        ),
        (
            {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [65, 65], "RadiusOfCircularShutter": 40},
            DISTANCE <= 40,
        ),
        (
            {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [21, 31, 21, 91, 101, 91, 101, 31]},
            (Y >= 20) & (Y <= 100) & (X >= 30) & (X <= 90),
        ),
    ],
)
def test_what_a_shutter_covers_is_black_and_decides_nothing(tmp_path, tags, seen):
    values = np.where(seen, BODY, 60000).astype(np.uint16)
    tags = {"Modality": "DX", "PhotometricInterpretation": "MONOCHROME1", **tags}
    shown = open_dicom(dicom_file(tmp_path / "a", values, **tags)).frame(0)
    assert (shown[~seen] == 0).all()
    assert shown[seen].max() > 250
    assert (shown[seen] > 0).mean() > 0.9


def test_a_shutter_that_covers_all_is_none(tmp_path):
    tags = {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [900, 900], "RadiusOfCircularShutter": 4}
    assert open_dicom(dicom_file(tmp_path / "a", BODY.astype(np.uint16), **tags)).frame(0).max() == 255


def test_a_shutter_covers_colours_too(tmp_path):
    tags = {"Modality": "US", "ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [65, 65]}
    values = np.random.default_rng(0).integers(1, 255, (128, 128, 3), np.uint8)
    shown = open_dicom(dicom_file(tmp_path / "a", values, RadiusOfCircularShutter=40, **tags)).frame(0)
    assert (shown[DISTANCE > 40] == 0).all()
    assert (shown[DISTANCE <= 40] == values[DISTANCE <= 40]).all()
