import struct
import time
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from components.images.dicom import is_dicom, open_dicom, series_order
from components.images.limits import ImageError
from components.images.reading import read_image

GRADIENT = np.arange(12, dtype=np.int16).reshape(3, 4) * 100 - 500


def dataset(values: np.ndarray = GRADIENT, **tags) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    ds.SOPInstanceUID, ds.Modality, ds.PatientID = "1.2.3", "CT", "Doe-42"
    ds.Rows, ds.Columns = values.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelRepresentation = int(values.dtype == np.int16)
    ds.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(ds, name, value)
    return ds


@pytest.fixture
def saved(tmp_path):
    def save(**tags):
        path = tmp_path / "image"
        dataset(**tags).save_as(path, enforce_file_format=True)
        return path

    return save


def test_window_and_rescale_of_the_header_decide_the_greys(saved):
    path = saved(WindowCenter=1050, WindowWidth=1101, RescaleSlope=1, RescaleIntercept=1000)
    image = open_dicom(path).frame(0)
    assert image.dtype == np.uint8
    assert image[0, 0] == 0
    assert image[2, 3] == 255
    assert (np.diff(image.ravel().astype(int)) > 0).all()


def test_ct_without_a_window_gets_the_soft_tissue_window(saved):
    image = open_dicom(saved()).frame(0)
    assert image[0, 3] == 0  # -200
    assert image[1, 1] == round((0 + 160) / 400 * 255)
    assert image[2, 3] == 255


def test_monochrome1_is_inverted(saved):
    plain = open_dicom(saved()).frame(0)
    inverted = open_dicom(saved(PhotometricInterpretation="MONOCHROME1")).frame(0)
    assert (plain == 255 - inverted).all()


def test_limits_of_the_caller_win(saved):
    image = open_dicom(saved(WindowCenter=0, WindowWidth=10)).frame(0, limits=(-500.0, 600.0))
    assert image[1, 1] == round(500 / 1100 * 255)


def test_slices_are_turned_until_right_is_left_and_front_is_up(saved):
    up = open_dicom(saved(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])).frame(0)
    upside_down = open_dicom(saved(ImageOrientationPatient=[1, 0, 0, 0, -1, 0])).frame(0)
    mirrored = open_dicom(saved(ImageOrientationPatient=[-1, 0, 0, 0, 1, 0])).frame(0)
    assert (upside_down == up[::-1]).all()
    assert (mirrored == up[:, ::-1]).all()


@pytest.mark.parametrize(
    ("orientation", "plane", "position"),
    [
        ([1, 0, 0, 0, 1, 0], "axial", 30.0),
        ([1, 0, 0, 0, 0, -1], "coronal", -20.0),
        ([0, 1, 0, 0, 0, -1], "sagittal", -10.0),
    ],
)
def test_plane_and_ras_position_come_from_the_geometry(saved, orientation, plane, position):
    image = open_dicom(saved(ImageOrientationPatient=orientation, ImagePositionPatient=[10, 20, 30]))
    assert (image.plane, image.position) == (plane, position)


def test_oblique_slice_claims_no_plane(saved):
    assert open_dicom(saved(ImageOrientationPatient=[0.57, 0.82, 0, 0, 0, -1])).plane == ""


def test_series_is_ordered_by_position_and_not_by_number(tmp_path):
    images = []
    for number, z in enumerate((30, 10, 20)):
        path = tmp_path / str(number)
        tags = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, z]}
        dataset(InstanceNumber=number, **tags).save_as(path, enforce_file_format=True)
        images.append(open_dicom(path))
    assert series_order(images) == [1, 2, 0]


def test_ultrasound_without_a_word_on_burned_in_text_is_a_risk(saved):
    assert open_dicom(saved(Modality="US")).burned_in
    assert not open_dicom(saved(Modality="US", BurnedInAnnotation="NO")).burned_in
    assert open_dicom(saved(Modality="CT", BurnedInAnnotation="YES")).burned_in


def region(x0: int, y0: int, x1: int, y1: int) -> Dataset:
    box = Dataset()
    box.RegionDataType = 1
    box.RegionLocationMinX0, box.RegionLocationMinY0 = x0, y0
    box.RegionLocationMaxX1, box.RegionLocationMaxY1 = x1, y1
    return box


def test_regions_outside_the_image_are_ignored(saved):
    image = open_dicom(saved(Modality="US", SequenceOfUltrasoundRegions=[region(0, 0, 2, 2), region(1, 1, 9, 9)]))
    assert image.regions == ((0, 0, 2, 2),)


def test_rgb_is_not_converted_twice():
    path = pydicom.data.get_testdata_file("examples_ybr_color.dcm", download=False)
    from pathlib import Path

    frame = open_dicom(Path(str(path))).frame(3)
    # The picture is grey ultrasound with a little colour: converted twice, it is green all over.
    means = frame.reshape(-1, 3).mean(axis=0)
    assert means.max() - means.min() < 5


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"Rows": 0}, "no pixels"),
        ({"Rows": 60000, "Columns": 60000}, "too large"),
        ({"NumberOfFrames": 100_000}, "too many frames"),
    ],
)
def test_headers_that_promise_too_much_are_refused(saved, tags, reason):
    with pytest.raises(ImageError) as caught:
        open_dicom(saved(**tags))
    assert caught.value.reason == reason


def test_missing_pixels_are_named(tmp_path):
    ds = dataset()
    del ds.PixelData
    path = tmp_path / "report"
    ds.save_as(path, enforce_file_format=True)
    with pytest.raises(ImageError) as caught:
        open_dicom(path)
    assert caught.value.reason == "no pixels"


def test_short_pixel_data_is_undecodable_and_quotes_no_header(saved):
    path = saved(Rows=30)
    with pytest.raises(ImageError) as caught:
        open_dicom(path).frame(0)
    assert caught.value.reason == "undecodable"
    assert "Doe" not in str(caught.value)


def test_error_text_never_quotes_the_header(tmp_path):
    path = tmp_path / "image"
    dataset().save_as(path, enforce_file_format=True)
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", 0x0028, 0x0010)) + 8
    path.write_bytes(data[: at - 2] + struct.pack("<H", 6) + b"Doe-42" + data[at + 2 :])
    with pytest.raises(ImageError) as caught:
        open_dicom(path).frame(0)
    assert "Doe" not in str(caught.value)


def test_deflated_bomb_is_refused_before_it_is_inflated(tmp_path):
    path = tmp_path / "bomb"
    ds = dataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    ds.save_as(path, enforce_file_format=True)
    data = path.read_bytes()
    start = 144 + struct.unpack_from("<I", data, 140)[0]
    squeeze = zlib.compressobj(1, zlib.DEFLATED, -15)
    bomb = b"".join(squeeze.compress(bytes(2**20)) for _ in range(140)) + squeeze.flush()
    path.write_bytes(data[:start] + bomb)
    begin = time.perf_counter()
    with pytest.raises(ImageError) as caught:
        open_dicom(path)
    assert caught.value.reason == "too large"
    assert time.perf_counter() - begin < 5


def test_honest_deflated_file_is_read(tmp_path):
    path = tmp_path / "deflated"
    ds = dataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    ds.save_as(path, enforce_file_format=True)
    assert open_dicom(path).frame(0).shape == (3, 4)


def test_deeply_nested_sequences_end_in_a_reason(tmp_path):
    depth = 10_000
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    sequence = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    path = tmp_path / "nested"
    dataset().save_as(path, enforce_file_format=True)
    path.write_bytes(path.read_bytes() + (sequence + item) * depth)
    with pytest.raises(ImageError):
        open_dicom(path)


def test_any_image_file_is_read_by_its_content(saved, tmp_path):
    assert is_dicom(saved())
    assert read_image(saved()).shape == (3, 4)
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "nothing.png")
    assert caught.value.reason == "no file"


def test_bytes_after_a_deflated_data_set_do_not_hang_the_reader(tmp_path):
    path = tmp_path / "deflated"
    ds = dataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    ds.save_as(path, enforce_file_format=True)
    path.write_bytes(path.read_bytes() + bytes(1000))
    assert open_dicom(path).frame(0).shape == (3, 4)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"WindowCenter": "4005", "WindowWidth": "400"}, "WindowCenter or WindowWidth .a decimal comma.. is no usable"),
        ({"ModalityLUTSequence": [Dataset()]}, "ModalityLUTSequence or its rescale is no usable"),
        ({"VOILUTSequence": [Dataset()]}, "VOILUTSequence is no usable"),
    ],
)
def test_a_broken_part_of_the_header_is_named_and_the_file_not_asked_for_again(saved, tags, words):
    path = saved(**tags)
    path.write_bytes(path.read_bytes().replace(b"4005", b"40,5"))
    with pytest.raises(ImageError, match=f"unreadable header: {words} .* correct it in the header"):
        open_dicom(path).frame(0)


def test_pixels_of_fractions_are_named(tmp_path):
    ds = dataset(BitsAllocated=32)
    del ds.PixelData
    ds.add_new(0x7FE00008, "OF", np.zeros(12, np.float32).tobytes())
    ds.save_as(tmp_path / "image", enforce_file_format=True)
    with pytest.raises(ImageError, match=r"unsupported values: .*Float Pixel Data"):
        open_dicom(tmp_path / "image")
