"""A head of a private source stays where it is until somebody says that its face was taken off; nothing else does."""

from typing import Any

import nibabel
import numpy as np
import pytest

from components.images.heads import may_show_head, shows_head
from components.images.volume import Volume, read_volume
from components.sources.delivery import corpus, locate
from components.sources.reading.faces import REASON
from tests.fixtures.dicom_files import dicom_file

MM = 4
"""Millimetres of a voxel's side."""
ROOM = (512, 400, 400)
"""Millimetres: x, y, z."""
AIR = -1000


def cylinder(width, depth, low=0, high=ROOM[2], *, at=ROOM[0] / 2):
    """Whether a voxel lies in an upright elliptic cylinder of those millimetres."""
    x, y, z = (
        np.arange(side // MM).reshape([-1 if a == n else 1 for n in range(3)]) * MM for a, side in enumerate(ROOM)
    )
    round_ = ((x - at) / (width / 2)) ** 2 + ((y - ROOM[1] / 2) / (depth / 2)) ** 2
    return (round_ < 1) & (z >= low) & (z < high)


def head(low=0):
    """A neck and a head above it."""
    return cylinder(110, 110, low, low + 60) | cylinder(150, 190, low + 60, low + 230)


BODIES = {
    "head": head(),
    "turned head": head().transpose(1, 0, 2)[: ROOM[0] // MM],
    "small head": cylinder(110, 140, 40, 180),
    "head on a trunk": cylinder(360, 230, 0, 160) | head(160),
    "head on an infant's trunk": cylinder(200, 140, 0, 120) | cylinder(115, 140, 140, 280),
    "trunk": cylinder(360, 230),
    "child's trunk": cylinder(210, 150),
    "two thighs": cylinder(160, 170, at=150) | cylinder(160, 170, at=360),
    "thigh": cylinder(160, 170),
    "wrist": cylinder(60, 45),
}
SHOWS = {"head", "turned head", "small head", "head on a trunk", "head on an infant's trunk", "thigh"}
MAY_SHOW = SHOWS | {"child's trunk"}


def values(body, *, is_ct=True):
    noise = np.random.default_rng(0).integers(0, 60, body.shape)
    return np.where(body, 20 + noise, AIR if is_ct else noise // 20).astype(np.int16)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("is_ct", [True, False])
def test_sizes_tell_a_head_from_a_trunk_and_from_what_is_small(body, is_ct):
    placed = body != "turned head"
    volume = Volume(values(BODIES[body], is_ct=is_ct), np.diag([MM, MM, MM, 1.0]), is_placed=placed)
    assert shows_head(volume, is_ct=is_ct) is (body in SHOWS | {"two thighs"})
    assert may_show_head(volume, is_ct=is_ct) is (body in MAY_SHOW | {"two thighs"})


def test_real_heads_are_told_from_real_trunks():
    found = {}
    for source in ("pyradiomics", "totalsegmentator", "nilearn-mni"):
        for file in corpus()[source]:
            is_map = any(word in file.file for word in ("label", "seg", "_gm_", "_wm_"))
            if file.file.endswith((".nrrd", ".nii.gz")) and not is_map:
                volume = read_volume(locate(file))
                found[file.file] = shows_head(volume, is_ct="ct" in file.file or "lung" in file.file)
    heads = {name for name, is_head in found.items() if is_head}
    assert len(found) >= 8
    assert heads == {name for name in found if "brain" in name or "mni" in name}


def save(folder, body, *rows):
    folder.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values(BODIES[body]), np.diag([MM, MM, MM, 1.0])), folder / "a.nii.gz")
    (folder / "labels.csv").write_text("\n".join(("file,fact,value", "*,modality,CT", "*,licence,ours", *rows)) + "\n")
    return folder


@pytest.mark.parametrize(
    ("body", "rows", "held"),
    [
        ("head", (), True),
        ("wrist", ("*,anatomy,brain",), True),
        ("trunk", ("*,anatomy,neck",), True),
        ("head on a trunk", ("*,anatomy,chest",), True),
        ("thigh", (), True),
        ("thigh", ("*,anatomy,leg",), False),
        ("child's trunk", (), True),
        ("child's trunk", ("*,anatomy,abdomen",), False),
        ("trunk", (), False),
        ("trunk", ("*,anatomy,chest",), False),
        ("wrist", (), False),
        ("head", ("*,anatomy,brain", "a.nii.gz,defaced,yes"), False),
        ("head", ("*,anatomy,brain", "*,defaced,no"), True),
    ],
)
def test_a_volume_is_held_by_its_word_else_by_its_sizes(tmp_path, read, body, rows, held):
    records, others = read(save(tmp_path / "in", body, *rows), "clinic", "nifti")
    assert [item.reason for item in others] == ([REASON] if held else [])
    assert not (held and records)
    if held:
        assert "defaced,yes" in others[0].detail and "labels.csv" in others[0].detail


def test_a_public_source_and_one_that_says_defaced_are_untouched(tmp_path, read):
    folder = save(tmp_path / "in", "head", "*,anatomy,brain")
    public, others = read(folder, "set", "nifti", public=True)
    assert public and not others
    told, others = read(folder, "clinic", "nifti", defaced=True)
    assert len(told) == len(public) and not others
    assert all("defaced" not in record.facts for record in told.values())


def test_a_few_slices_of_a_head_make_no_face(tmp_path, read):
    folder = save(tmp_path / "in", "head", "*,anatomy,brain")
    thick = np.diag([MM, MM, 30.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(values(BODIES["head"])[40:90, 20:80, 20:50:8], thick), folder / "a.nii.gz")
    records, others = read(folder, "clinic", "nifti")
    assert records and not others


def series(folder, body, plane, *, spread=1.0, every=2, **tags: Any):
    """The body as DICOM slices; `spread` makes the distances uneven."""
    data = values(BODIES[body])
    folder.mkdir(exist_ok=True)
    (folder / "labels.csv").write_text("file,fact,value\n*,licence,ours\n")
    for number, k in enumerate(range(0, data.shape[2 if plane == "axial" else 0], every)):
        along = MM * k * spread**number
        if plane == "axial":
            stored, lies, at = data[::-1, ::-1, k].T, [1, 0, 0, 0, 1, 0], [-ROOM[0], -ROOM[1], along]
        else:
            stored, lies, at = data[k, ::-1, ::-1].T, [0, 1, 0, 0, 0, -1], [-along, -ROOM[1], ROOM[2]]
        known = {
            "Modality": "CT",
            "SeriesInstanceUID": "1.2.3",
            "StudyInstanceUID": "1.2",
            "SOPInstanceUID": f"1.2.3.{number + 1}",
            "RescaleIntercept": 0,
            "RescaleSlope": 1,
            "WindowCenter": 40,
            "WindowWidth": 400,
            "PixelSpacing": [MM, MM],
            "ImageOrientationPatient": lies,
            "ImagePositionPatient": at,
        }
        dicom_file(folder / f"{number:03d}", np.ascontiguousarray(stored), **{**known, **tags})
    return folder


@pytest.mark.parametrize("plane", ["axial", "sagittal"])
@pytest.mark.parametrize("spread", [1.0, 1.01])
def test_every_slice_of_a_head_s_series_is_held_whatever_its_plane(tmp_path, read, plane, spread):
    folder = series(tmp_path / "in", "head", plane, spread=spread)
    records, others = read(folder, "clinic", "dicom")
    assert not records and {item.reason for item in others} == {REASON}
    assert len(others) == len(list(folder.iterdir())) - 1
    released, others = read(folder, "clinic", "dicom", defaced=True)
    assert released and REASON not in {item.reason for item in others}


@pytest.mark.parametrize(
    ("body", "part", "held"),
    [
        ("trunk", "HEAD", True),
        ("head on a trunk", "CHEST", True),
        ("head on a trunk", "", True),
        ("trunk", "CHEST", False),
        ("trunk", "", False),
        ("thigh", "LEG", False),
    ],
)
def test_a_series_is_held_by_its_header_s_region_else_by_its_sizes(tmp_path, read, body, part, held):
    records, others = read(series(tmp_path / "in", body, "axial", BodyPartExamined=part), "clinic", "dicom")
    assert ({item.reason for item in others} == {REASON}) is held
    assert bool(records) is not held


def test_a_head_s_file_that_does_not_say_where_it_lies_is_held_by_its_word(tmp_path, read):
    """Whoever takes positions out of headers leaves the face in the slices."""
    tags: dict[str, Any] = {"ImagePositionPatient": [], "ImageOrientationPatient": []}
    folder = series(tmp_path / "in", "head", "axial", BodyPartExamined="HEAD", **tags)
    records, others = read(folder, "clinic", "dicom")
    assert not records and {item.reason for item in others} == {REASON}


def test_a_film_of_a_skull_and_three_slices_are_no_face(tmp_path, read):
    folder = series(tmp_path / "in", "head", "axial", every=34, BodyPartExamined="HEAD")
    records, others = read(folder, "clinic", "dicom")
    assert len(records) == 3 and not others
    film = {
        "Modality": "CR",
        "BodyPartExamined": "SKULL",
        "SOPInstanceUID": "1.2.3.99",
        "PatientOrientation": ["L", "F"],
    }
    dicom_file(folder / "film", values(BODIES["head"])[:, :, 30] + 1000, **film)
    records, others = read(folder, "clinic", "dicom", burned_in="allow")
    assert len(records) == 4 and not others
