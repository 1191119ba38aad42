"""A series is cut as a NIfTI volume of the same voxels is."""

import nibabel
import numpy as np
import pytest

from components.records.record import LeftOut
from tests.fixtures.dicom_files import dicom_file

SHAPE = (48, 56, 40)
"""x, y, z."""
PLACE = np.meshgrid(*(np.linspace(-1, 1, side) for side in SHAPE), indexing="ij")
DISTANCE = np.sqrt(sum(axis**2 for axis in PLACE))
SPACING = (1.0, 1.0, 2.0)


@pytest.fixture(scope="module")
def head():
    noise = np.random.default_rng(0).random(SHAPE)
    return np.where(DISTANCE < 0.95, 40 + 60 * noise + 40 * (PLACE[0] > 0), -1000).astype(np.int16)


@pytest.fixture
def series(tmp_path, head):
    """series(**tags) writes the head as axial slices under names in no order, and gives its folder."""

    def write(**tags):
        for z in range(SHAPE[2]):
            known = {
                "Modality": "CT",
                "SeriesInstanceUID": "1.2.3",
                "StudyInstanceUID": "1.2",
                "SOPInstanceUID": f"1.2.3.{z + 1}",
                "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
                "ImagePositionPatient": [-(SHAPE[0] - 1) * SPACING[0], -(SHAPE[1] - 1) * SPACING[1], z * SPACING[2]],
                "PixelSpacing": [SPACING[1], SPACING[0]],
                "InstanceNumber": 100 - z,
                "WindowCenter": 40,
                "WindowWidth": 400,
            }
            # Rows of a file go to the left and to the back, the axes of the head to the right and to the front.
            stored = np.ascontiguousarray(head[::-1, ::-1, z].T)
            dicom_file(tmp_path / "dicom" / f"{z * 17 % 41:03d}", stored, **{**known, **tags})
        return tmp_path / "dicom"

    return write


def by_place(records):
    return {(record.facts["plane"], round(record.position, 2)): record for record in records.values()}


def test_a_series_is_cut_as_the_same_volume_in_nifti(tmp_path, head, series, read):
    folder = series()
    (folder / "labels.csv").write_text("file,fact,value\n*,window,soft tissue\n")
    nibabel.save(nibabel.Nifti1Image(head, np.diag([*SPACING, 1.0])), tmp_path / "nifti.nii.gz")
    volumes = tmp_path / "nifti"
    volumes.mkdir()
    (tmp_path / "nifti.nii.gz").rename(volumes / "a.nii.gz")
    (volumes / "labels.csv").write_text("file,fact,value\n*,modality,CT\n*,window,soft tissue\n")
    of_dicom, others = read(folder, "s", "dicom", public=True)
    of_nifti, _ = read(volumes, "s", "nifti", public=True)
    assert not others
    dicom, nifti = by_place(of_dicom), by_place(of_nifti)
    for plane in ("coronal", "sagittal"):
        assert {place for place in dicom if place[0] == plane} == {place for place in nifti if place[0] == plane}
    assert {place for place in nifti if place[0] == "axial"} <= set(dicom)
    for place, record in nifti.items():
        assert dicom[place].image.sha256 == record.image.sha256, place


def test_taken_slices_keep_their_ids_and_claim_no_level_of_a_region_that_may_go_on(series, read):
    records, _ = read(series(), "s", "dicom", public=True)
    axial = sorted((r for r in records.values() if r.facts["plane"] == "axial"), key=lambda record: record.position)
    assert len(axial) == SHAPE[2]
    alone, _ = read(series(SeriesInstanceUID="", StudyInstanceUID=""), "s", "dicom", public=True)
    assert {record.id for record in axial} == set(alone)
    assert not any("level" in record.facts for record in (*axial, *alone.values()))


def test_all_planes_are_one_patients(series, read):
    records, _ = read(series(PatientID=""), "s", "dicom")
    assert {record.facts["plane"] for record in records.values()} == {"axial", "coronal", "sagittal"}
    assert len({record.subject for record in records.values()}) == 1


def test_slices_are_thinned_by_millimetres_and_the_others_are_counted(series, read):
    records, others = read(series(), "s", "dicom", public=True, slice_mm=6)
    for plane in ("axial", "coronal", "sagittal"):
        places = sorted(record.position for record in records.values() if record.facts["plane"] == plane)
        assert len(places) > 4 and np.diff(places).min() == 6.0
    axial = sum(record.facts["plane"] == "axial" for record in records.values())
    assert axial + len(others) == SHAPE[2]
    assert {item.reason for item in others} == {"thinned out"} and all(isinstance(item, LeftOut) for item in others)


def test_a_series_of_which_a_slice_is_broken_has_no_other_planes(series, read):
    folder = series()
    file = folder / "017"
    file.write_bytes(file.read_bytes()[:-2000])
    records, (problem,) = read(folder, "s", "dicom", public=True)
    assert problem.file == "017"
    assert {record.facts["plane"] for record in records.values()} == {"axial"}
    assert len(records) == SHAPE[2] - 1


def test_several_windows_are_a_record_each_in_every_plane(series, read):
    folder = series()
    (folder / "labels.csv").write_text("file,fact,value\n*,window,brain;bone\n")
    records, _ = read(folder, "s", "dicom", public=True)
    counts = {}
    for record in records.values():
        counts.setdefault(record.facts["plane"], []).append(record.facts["window"])
    assert all(windows.count("brain") > 10 and windows.count("bone") > 10 for windows in counts.values())


def test_series_under_mixed_names_do_not_mix(tmp_path, head, series, read):
    first = series()
    for z in range(SHAPE[2]):
        tags = {"SeriesInstanceUID": "1.9", "SOPInstanceUID": f"1.9.{z + 1}", "PatientID": "P-2", "Modality": "MR"}
        place = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, z * 2.0]}
        stored = np.ascontiguousarray(head[::-1, ::-1, z].T) + 1000
        dicom_file(first / f"{z * 17 % 41:03d}b", stored.astype(np.uint16), PixelSpacing=[1, 1], **tags, **place)
    records, others = read(first, "s", "dicom", public=True)
    assert not others
    found = {(record.modality.value, record.facts["plane"]) for record in records.values()}
    assert found == {(kind, plane) for kind in ("CT", "MRI") for plane in ("axial", "coronal", "sagittal")}
    assert {record.subject for record in records.values() if record.modality.value == "MRI"} == {"P-2"}


def test_a_slice_at_the_end_of_a_series_does_not_judge_its_window(series, read):
    """It shows little and would be stretched until its noise is seen."""
    plain, _ = read(series(Modality="MR", WindowCenter=-450, WindowWidth=1180), "s", "dicom", public=True)
    assert {record.provenance.method for record in plain.values() if record.facts["plane"] == "axial"} == {
        "as delivered"
    }


def test_a_window_that_spoils_a_series_gives_way_to_one_for_all_its_slices(series, read):
    records, _ = read(series(Modality="MR", WindowCenter=15000, WindowWidth=30000), "s", "dicom", public=True)
    axial = sorted((r for r in records.values() if r.facts["plane"] == "axial"), key=lambda record: record.position)
    assert all("percentiles" in record.provenance.method for record in axial)
    middle, quarter = axial[20].image.decode(), axial[8].image.decode()
    seen = DISTANCE[::-1, ::-1, 8].T < 0.9
    assert abs(np.median(middle[DISTANCE[::-1, ::-1, 20].T < 0.9]) - np.median(quarter[seen])) < 25
