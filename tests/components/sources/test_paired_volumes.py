"""IXI, BraTS and SynthRAD in the layouts of their documentation, made of the shipped brain volumes: no real download of
them was at hand."""

from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import pytest

from components.images.stored import decode_stored
from components.images.volume import Volume, read_volume
from components.records.record import LeftOut
from components.records.vocabulary import Modality

SHIPPED = Path(__file__).parents[3] / "components" / "sources" / "shipped"


@pytest.fixture(scope="module")
def head() -> Volume:
    return read_volume(SHIPPED / "pyradiomics" / "brain1_image.nrrd")


@pytest.fixture(scope="module")
def tumour() -> np.ndarray:
    return np.asarray(read_volume(SHIPPED / "pyradiomics" / "brain1_label.nrrd").data) > 0


def save(path: Path, data: np.ndarray, affine: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(data, affine), path)  # type: ignore[attr-defined]
    return path


def save_sagittal(path: Path, data: np.ndarray, affine: np.ndarray, skip: int) -> Path:
    """The same voxels as a scanner writes a sagittal series: other axes, other directions, and `skip` rows less."""
    turn = np.zeros((4, 4))
    turn[0, 2], turn[1, 0], turn[2, 1], turn[3, 3] = -1, 1, -1, 1
    turn[0, 3], turn[1, 3], turn[2, 3] = data.shape[0] - 1, skip, data.shape[2] - 1
    turned = data[::-1, skip:, ::-1].transpose(1, 2, 0)
    return save(path, np.ascontiguousarray(turned), affine @ turn)


def used(volume: np.ndarray) -> list[int]:
    """Axial slices of which a twentieth is brighter than a tenth of the window."""
    low, high = np.percentile(volume.astype(np.float32), (0.5, 99.5))
    bright = (volume > low + 0.1 * (high - low)).mean(axis=(0, 1))
    return np.flatnonzero(bright >= 0.05).tolist()


@pytest.fixture
def ixi(head, tmp_path) -> Path:
    data, affine = np.asarray(head.data), head.affine
    for shows, values in (("T2", data), ("PD", data.max() - data)):
        save(tmp_path / f"IXI-{shows}" / f"IXI002-Guys-0828-{shows}.nii.gz", values, affine)
    save_sagittal(tmp_path / "IXI-T1" / "IXI002-Guys-0828-T1.nii.gz", data, affine, 20)
    save(tmp_path / "IXI-T2" / "IXI012-HH-1211-T2.nii.gz", data[::-1], affine)
    return tmp_path


def test_ixi_t1_lies_on_t2_by_its_affine(ixi, head, read):
    records, unreadable = read(ixi, "ixi")
    count = len(used(np.asarray(head.data)))
    assert unreadable == [] and count > 15
    assert Counter((r.subject, r.facts["contrast"], *sorted(r.targets)) for r in records.values()) == {
        ("IXI002", "T1", "t2"): count,
        ("IXI002", "T2", "pd", "t1"): count,
        ("IXI002", "PD", "t2"): count,
        ("IXI012", "T2"): count,
    }
    assert {r.facts["hospital"] for r in records.values()} == {"Guy's Hospital", "Hammersmith Hospital"}
    rows = np.asarray(head.data).shape[1]
    for index in used(np.asarray(head.data)):
        t1, t2 = (records[f"ixi/IXI002-Guys-0828-{shows}-axial-{index:03d}"] for shows in ("t1", "t2"))
        assert t1.targets["t2"] == t2.image.data and t2.targets["t1"] == t1.image.data
        # The same voxels were stored in both, all but the rows that T1 lacks at the back: nothing may be mirrored.
        one, other = t1.image.decode().astype(int), t2.image.decode().astype(int)
        apart, mirrored = (np.abs(image - other)[: rows - 21].mean() for image in (one, one[:, ::-1]))
        assert apart < 1.5 and mirrored > 4
        assert "T2.nii.gz" in t1.provenance.method and t1.position == t2.position


def test_ixi_what_it_has_no_place_for_is_named(ixi, head, read):
    save(ixi / "IXI-MRA" / "IXI002-Guys-0828-MRA.nii.gz", np.asarray(head.data), head.affine)
    save(ixi / "again" / "IXI012-HH-1211-T2.nii.gz", np.asarray(head.data), head.affine)
    (ixi / "IXI.xls").write_bytes(b"not read")
    apart = head.affine.copy()
    apart[:3, 3] += 500
    save(ixi / "IXI-PD" / "IXI002-Guys-0828-PD.nii.gz", np.asarray(head.data), apart)
    (ixi / "IXI-T1" / "IXI013-HH-1212-T1.nii.gz").write_bytes(b"")
    records, unreadable = read(ixi, "ixi")
    assert {Path(item.file).name: item.reason for item in unreadable} == {
        "IXI002-Guys-0828-MRA.nii.gz": "another sequence",
        "IXI012-HH-1211-T2.nii.gz": "duplicate file",
        "IXI002-Guys-0828-PD.nii.gz": "grids apart",
        "IXI013-HH-1212-T1.nii.gz": "empty file",
    }
    assert [type(item) for item in unreadable if item.reason == "another sequence"] == [LeftOut]
    assert not any("pd" in record.targets for record in records.values())


def brats(folder: Path, case: str, words: dict[str, str], head: Volume, labels: np.ndarray, mark: str = "-") -> None:
    for word in words.values():
        save(folder / case / f"{case}{mark}{word}.nii.gz", np.asarray(head.data), head.affine)
    save(folder / case / f"{case}{mark}seg.nii.gz", labels.astype(np.uint8), head.affine)


NEW = {"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"}
OLD = {"t1": "t1", "t1c": "t1ce", "t2": "t2", "flair": "flair"}


@pytest.mark.parametrize(
    ("cases", "words", "mark", "enhancing", "subjects"),
    [
        (("BraTS-GLI-00005-000", "BraTS-GLI-00005-001"), NEW, "-", 3, {"BraTS-GLI-00005"}),
        (
            ("BraTS20_Training_001", "BraTS20_Training_002"),
            OLD,
            "_",
            4,
            {"BraTS20_Training_001", "BraTS20_Training_002"},
        ),
    ],
)
def test_brats_in_both_layouts_and_label_conventions(
    head, tumour, read, tmp_path, cases, words, mark, enhancing, subjects
):
    labels = tumour * enhancing
    labels[:70] = np.where(labels[:70] > 0, 1, 0)
    for case in cases:
        brats(tmp_path, case, words, head, labels, mark)
    records, unreadable = read(tmp_path, "brats")
    slices = used(np.asarray(head.data))
    assert unreadable == [] and len(records) == len(cases) * 4 * len(slices)
    assert {record.subject for record in records.values()} == subjects
    shown = {contrast: record for record in records.values() if (contrast := record.facts["contrast"])}
    assert {contrast: sorted(record.targets) for contrast, record in shown.items()} == {
        "T1": ["t1c", "t2"],
        "contrast-enhanced T1": ["tumour_map"],
        "T2": ["flair", "t1"],
        "FLAIR": ["t2", "tumour_map"],
    }
    first = {index: records[f"brats/{cases[0]}-flair-axial-{index:03d}"] for index in slices}
    pixels = {index: int((labels[:, :, index] > 0).sum()) for index in slices}
    for index, record in first.items():
        wanted = "no" if pixels[index] == 0 else "yes" if pixels[index] >= 20 else None
        assert record.facts.get("tumour") == wanted
        painted = decode_stored(record.targets["tumour_map"])
        assert int(painted.any(axis=2).sum()) == pixels[index]
    largest = max(pixels, key=pixels.__getitem__)
    colours = {tuple(c) for c in decode_stored(first[largest].targets["tumour_map"]).reshape(-1, 3).tolist()}
    assert colours == {(0, 0, 0), (200, 40, 40), (250, 240, 90)}


def test_brats_labels_of_another_convention_are_refused_and_the_images_stay(head, tumour, read, tmp_path):
    brats(tmp_path, "BraTS-GLI-00001-000", NEW, head, tumour * 4)
    (tmp_path / "BraTS2023_mapping.xlsx").write_bytes(b"beside")
    records, (item,) = read(tmp_path, "brats")
    assert item.reason == "unknown label" and item.file.endswith("seg.nii.gz")
    assert records and not any("tumour_map" in record.targets for record in records.values())
    assert not any("tumour" in record.facts for record in records.values())


def test_a_label_map_on_another_grid_keeps_its_labels(head, tumour, read, tmp_path):
    brats(tmp_path, "BraTS-GLI-00001-000", NEW, head, tumour * 3)
    coarse = head.affine.copy()
    coarse[:3, :2] *= 2
    save(
        tmp_path / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-seg.nii.gz", (tumour[::2, ::2] * 3).astype("u1"), coarse
    )
    records, unreadable = read(tmp_path, "brats")
    assert unreadable == []
    maps = [
        decode_stored(record.targets["tumour_map"]) for record in records.values() if "tumour_map" in record.targets
    ]
    assert {tuple(c) for m in maps for c in np.unique(m.reshape(-1, 3), axis=0).tolist()} == {(0, 0, 0), (250, 240, 90)}


def test_a_label_map_that_was_resampled_says_so(head, tumour, read, tmp_path):
    folder = tmp_path / "BraTS-GLI-00001-000"
    for shows in ("t1n", "t2f"):
        save(folder / f"{folder.name}-{shows}.nii.gz", np.asarray(head.data), head.affine)
    apart = head.affine.copy()
    apart[0, 3] += 3
    save(folder / f"{folder.name}-seg.nii.gz", tumour.astype(np.uint8), apart)
    records, _ = read(tmp_path, "brats")
    told = f"as delivered; labels resampled by affine onto the grid of {folder.name}-t1n.nii.gz"
    assert {record.provenance.method for record in records.values()} == {told}


def test_paired_slices_are_thinned_by_millimetres_and_in_true_proportions(head, tumour, read, tmp_path):
    folder = tmp_path / "BraTS-GLI-00001-000"
    affine = np.diag([1.0, 2, 3, 1])
    for shows in ("t1n", "t2w", "t2f"):
        save(folder / f"{folder.name}-{shows}.nii.gz", np.asarray(head.data), affine)
    save(folder / f"{folder.name}-seg.nii.gz", tumour.astype(np.uint8), affine)
    records, _ = read(tmp_path, "brats", slice_mm=6)
    places = sorted({record.position for record in records.values()})
    assert (np.diff(places) == 6.0).all()
    for record in records.values():
        assert record.image.shape == (512, 256)
        assert all(decode_stored(data).shape[:2] == (512, 256) for data in record.targets.values())


def test_paired_volumes_that_do_not_say_how_they_lie_claim_no_plane(head, read, tmp_path):
    folder = tmp_path / "BraTS-GLI-00001-000"
    for shows in ("t1n", "t2w"):
        image = nibabel.Nifti1Image(np.asarray(head.data), head.affine)
        image.set_sform(None, 0)
        image.set_qform(None, 0)
        folder.mkdir(exist_ok=True)
        nibabel.save(image, folder / f"{folder.name}-{shows}.nii.gz")
    records, _ = read(tmp_path, "brats")
    assert records and not any({"plane", "level"} & set(record.facts) for record in records.values())
    assert {record.position for record in records.values()} == {None}


def test_a_label_map_without_its_image_is_counted(head, tumour, read, tmp_path):
    save(tmp_path / "BraTS-GLI-00001-000-seg.nii.gz", tumour.astype(np.uint8), head.affine)
    records, (item,) = read(tmp_path, "brats")
    assert not records and item.reason == "no image"


def test_synthrad_pairs_are_black_outside_of_the_mask(read, tmp_path):
    scan = read_volume(SHIPPED / "totalsegmentator" / "example_ct.nii.gz")
    ct, affine = np.asarray(scan.data), scan.affine
    mask = np.zeros(ct.shape, np.uint8)
    mask[20:100, 20:80] = 1
    folder = tmp_path / "Task1" / "pelvis" / "1PA001"
    save(folder / "ct.nii.gz", ct, affine)
    save(folder / "mr.nii.gz", (ct + 1000).clip(0, 2000).astype(np.int16), affine)
    save(folder / "mask.nii.gz", mask, affine)
    (tmp_path / "Task1" / "pelvis" / "overview").mkdir()
    (tmp_path / "Task1" / "pelvis" / "overview" / "1PA001_train.png").write_bytes(b"beside")
    records, unreadable = read(tmp_path, "synthrad")
    assert unreadable == []
    mri = {record.provenance.locator: record for record in records.values() if record.modality is Modality.MRI}
    cts = {record.provenance.locator: record for record in records.values() if record.modality is Modality.CT}
    assert len(mri) == len(cts) == ct.shape[2] and set(mri) == set(cts)
    outside = Volume(mask, affine).slice("axial", 0) == 0
    for locator, record in mri.items():
        assert record.targets == {"ct": cts[locator].image.data} and not cts[locator].targets
        assert (record.subject, record.anatomy, record.facts["hospital"]) == ("1PA001", "pelvis", "centre A")
        assert not record.image.decode()[outside].any() and not decode_stored(record.targets["ct"])[outside].any()
    index = ct.shape[2] // 2
    wanted = np.clip(np.rint((ct[:, :, index].astype(float) + 1000) * 255 / 3000), 0, 255)
    found = cts[f"axial {index}"].image.decode()[~outside]
    np.testing.assert_array_equal(found, Volume(wanted[:, :, None], affine).slice("axial", 0)[~outside])
