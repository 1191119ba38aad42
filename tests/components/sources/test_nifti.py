"""A folder of volumes: upright, in true proportions, and nothing claimed that no header says."""

import json

import nibabel
import numpy as np
import pytest

from components.records.record import LeftOut
from components.records.targets import ENHANCED_T1

SHAPE = (48, 56, 40)
PLACE = np.meshgrid(*(np.linspace(-1, 1, side) for side in SHAPE), indexing="ij")
DISTANCE = np.sqrt(sum(axis**2 for axis in PLACE))


def head(seed=0, shape_of=DISTANCE) -> np.ndarray:
    values = 300 + 200 * np.random.default_rng(seed).random(shape_of.shape)
    return np.where(shape_of < 0.95, values, 0).astype(np.int16)


def save(path, data, affine=None, *, codes=(1, 0), qform=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(data, np.eye(4) if affine is None else affine)
    image.set_qform(qform if qform is not None else image.affine, codes[1])
    image.set_sform(image.affine, codes[0])
    nibabel.save(image, path)


@pytest.fixture
def label(tmp_path):
    def write(*rows):
        (tmp_path / "labels.csv").write_text("\n".join(["file,fact,value", *rows]) + "\n")

    return write


@pytest.fixture
def mri(label):
    label("*,modality,MRI")


def test_codes_of_zero_claim_no_plane_no_side_and_no_place(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", head(), np.diag([-1, 1, 1.5, 1]), codes=(0, 0))
    records, others = read(tmp_path, "s", "nifti", public=True)
    assert records and not others
    for record in records.values():
        assert set(record.facts) == {"colour"}
        assert record.position is None
        assert record.provenance.locator.startswith("slice ")


def test_transforms_that_contradict_each_other_claim_nothing(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", head(), codes=(2, 1), qform=np.diag([-1.0, 1, 1, 1]))
    save(tmp_path / "b.nii.gz", head(1), codes=(2, 1))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    claimed = {record.provenance.file: "plane" in record.facts for record in records.values()}
    assert claimed == {"a.nii.gz": False, "b.nii.gz": True}


def turned(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1.0]])


def test_only_planes_that_the_slices_lie_in_are_named(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", head(), turned(40))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    assert {record.facts.get("plane") for record in records.values()} == {"sagittal"}
    save(tmp_path / "a.nii.gz", head(), turned(15))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    assert {record.facts.get("plane") for record in records.values()} == {"axial", "coronal", "sagittal"}
    places = sorted(record.position for record in records.values() if record.facts["plane"] == "axial")
    assert np.allclose(np.diff(places), 1.0, atol=2e-3)


def test_oblong_planes_are_shown_in_their_true_proportions(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", head(), np.diag([1.0, 1, 3, 1]))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    sizes = {record.facts["plane"]: record.image.shape for record in records.values()}
    assert sizes == {"axial": (56, 48), "coronal": (120, 48), "sagittal": (120, 56)}
    # As far apart as the slices that were taken allow, not every millimetre.
    counts = {plane: sum(r.facts["plane"] == plane for r in records.values()) for plane in sizes}
    assert counts["coronal"] < 56 / 2 + 1


def test_planes_of_much_thicker_slices_are_left_out(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", head(), np.diag([1.0, 1, 6, 1]))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    assert {record.facts["plane"] for record in records.values()} == {"axial"}


def test_slices_are_thinned_by_millimetres(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", head())
    every, _ = read(tmp_path, "s", "nifti", public=True)
    fewer, _ = read(tmp_path, "s", "nifti", public=True, slice_mm=5)
    assert set(fewer) < set(every)
    for plane in ("axial", "coronal", "sagittal"):
        places = sorted(record.position for record in fewer.values() if record.facts["plane"] == plane)
        assert (np.diff(places) == 5.0).all() and len(places) >= 5


def test_a_background_far_below_the_body_decides_no_grey_level(tmp_path, mri, read):
    data = np.where(DISTANCE < 0.95, head(), -2000).astype(np.int16)
    save(tmp_path / "a.nii.gz", data)
    records, _ = read(tmp_path, "s", "nifti", public=True)
    middle = next(r for r in records.values() if r.provenance.locator == "axial 20").image.decode()
    assert middle[0, 0] == 0
    assert np.percentile(middle[middle > 0], 20) < 80


@pytest.mark.parametrize(
    "name", ["labelsTr/case.nii.gz", "case_seg.nii.gz", "masks/a.nrrd.nii", "s1/segmentations/liver.nii.gz"]
)
def test_label_maps_are_left_out_by_name_and_read_when_asked_for(tmp_path, label, read, name):
    label("*,modality,CT", "*,anatomy,abdomen")
    save(tmp_path / "imagesTr" / "case_0000.nii.gz", head() - 200)
    save(tmp_path / name, (DISTANCE < 0.9).astype(np.uint8) * 90)
    records, others = read(tmp_path, "s", "nifti", public=True)
    assert {record.provenance.file for record in records.values()} == {"imagesTr/case_0000.nii.gz"}
    assert [(item.file, item.reason, isinstance(item, LeftOut)) for item in others] == [(name, "label map", True)]
    label("*,modality,CT", f"{name},kind,image")
    records, _ = read(tmp_path, "s", "nifti", public=True)
    assert name in {record.provenance.file for record in records.values()}


def test_label_maps_under_another_name_are_refused_by_their_values(tmp_path, label, read):
    label("*,modality,CT")
    save(tmp_path / "tissues.nii.gz", np.digitize(DISTANCE, [0.3, 0.6, 0.9]).astype(np.uint8))
    save(tmp_path / "floats.nii.gz", np.digitize(DISTANCE, [0.3, 0.6, 0.9]).astype(np.float32))
    save(tmp_path / "scan.nii.gz", (head() // 4).clip(0, 255).astype(np.uint8))
    records, others = read(tmp_path, "s", "nifti", public=True)
    assert {record.provenance.file for record in records.values()} == {"scan.nii.gz"}
    assert {item.file: item.reason for item in others} == {"tissues.nii.gz": "label map", "floats.nii.gz": "label map"}
    assert not any(isinstance(item, LeftOut) for item in others)


def test_the_volumes_of_a_fourth_axis_are_named_by_labels(tmp_path, label, read):
    label("*,modality,MRI", "a.nii.gz,contrasts,FLAIR;;T2")
    save(tmp_path / "a.nii.gz", np.stack([head(n) for n in range(3)], axis=3))
    records, others = read(tmp_path, "s", "nifti", public=True)
    assert not others
    found = {record.provenance.locator.split()[1]: record.facts["contrast"] for record in records.values()}
    assert found == {"0": "FLAIR", "2": "T2"}
    assert len({record.image.sha256 for record in records.values()}) == len(records)
    assert {record.subject for record in records.values()} == {"a.nii.gz"}
    label("*,modality,MRI", "a.nii.gz,contrasts,FLAIR;T2")
    _, (problem,) = read(tmp_path, "s", "nifti", public=True)
    assert problem.reason == "bad labels" and "names 2 volumes, the file holds 3" in problem.detail


@pytest.mark.parametrize("kind", ["numbers of FreeSurfer", "a hair off", "one high number"])
def test_label_maps_of_high_numbers_and_of_nearly_whole_ones_are_refused_too(tmp_path, mri, read, kind):
    columns = (DISTANCE < 0.95) * (
        np.arange(SHAPE[0])[:, None, None] // 8 * 400 + np.arange(SHAPE[1])[None, :, None] // 8 * 7 + 2
    )
    values = {
        "numbers of FreeSurfer": columns.astype(np.int32),
        "a hair off": ((DISTANCE < 0.8) * 0.99999).astype(np.float32),
        "one high number": ((DISTANCE < 0.8) * 1000).astype(np.int16),
    }[kind]
    save(tmp_path / "aparc.nii.gz", values)
    records, others = read(tmp_path, "s", "nifti", public=True)
    assert not records and [item.reason for item in others] == ["label map"]


def test_complex_voxels_are_refused_by_name(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", (head() * (1 + 2j)).astype(np.complex64))
    records, (found,) = read(tmp_path, "s", "nifti", public=True)
    assert not records and found.detail == "its voxels are complex numbers; deliver their magnitude as a volume"


def test_volumes_that_are_called_by_how_they_were_taken_are_their_folders_and_a_packed_twin_is_of_one_patient(
    tmp_path, mri, read
):
    for number, name in enumerate(
        ("p1/t1.nii.gz", "p1/T2_FLAIR.nii.gz", "p2/t1.nii.gz", "ct/001.nii.gz", "case.nii", "case.nii.gz", "t1.nii.gz")
    ):
        save(tmp_path / name, head(number))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    whom = {record.provenance.file: record.subject for record in records.values()}
    assert whom == {
        "p1/t1.nii.gz": "p1",
        "p1/T2_FLAIR.nii.gz": "p1",
        "p2/t1.nii.gz": "p2",
        "ct/001.nii.gz": "ct/001.nii.gz",
        "case.nii": "case.nii.gz",
        "case.nii.gz": "case.nii.gz",
        "t1.nii.gz": "t1.nii.gz",
    }


def test_a_fourth_axis_without_names_gives_its_first_volume_and_says_so(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", np.stack([head(n) for n in range(4)], axis=3))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    assert {record.provenance.method for record in records.values()} == {"as delivered; the first of 4 volumes"}


def test_a_challenges_dataset_json_names_modality_and_channels(tmp_path, read):
    words = {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
    (tmp_path / "dataset.json").write_text(json.dumps({"modality": words}))
    save(tmp_path / "imagesTr" / "brats_001.nii.gz", np.stack([head(n) for n in range(4)], axis=3))
    records, others = read(tmp_path, "s", "nifti", public=True)
    assert [item.file for item in others if not isinstance(item, LeftOut)] == []
    assert {record.modality.value for record in records.values()} == {"MRI"}
    assert {record.facts["contrast"] for record in records.values()} == {"FLAIR", "T1", ENHANCED_T1, "T2"}


def test_the_channels_of_a_case_are_one_patient(tmp_path, read):
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "T1", "1": "T2"}}))
    for channel in range(2):
        save(tmp_path / "imagesTr" / f"case_7_000{channel}.nii.gz", head(channel))
    save(tmp_path / "imagesTr" / "case_8_0000.nii.gz", head(9))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    assert {(r.subject, r.facts["contrast"]) for r in records.values()} == {
        ("case_7", "T1"), ("case_7", "T2"), ("case_8", "T1"),
    }  # fmt: skip


def test_the_sessions_of_a_bids_subject_are_one_patient(tmp_path, mri, read):
    for session in (1, 2):
        save(tmp_path / f"sub-01_ses-{session}_T1w.nii.gz", head(session))
    records, _ = read(tmp_path, "s", "nifti", public=True)
    assert {record.subject for record in records.values()} == {"sub-01"}


def test_windows_of_ct_are_facts_and_several_are_a_record_each(tmp_path, label, read):
    label("*,modality,CT", "*,anatomy,chest")
    save(tmp_path / "a.nii.gz", head() - 200)
    records, _ = read(tmp_path, "s", "nifti", public=True)
    assert {record.facts["window"] for record in records.values()} == {"lung"}
    label("*,modality,CT", "*,anatomy,chest", "*,window,lung;soft tissue")
    both, _ = read(tmp_path, "s", "nifti", public=True)
    assert {record.facts["window"] for record in both.values()} == {"lung", "soft tissue"}
    assert len({name.split("-axial")[0] for name in both if "-axial" in name}) == 2


def test_what_describes_volumes_is_no_broken_volume(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", head())
    for name in ("a.json", "a.bval", "participants.tsv", "CHANGES", ".bidsignore"):
        (tmp_path / name).write_text("{}")
    _, others = read(tmp_path, "s", "nifti", public=True)
    assert {item.reason for item in others} == {"no volume"} and all(isinstance(item, LeftOut) for item in others)


def test_a_bad_distance_is_named(tmp_path, mri, read):
    save(tmp_path / "a.nii.gz", head())
    _, (problem,) = read(tmp_path, "s", "nifti", public=True, slice_mm=-3)
    assert "slice_mm is -3" in problem.detail
