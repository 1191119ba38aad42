"""What is no picture of a patient is left out by name; frames in space are no clip."""

import numpy as np
import pytest

from components.images.dicom import open_dicom
from components.images.limits import ImageError, LeftOutError
from tests.fixtures.dicom_files import dicom_dataset, dicom_file, sequence_item

VALUES = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
STORAGE = "1.2.840.10008.5.1.4.1.1"
NO_PICTURES = {
    "structured report": (f"{STORAGE}.88.11", "SR"),
    "presentation state": (f"{STORAGE}.11.1", "PR"),
    "key objects": (f"{STORAGE}.88.59", "KO"),
    "structure set": (f"{STORAGE}.481.3", "RTSTRUCT"),
    "raw data": (f"{STORAGE}.66", "MR"),
    "directory": ("1.2.840.10008.1.3.10", ""),
}


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_an_object_that_is_no_picture_is_left_out(tmp_path, kind):
    uid, modality = NO_PICTURES[kind]
    ds = dicom_dataset(VALUES, SOPClassUID=uid, Modality=modality)
    del ds.PixelData, ds.Rows, ds.Columns
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    with pytest.raises(LeftOutError) as caught:
        open_dicom(tmp_path / "a")
    assert caught.value.reason == "no picture"


def test_an_image_without_its_pixels_is_broken(tmp_path):
    ds = dicom_dataset(VALUES)
    del ds.PixelData
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    with pytest.raises(ImageError) as caught:
        open_dicom(tmp_path / "a")
    assert not isinstance(caught.value, LeftOutError) and caught.value.reason == "no pixels"


@pytest.mark.parametrize(("uid", "modality"), [(f"{STORAGE}.66.4", "SEG"), (f"{STORAGE}.481.2", "RTDOSE")])
def test_segmentations_and_doses_are_no_images(tmp_path, uid, modality):
    image = open_dicom(dicom_file(tmp_path / "a", VALUES, SOPClassUID=uid, Modality=modality))
    with pytest.raises(LeftOutError):
        image.check_is_wanted()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["ORIGINAL", "PRIMARY", "LOCALIZER"], "localizer"),
        (["ORIGINAL", "PRIMARY", "LABEL", "NONE"], "slide label"),
        (["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"], "slide overview"),
        (["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], "mosaic"),
        (["DERIVED", "PRIMARY", "THUMBNAIL", "RESAMPLED"], "thumbnail"),
    ],
)
def test_images_that_serve_others_are_left_out(tmp_path, words, reason):
    image = open_dicom(dicom_file(tmp_path / "a", VALUES, ImageType=words))
    with pytest.raises(LeftOutError) as caught:
        image.check_is_wanted()
    assert caught.value.reason == reason


def test_axial_originals_are_wanted(tmp_path):
    open_dicom(dicom_file(tmp_path / "a", VALUES, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])).check_is_wanted()


@pytest.mark.parametrize(
    ("tags", "is_clip"),
    [
        ({"Modality": "US"}, True),
        ({"Modality": "MR", "FrameTime": 40}, True),
        ({"Modality": "OT", "CineRate": 25}, True),
        ({"Modality": "MR"}, False),
        ({"Modality": "CT"}, False),
    ],
)
def test_a_clip_is_what_its_header_or_its_modality_calls_moving(tmp_path, tags, is_clip):
    assert open_dicom(dicom_file(tmp_path / "a", VALUES.reshape(4, 32, 32), **tags)).is_clip is is_clip


def test_frames_with_places_of_their_own_are_no_clip(tmp_path):
    places = [sequence_item(PlanePositionSequence=[sequence_item(ImagePositionPatient=[0, 0, z])]) for z in range(4)]
    tags = {"FrameTime": 40, "PerFrameFunctionalGroupsSequence": places}
    assert not open_dicom(dicom_file(tmp_path / "a", VALUES.reshape(4, 32, 32), **tags)).is_clip
