"""Each transfer syntax gives the same picture as the plain one, on the files of pydicom and pydicom-data."""

from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from components.images.dicom import open_dicom
from components.images.limits import ImageError


def path_of(name: str) -> Path:
    for package, folder in (("pydicom", "pydicom/data/test_files"), ("pydicom-data", "data_store/data")):
        path = Path(str(distribution(package).locate_file(f"{folder}/{name}")))
        if path.is_file():
            return path
    raise FileNotFoundError(name)


def frame(name: str, index: int = 0) -> np.ndarray:
    return open_dicom(path_of(name)).frame(index)


@pytest.mark.parametrize(
    ("plain", "others"),
    [
        (
            "MR_small.dcm",
            ("bigendian", "expb", "implicit", "RLE", "jp2klossless", "jpeg_ls_lossless"),
        ),
        ("emri_small.dcm", ("RLE", "big_endian", "jpeg_2k_lossless", "jpeg_ls_lossless")),
        ("liver.dcm", ("expb",)),
        ("OBXXXX1A.dcm", ("rle", "expb", "2frame", "expb_2frame", "rle_2frame")),
        ("SC_rgb.dcm", ("expb", "16bit", "32bit", "rle", "rle_16bit", "gdcm2k_uncompressed", "gdcm_KY", "jpeg_gdcm")),
        ("SC_rgb_small_odd.dcm", ("big_endian",)),
    ],
)
def test_lossless_syntaxes_give_the_same_pixels(plain, others):
    expected = frame(plain)
    for other in others:
        found = frame(plain.replace(".dcm", f"_{other}.dcm"))
        assert found.shape == expected.shape, other
        assert (found == expected).all(), other


@pytest.mark.parametrize(
    ("plain", "lossy"),
    [
        ("SC_rgb.dcm", ("rgb_jpeg_dcmtk", "rgb_dcmtk_+eb+cr", "rgb_dcmtk_+eb+cy+n1", "rgb_dcmtk_+eb+cy+np")),
        ("SC_rgb.dcm", ("rgb_jpeg_lossy_gdcm", "ybr_full_uncompressed", "ybr_full_422_uncompressed")),
        ("US1_UNCI.dcm", ("J2KI",)),
        ("US1_UNCR.dcm", ("J2KR",)),
        ("RG3_UNCI.dcm", ("J2KI",)),
        ("MR2_UNCI.dcm", ("J2KI",)),
    ],
)
def test_lossy_syntaxes_and_colour_spaces_give_nearly_the_same_pixels(plain, lossy):
    expected = frame(plain).astype(int)
    for other in lossy:
        name = f"SC_{other}.dcm" if plain.startswith("SC") else f"{plain.split('_')[0]}_{other}.dcm"
        assert np.abs(frame(name).astype(int) - expected).mean() < 6, other


@pytest.mark.parametrize(
    "name", ["JPEG-LL.dcm", "JPGExtended.dcm", "JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm"]
)
def test_further_syntaxes_are_read(name):
    assert frame(name).std() > 5


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("JPEG-lossy.dcm", "undecodable"),
        ("JPEG2000-embedded-sequence-delimiter.dcm", "too large"),
        ("MR_truncated.dcm", "undecodable"),
        ("badVR.dcm", "undecodable"),
    ],
)
def test_broken_files_of_the_collection_have_their_reason(name, reason):
    with pytest.raises(ImageError) as caught:
        frame(name)
    assert caught.value.reason == reason


def test_every_frame_of_an_enhanced_object_has_its_own_place():
    groups = pydicom.dcmread(path_of("eCT_Supplemental.dcm")).PerFrameFunctionalGroupsSequence
    image = open_dicom(path_of("eCT_Supplemental.dcm"))
    for index, group in enumerate(groups):
        up = float(group.PlanePositionSequence[0].ImagePositionPatient[2])
        assert image.place(index) == ("axial", round(up, 3))
    assert image.place(0) != image.place(1)


def test_windows_and_slopes_of_functional_groups_count(tmp_path):
    ds = pydicom.dcmread(path_of("eCT_Supplemental.dcm"))
    stored = ds.pixel_array[1]
    middle = float(np.median(stored))
    shared = ds.SharedFunctionalGroupsSequence[0]
    own = Dataset()
    own.RescaleSlope, own.RescaleIntercept = 2, 100
    ds.PerFrameFunctionalGroupsSequence[1].PixelValueTransformationSequence = Sequence([own])
    shared.FrameVOILUTSequence[0].WindowCenter = 2 * middle + 100
    shared.FrameVOILUTSequence[0].WindowWidth = 1
    ds.save_as(tmp_path / "a")
    found = open_dicom(tmp_path / "a").frame(1)
    assert (found[stored > middle + 1] == 255).all()
    assert (found[stored < middle - 1] == 0).all()


def test_sigmoid_window_bends_at_both_ends(tmp_path):
    ds = pydicom.dcmread(path_of("MR_small.dcm"))
    ds.WindowCenter, ds.WindowWidth = 600, 400
    ds.save_as(tmp_path / "straight")
    ds.VOILUTFunction = "SIGMOID"
    ds.save_as(tmp_path / "bent")
    straight, bent = (open_dicom(tmp_path / name).frame(0).astype(int) for name in ("straight", "bent"))
    low, high = ds.pixel_array < 350, ds.pixel_array > 900
    assert (bent[low] >= straight[low]).all() and bent[low].max() > 0
    assert (bent[high] <= straight[high]).all() and bent[high].min() < 255


def test_compressed_size_that_is_not_the_headers_is_refused(tmp_path):
    ds = pydicom.dcmread(path_of("MR_small_jp2klossless.dcm"))
    ds.Rows = 32
    ds.save_as(tmp_path / "a")
    with pytest.raises(ImageError, match="64 x 32 pixels, the compressed image of 64 x 64"):
        open_dicom(tmp_path / "a").frame(0)


def test_broken_run_lengths_end_in_an_error_and_not_in_a_panic(tmp_path):
    ds = pydicom.dcmread(path_of("MR_small_RLE.dcm"))
    packed = bytearray(next(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=1)))
    packed[64:] = b"\x7f" * (len(packed) - 64)
    ds.PixelData = encapsulate([bytes(packed)])
    ds.save_as(tmp_path / "a")
    with pytest.raises(ImageError, match="undecodable"):
        open_dicom(tmp_path / "a").frame(0)
