"""However a slice or a film lies in its file, it is shown upright and never mirrored."""

import itertools

import numpy as np
import pytest

from components.images.dicom import open_dicom
from tests.fixtures.dicom_files import dicom_file, sequence_item

WHOLE = {"WindowCenter": 500, "WindowWidth": 1000}
PLANES = {"axial": "LP", "coronal": "LF", "sagittal": "PF"}
"""Plane -> where upright rows and columns go."""
VECTORS = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}
OPPOSITE = dict(zip("LRPAHF", "RLAPFH", strict=True))


@pytest.fixture
def upright():
    """Marked at its top left corner; height and width differ."""
    values = np.zeros((40, 64), np.uint16)
    values[4:12, 4:10] = 1000
    values[20:24, 20:50] = 500
    return values


def as_stored(upright, wanted, rows, columns):
    """The upright picture, whose rows and columns go as `wanted` says, as a file holds it whose own go elsewhere."""
    stored = upright
    if rows in (wanted[1], OPPOSITE[wanted[1]]):
        stored = stored.T
        wanted = wanted[::-1]
    if rows != wanted[0]:
        stored = stored[:, ::-1]
    return np.ascontiguousarray(stored if columns == wanted[1] else stored[::-1])


def both(letter):
    return letter, OPPOSITE[letter]


EVERY_LIE = [
    (plane, wanted, rows, columns)
    for plane, wanted in PLANES.items()
    for first, second in (wanted, wanted[::-1])
    for rows, columns in itertools.product(both(first), both(second))
]


@pytest.mark.parametrize(("plane", "wanted", "rows", "columns"), EVERY_LIE)
def test_every_rotation_and_flip_of_a_slice_comes_out_upright(tmp_path, upright, plane, wanted, rows, columns):
    orientation = [*VECTORS[rows], *VECTORS[columns]]
    stored = as_stored(upright, wanted, rows, columns)
    image = open_dicom(dicom_file(tmp_path / "a", stored, ImageOrientationPatient=orientation, **WHOLE))
    assert image.plane == plane
    shown = image.frame(0).astype(int)
    assert np.abs(shown - upright / 1000 * 255).max() < 3


@pytest.mark.parametrize(("rows", "columns"), [("L", "F"), ("R", "F"), ("R", "H"), ("L", "H"), ("F", "L"), ("H", "R")])
def test_a_film_lies_as_its_patient_orientation_says(tmp_path, upright, rows, columns):
    stored = as_stored(upright, "LF", rows, columns)
    path = dicom_file(tmp_path / "a", stored, Modality="DX", PatientOrientation=[rows, columns], **WHOLE)
    assert np.abs(open_dicom(path).frame(0) - upright / 1000 * 255).max() < 3


def test_a_lateral_film_shows_the_front_at_the_left(tmp_path, upright):
    stored = as_stored(upright, "PF", "A", "F")
    path = dicom_file(tmp_path / "a", stored, Modality="CR", PatientOrientation=["A", "F"], **WHOLE)
    assert np.abs(open_dicom(path).frame(0) - upright / 1000 * 255).max() < 3


def test_the_orientation_holds_the_flip_of_the_detector_already(tmp_path, upright):
    tags = {"Modality": "DX", "PatientOrientation": ["L", "F"], "FieldOfViewHorizontalFlip": "YES"}
    image = open_dicom(dicom_file(tmp_path / "a", upright, **tags, **WHOLE))
    assert np.abs(image.frame(0) - upright / 1000 * 255).max() < 3


@pytest.mark.parametrize(
    "tags",
    [
        {"Modality": "DX"},
        {"Modality": "DX", "PatientOrientation": ["L", "R"]},
        {"Modality": "DX", "PatientOrientation": ["LR", "F"]},
        {"Modality": "DX", "PatientOrientation": ["R", "F"], "AnatomicalOrientationType": "QUADRUPED"},
        {"Modality": "US", "PatientOrientation": ["R", "F"]},
        {"Modality": "MR", "ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
    ],
)
def test_what_says_nothing_sound_turns_nothing(tmp_path, upright, tags):
    image = open_dicom(dicom_file(tmp_path / "a", upright, **tags, **WHOLE))
    assert image.plane == ""
    assert np.abs(image.frame(0) - upright / 1000 * 255).max() < 3


@pytest.mark.parametrize(
    ("side", "wanted", "rows", "columns"),
    [
        ("R", "PL", "P", "L"),  # craniocaudal: the chest wall at the right edge, the outer side at the top
        ("R", "PL", "A", "R"),
        ("L", "AR", "A", "R"),
        ("L", "AR", "P", "L"),
        ("R", "PF", "A", "F"),  # oblique
        ("L", "AF", "P", "F"),
        ("L", "AF", "F", "P"),
    ],
)
def test_a_breast_lies_with_its_chest_wall_outside(tmp_path, upright, side, wanted, rows, columns):
    stored = as_stored(upright, wanted, rows, columns)
    tags = {"Modality": "MG", "ImageLaterality": side, "PatientOrientation": [rows, columns]}
    assert (
        np.abs(open_dicom(dicom_file(tmp_path / "a", stored, **tags, **WHOLE)).frame(0) - upright / 1000 * 255).max()
        < 3
    )


def test_a_breast_of_no_known_side_stays_as_it_is(tmp_path, upright):
    path = dicom_file(tmp_path / "a", upright, Modality="MG", PatientOrientation=["A", "R"], **WHOLE)
    assert np.abs(open_dicom(path).frame(0) - upright / 1000 * 255).max() < 3


@pytest.mark.parametrize(
    ("tags", "side"),
    [
        ({"Laterality": "R"}, "right"),
        ({"ImageLaterality": "L"}, "left"),
        ({"ImageLaterality": "L", "Laterality": "R"}, "left"),
        ({"ImageLaterality": "B"}, ""),
        ({}, ""),
    ],
)
def test_the_side_is_the_one_the_header_names(tmp_path, upright, tags, side):
    assert open_dicom(dicom_file(tmp_path / "a", upright, **tags)).laterality == side


def test_the_regions_of_a_turned_and_oblong_frame_turn_with_it(tmp_path):
    values = np.zeros((40, 64), np.uint8)
    values[10:20, 4:24] = 200
    box = sequence_item(
        RegionDataType=1,
        RegionLocationMinX0=4,
        RegionLocationMinY0=10,
        RegionLocationMaxX1=24,
        RegionLocationMaxY1=20,
    )
    tags = {"ImageOrientationPatient": [0, -1, 0, 1, 0, 0], "PixelSpacing": [1, 2]}
    image = open_dicom(dicom_file(tmp_path / "a", values, SequenceOfUltrasoundRegions=[box], **tags))
    x0, y0, x1, y1 = image.regions[0]
    shown = image.frame(0)
    assert shown[y0 + 2 : y1 - 2, x0:x1].min() == 200
    assert int(shown[y0:y1, x0:x1].sum()) > 0.9 * int(shown.sum())


def test_orientations_that_contradict_each_other_claim_nothing(tmp_path, upright):
    axial = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 5]}
    agreeing = open_dicom(dicom_file(tmp_path / "a", upright, PatientOrientation=["L", "P"], **axial))
    assert (agreeing.plane, agreeing.position) == ("axial", 5.0)
    contrary = open_dicom(dicom_file(tmp_path / "b", upright, PatientOrientation=["R", "P"], **axial))
    assert (contrary.plane, contrary.position) == ("", None)
