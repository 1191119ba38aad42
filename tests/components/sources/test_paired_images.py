"""Pairs and masks of images. DeepLIIF's are those of tests/samples; BCI, DRIVE, BUSI and SA-Med2D are written here in the
layouts of their documentation. All are out of real pictures."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from components.images.stored import decode_stored
from components.records.vocabulary import Modality, Split, TurnKind
from components.sources.reading.label_colours import class_colour
from tests.samples.pictures import eye

SHIPPED = Path(__file__).parents[3] / "components" / "sources" / "shipped"


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def reasons(unreadable) -> Counter[str]:
    return Counter(item.reason for item in unreadable)


def test_deepliif_six_panels_are_five_pairs(public, read, tmp_path):
    shutil.copytree(public / "deepliif", tmp_path / "deepliif")
    files = sorted((tmp_path / "deepliif").rglob("*.png"))
    records, unreadable = read(tmp_path / "deepliif", "deepliif")
    assert unreadable == [] and len(records) == len(files) == 4
    pairs = 0
    for path in files:
        record = records[f"deepliif/{path.relative_to(tmp_path / 'deepliif').with_suffix('')}"]
        panels = np.asarray(Image.open(path)).reshape(512, 6, 512, 3).transpose(1, 0, 2, 3)
        np.testing.assert_array_equal(record.image.decode(), panels[0])
        assert record.delivered_split is Split(path.parent.name)
        # The images to predict on repeat the first panel: they are no pairs.
        differing = [number for number in range(1, 6) if (panels[number] != panels[0]).any()]
        assert len(record.targets) == len(differing)
        pairs += len(differing)
    assert pairs == 10
    lung = records["deepliif/train/Lung1"]
    assert lung.subject == "lung" and set(lung.targets) == {"counterstain", "dapi", "lap2", "marker", "cell_map"}
    cells = decode_stored(lung.targets["cell_map"])
    assert {tuple(c) for c in np.unique(cells.reshape(-1, 3), axis=0).tolist()} == {
        (0, 0, 0),
        (0, 0, 255),
        (0, 255, 0),
        (255, 0, 0),
    }
    whole = np.asarray(Image.open(tmp_path / "deepliif" / "train" / "Lung1.png"))
    assert (np.abs(cells.astype(int) - whole[:, 2560:]).max(axis=2) > 0).sum() < 20
    assert decode_stored(lung.targets["dapi"]).ndim == 2


def test_deepliif_another_number_of_panels_is_refused(read, tmp_path):
    save(tmp_path / "train" / "a.png", np.random.default_rng(0).integers(0, 255, (20, 100, 3), np.uint8))
    (tmp_path / "notes.txt").write_text("x")
    records, unreadable = read(tmp_path, "deepliif")
    assert not records and reasons(unreadable) == {"wrong panels": 1, "unknown file": 1}


@pytest.fixture
def tissue() -> np.ndarray:
    return np.asarray(Image.open(SHIPPED / "histology" / "histo.jpg").convert("RGB"))


@pytest.fixture
def bci(tissue, tmp_path) -> Path:
    """Tiles of three slides: two of one HER2 level with other stains, one of another level."""
    slides = (("1+", tissue), ("1+", tissue[..., [1, 2, 0]]), ("3+", tissue))
    for number in range(12):
        level, whole = slides[number % 3]
        tile = whole[16 * number : 16 * number + 120, 30 * number : 30 * number + 120]
        split = "test" if number >= 9 else "train"
        name = f"{number:05d}_{split}_{level}.png"
        save(tmp_path / "HE" / split / name, tile)
        save(tmp_path / "IHC" / split / name, 255 - tile)
    return tmp_path


def test_bci_pairs_by_name_and_slides_by_their_stains(bci, read):
    files = sorted(path.relative_to(bci) for path in bci.rglob("*.png"))
    records, unreadable = read(bci, "bci")
    assert unreadable == [] and len(records) == len(files) == 24
    he = {name: record for name, record in records.items() if name.endswith("-he")}
    assert len(he) == 12
    for name, record in he.items():
        other = records[name.removesuffix("-he") + "-ihc"]
        assert record.targets == {"ihc": other.image.data} and not other.targets
        assert (record.facts["stain"], other.facts["stain"]) == ("H&E", "immunohistochemistry")
        (turn,) = record.turns
        assert turn.kind is TurnKind.CHOICE and turn.answer == name.removesuffix("-he").split("_")[2]
        assert set(turn.options) == {"0", "1+", "2+", "3+"} and record.subject == other.subject
    assert Counter(record.delivered_split for record in he.values()) == {Split.TRAIN: 9, Split.TEST: 3}
    slides = {number: record.subject for record in he.values() for number in [int(record.id[4:9]) % 3]}
    assert len(set(slides.values())) == 3 == len({record.subject for record in he.values()})


def test_bci_the_delivered_split_can_be_left_aside(bci, read):
    records, _ = read(bci, "bci", split="none")
    assert {record.delivered_split for record in records.values()} == {None}


def test_bci_halves_and_unlike_sizes_are_no_pairs(bci, read, tissue):
    (bci / "IHC" / "train" / "00000_train_1+.png").unlink()
    save(bci / "IHC" / "train" / "00001_train_1+.png", tissue[:32, :32])
    (bci / "HE" / "train" / "00002_train_3+.png").write_bytes(b"no")
    save(bci / "HE" / "00005.png", tissue)
    records, unreadable = read(bci, "bci")
    assert reasons(unreadable) == {"missing pair": 1, "sizes differ": 2, "not an image": 1, "unknown file": 1}
    assert len(records) + len(unreadable) == 24


def test_drive_vessels_come_from_the_first_observer(read, tmp_path):
    eye = np.asarray(Image.open(SHIPPED / "fundus" / "HRF_07_dr.jpg").convert("RGB").resize((120, 90)))
    vessels = (eye[..., 1] < 60).astype(np.uint8) * 255
    for part, number in (("training", 21), ("training", 22), ("test", 1)):
        root = tmp_path / part
        save(root / "images" / f"{number:02d}_{part}.tif", np.roll(eye, number, axis=1))
        save(root / "mask" / f"{number:02d}_{part}_mask.gif", vessels)
        save(root / "1st_manual" / f"{number:02d}_manual1.gif", np.roll(vessels, number, axis=1))
    save(tmp_path / "test" / "2nd_manual" / "01_manual2.gif", vessels)
    save(tmp_path / "test" / "1st_manual" / "02_manual1.gif", vessels)
    save(tmp_path / "training" / "1st_manual" / "22_manual1.gif", vessels[:50])
    records, unreadable = read(tmp_path, "drive")
    assert reasons(unreadable) == {"unknown file": 1, "sizes differ": 1}
    assert "22_manual1.gif" in next(item.detail for item in unreadable if item.reason == "sizes differ")
    assert {r.id: (r.subject, r.delivered_split) for r in records.values()} == {
        "drive/21-training": ("21", Split.TRAIN),
        "drive/01-test": ("01", Split.TEST),
    }
    found = decode_stored(records["drive/21-training"].targets["vessel_map"])
    np.testing.assert_array_equal(found, np.roll(vessels, 21, axis=1))


@pytest.fixture
def busi(tmp_path) -> Path:
    whole = np.asarray(eye(900).convert("L"))
    for number, label in enumerate(("benign", "malignant", "normal", "benign")):
        image = whole[60 * number : 60 * number + 400, 90 * number : 90 * number + 500]
        save(tmp_path / label / f"{label} ({number}).png", image)
        mask = np.zeros(image.shape, bool)
        mask[100:150, 100:150] = label != "normal"
        save(tmp_path / label / f"{label} ({number})_mask.png", mask)
    other = np.zeros(np.asarray(Image.open(tmp_path / "benign" / "benign (0).png")).shape, np.uint8)
    other[140:200, 140:200] = 255
    save(tmp_path / "benign" / "benign (0)_mask_1.png", other)
    return tmp_path


def test_busi_masks_are_united_and_copies_are_one_patient(busi, read):
    shutil.copy(busi / "benign" / "benign (0).png", busi / "benign" / "benign (9).png")
    save(busi / "benign" / "benign (7)_mask.png", np.zeros((9, 9), np.uint8))
    records, unreadable = read(busi, "busi", burned_in="allow")
    assert reasons(unreadable) == {"unknown file": 1} and len(records) == 5
    united = decode_stored(records["busi/benign/benign (0)"].targets["lesion_map"]) > 0
    assert united.sum() == 50 * 50 + 60 * 60 - 10 * 10
    assert not decode_stored(records["busi/normal/normal (2)"].targets["lesion_map"]).any()
    assert not records["busi/benign/benign (9)"].targets
    assert records["busi/benign/benign (9)"].subject == records["busi/benign/benign (0)"].subject
    assert records["busi/malignant/malignant (1)"].subject != records["busi/benign/benign (0)"].subject
    assert {r.turns[0].answer for r in records.values()} == {"benign lesion", "malignant lesion", "normal breast"}


def test_busi_burned_in_letters_are_held(busi, read):
    path = busi / "benign" / "benign (0).png"
    image = Image.open(path)
    image.paste(0, (180, 20, 460, 80))
    ImageDraw.Draw(image).text((200, 40), "DOE JANE 1961", fill=255, font=ImageFont.load_default(20))
    image.save(path)
    records, unreadable = read(busi, "busi")
    held = [item for item in unreadable if item.reason == "burned-in text"]
    assert [item.file for item in held] == ["benign/benign (0).png"] and len(records) == 3
    (busi / "labels.csv").write_text("file,fact,value\n*,burned_in,no\n")
    records, unreadable = read(busi, "busi")
    assert len(records) == 4 and unreadable == []


@pytest.fixture
def samed2d(tmp_path, corpus_records) -> Path:
    ct, brain = (
        np.asarray(Image.fromarray(next(iter(corpus_records[source].values())).image.decode()).resize((200, 200)))
        for source in ("totalsegmentator", "nilearn-mni")
    )
    listed: dict[str, list[str]] = {}
    for stem, image, masks in (
        (
            "ct_00--AbdomenCT1K--Case_00011--x_0040",
            ct,
            {"0001_000": (20, 90), "0002_000": (40, 60), "0003_001": (0, 2)},
        ),
        ("ct_00--AbdomenCT1K--Case_00011--x_0041", ct[::-1], {"0003_000": (0, 2)}),
        ("mr_t1ce--BraTS2021--00005--z_0077", brain, {"0001_000": (30, 80), "0009_000": (10, 90)}),
    ):
        save(tmp_path / "images" / f"{stem}.png", image)
        for name, (low, high) in masks.items():
            mask = np.zeros(image.shape[:2], np.uint8)
            mask[low:high, low:high] = 255
            save(tmp_path / "masks" / f"{stem}--{name}.png", mask)
        listed[f"images/{stem}.png"] = [f"masks/{stem}--{name}.png" for name in masks]
    classes = {
        "AbdomenCT1K": {"liver": 1, "kidney_tumor": 2, "spleen": 3},
        "BraTS2021": {"enhancing_tumor": 1, "union_whole": 9},
    }
    (tmp_path / "SAMed2D_v1.json").write_text(json.dumps(listed))
    (tmp_path / "SAMed2D_v1_class_mapping_id.json").write_text(json.dumps(classes))
    return tmp_path


def test_sa_med2d_paints_the_classes_of_an_image(samed2d, read):
    records, unreadable = read(samed2d, "sa-med2d")
    assert reasons(unreadable) == {"near-empty mask": 1}
    ct = records["sa-med2d/ct_00--AbdomenCT1K--Case_00011--x_0040"]
    mr = records["sa-med2d/mr_t1ce--BraTS2021--00005--z_0077"]
    assert len(records) == 2 and (ct.subject, mr.subject) == ("AbdomenCT1K--Case_00011", "BraTS2021--00005")
    assert (ct.modality, mr.modality) == (Modality.CT, Modality.MRI)
    assert mr.facts["contrast"] == "contrast-enhanced T1"
    assert (ct.facts["description"], mr.facts["description"]) == ("kidney tumor; liver", "enhancing tumor")
    painted = decode_stored(ct.targets["structure_map"])
    liver, tumour = class_colour("liver"), class_colour("kidney_tumor")
    assert tuple(painted[50, 50]) == tumour and tuple(painted[30, 30]) == liver and not painted[0, 0].any()
    assert (painted == tumour).all(axis=2).sum() == 400
    assert (painted == liver).all(axis=2).sum() == 4900 - 400


def test_sa_med2d_lists_and_files_that_disagree_are_counted(samed2d, read):
    (samed2d / "images" / "mr_t1ce--BraTS2021--00005--z_0077.png").unlink()
    (samed2d / "masks" / "ct_00--AbdomenCT1K--Case_00011--x_0040--0002_000.png").unlink()
    save(samed2d / "masks" / "ct_00--X--1--x_0001--0001_000.png", np.zeros((9, 9), np.uint8))
    save(samed2d / "images" / "unnamed.png", np.zeros((90, 90), np.uint8))
    records, unreadable = read(samed2d, "sa-med2d")
    assert not records and reasons(unreadable) == {
        "missing image": 1,
        "missing mask": 1,
        "near-empty mask": 1,
        "unknown file": 1,
        "bad name": 1,
    }
