"""Which frames lie side by side is read from where they lie, never from names or numbers."""

import numpy as np
import pytest

from components.images.dicom_series import places, stacks
from tests.fixtures.dicom_files import dicom_dataset, dicom_file, sequence_item

AXIAL = [1, 0, 0, 0, 1, 0]
VALUES = np.arange(24 * 32, dtype=np.int16).reshape(24, 32)


@pytest.fixture
def series(tmp_path):
    """series(zs, …) writes a file for each place and gives the stacks that are found."""

    def write(where, **tags):
        found = []
        for number, at in enumerate(where):
            at = at if isinstance(at, tuple) else (0.0, 0.0, at)
            own = {name: value[number] if isinstance(value, list) else value for name, value in tags.items()}
            known = {"SeriesInstanceUID": "1.2", "ImageOrientationPatient": AXIAL, "ImagePositionPatient": list(at)}
            name = f"{number * 7 % 11}-{number}"
            found += places(name, dicom_file(tmp_path / name, VALUES, **{**known, **own}))
        return stacks(found)

    return write


def test_slices_are_ordered_from_the_feet_to_the_head(series):
    (stack,) = series([30.0, 10.0, 20.0, 0.0, 40.0, 50.0])
    assert [place.along for place in stack.places] == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert (stack.plane, stack.step, stack.shape) == ("axial", 10.0, (6, 24, 32))


@pytest.mark.parametrize(
    "where",
    [
        [0.0, 10.0, 20.0, 30.0],  # too few
        [0.0, 10.0, 20.0, 40.0, 50.0, 60.0],  # one is missing
        [(0.0, 0.0, 0.0), (0.0, 4.0, 10.0), (0.0, 8.0, 20.0), (0.0, 12.0, 30.0), (0.0, 16.0, 40.0)],  # a tilted gantry
        [0.0, 0.0, 10.0, 20.0, 30.0, 40.0],  # twice the same place, and nothing tells them apart
    ],
)
def test_what_is_no_even_stack_stays_slices(series, where):
    assert series(where) == []


def test_echoes_and_phases_of_one_place_are_stacks_of_their_own(series):
    where = [float(z) for z in range(6)] * 2
    found = series(where, EchoTime=[10.0] * 6 + [80.0] * 6)
    assert len(found) == 2
    assert all(len({place.marks[0] for place in stack.places}) == 1 for stack in found)


def test_two_series_in_one_folder_are_two_stacks(series):
    where = [float(z) for z in range(6)] * 2
    assert len(series(where, SeriesInstanceUID=["1.2"] * 6 + ["1.3"] * 6)) == 2


def test_slices_whose_series_number_was_taken_away_are_told_by_what_is_left(series):
    assert len(series([float(z) for z in range(6)], SeriesInstanceUID="", FrameOfReferenceUID="1.5")) == 1


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageType": "ORIGINAL\\PRIMARY\\LOCALIZER"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        {"Modality": "DX"},
    ],
)
def test_localizers_captures_and_films_are_in_no_stack(series, tags):
    assert series([float(z) for z in range(8)], **tags) == []


def test_files_that_cannot_be_read_are_in_no_stack(tmp_path):
    (tmp_path / "a").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 400)
    (tmp_path / "b").write_bytes(b"text")
    assert places("a", tmp_path / "a") == places("b", tmp_path / "b") == []


def test_a_deflated_file_is_not_inflated_to_see_where_it_lies(tmp_path):
    """A bomb is found when its turn comes, under a limit."""
    tags = {"SeriesInstanceUID": "1.2", "ImageOrientationPatient": AXIAL, "ImagePositionPatient": [0, 0, 0]}
    ds = dicom_dataset(VALUES, **tags)
    ds.save_as(tmp_path / "plain", enforce_file_format=True)
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    ds.save_as(tmp_path / "deflated", enforce_file_format=True)
    assert len(places("a", tmp_path / "plain")) == 1
    assert places("a", tmp_path / "deflated") == []


def test_the_frames_of_an_enhanced_object_are_a_stack(tmp_path):
    frames = [
        sequence_item(PlanePositionSequence=[sequence_item(ImagePositionPatient=[0, 0, 2.5 * z])])
        for z in (2, 0, 1, 4, 3)
    ]
    shared = sequence_item(
        PlaneOrientationSequence=[sequence_item(ImageOrientationPatient=AXIAL)],
        PixelMeasuresSequence=[sequence_item(PixelSpacing=[0.5, 0.5])],
    )
    tags = {"PerFrameFunctionalGroupsSequence": frames, "SharedFunctionalGroupsSequence": [shared]}
    path = dicom_file(tmp_path / "a", np.stack([VALUES] * 5), SeriesInstanceUID="1.2", **tags)
    (stack,) = stacks(places("a", path))
    assert [place.index for place in stack.places] == [1, 2, 0, 4, 3]
    assert (stack.step, stack.places[0].spacing) == (2.5, (0.5, 0.5))


@pytest.mark.parametrize(
    ("orientation", "way"),
    [
        (AXIAL, (0, 0, 3)),
        ([1, 0, 0, 0, 0, -1], (0, -3, 0)),
        ([0, 1, 0, 0, 0, -1], (3, 0, 0)),
        ([0, -1, 0, 1, 0, 0], (0, 0, -3)),
    ],
)
def test_the_volume_of_a_stack_holds_every_value_at_its_place(tmp_path, orientation, way):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 1000, (6, 24, 32)).astype(np.int16)
    found = []
    for number in (3, 0, 5, 1, 4, 2):
        at = [10 + way[0] * number, 20 + way[1] * number, 30 + way[2] * number]
        tags = {"ImageOrientationPatient": orientation, "ImagePositionPatient": at, "PixelSpacing": [2, 0.5]}
        found += places(
            str(number), dicom_file(tmp_path / str(number), frames[number], SeriesInstanceUID="1.2", **tags)
        )
    (stack,) = stacks(found)
    volume = stack.volume(np.stack([frames[int(place.file)] for place in stack.places]))
    across, down = np.array(orientation, float).reshape(2, 3)
    for number, row, column in ((0, 0, 0), (5, 23, 31), (2, 7, 19)):
        place = np.array([10, 20, 30]) + np.array(way) * number + across * 0.5 * column + down * 2 * row
        index = np.linalg.inv(volume.affine) @ [-place[0], -place[1], place[2], 1]
        assert volume.data[tuple(np.rint(index[:3]).astype(int))] == frames[number, row, column]
