"""Images with a class. HyperKvasir's tables are those of tests/samples; MedMNIST and OCT2017 are written here in the layouts
of their documentation."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from components.records.vocabulary import Modality, Split, TurnKind
from components.sources.published.kvasir import INSET, has_inset
from components.sources.published.kvasir_classes import CLASSES, folder_of
from components.sources.published.medmnist_sets import SETS
from tests.samples.pictures import eye


def reasons(unreadable) -> Counter[str]:
    return Counter(item.reason for item in unreadable)


@pytest.fixture
def frames() -> list[Image.Image]:
    """Eight pictures in colour, each of another place."""
    whole = eye(1300)
    return [
        whole.crop((k * 280 + 60, 280 * row + 120, k * 280 + 300, 280 * row + 360)) for row in (0, 1) for k in range(4)
    ]


@pytest.fixture
def folds(public) -> Path:
    return public / "hyper-kvasir" / "official_splits" / "2_fold_split.csv"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter=";"))


def test_kvasir_table_of_folds_without_its_images_is_counted(folds, public, read, tmp_path):
    shutil.copy(folds, tmp_path)
    shutil.copy(public / "hyper-kvasir" / "hyper-kvasir-video-metadata.csv", tmp_path)
    records, unreadable = read(tmp_path, "kvasir")
    assert not records and reasons(unreadable) == {"missing image": len(rows_of(folds))}


def test_kvasir_s_unlabelled_part_is_images_without_a_class(read, draw, tmp_path):
    for number in range(3):
        draw(tmp_path / "unlabeled-images" / "images" / f"{number}.jpg", number, colour=True)
    draw(tmp_path / "labeled-images" / "lower-gi-tract" / "findings" / "nothing-known" / "x.jpg", 9, colour=True)
    records, unreadable = read(tmp_path, "kvasir")
    assert reasons(unreadable) == {"unknown class": 1}
    assert len(records) == 3 and not any(record.turns for record in records.values())


def test_kvasir_every_class_of_the_table_has_its_words(folds):
    assert {folder_of(row["class-name"]) for row in rows_of(folds)} == set(CLASSES) and len(CLASSES) == 23


def test_kvasir_images_by_folder_checked_against_the_table(folds, frames, read, tmp_path):
    shutil.copy(folds, tmp_path)
    rows = rows_of(folds)
    wanted = {row["file-name"]: row["class-name"] for row in rows[:: len(rows) // 4][:4]}
    for (name, label), frame in zip(wanted.items(), frames, strict=False):
        path = tmp_path / "labeled-images" / "lower-gi-tract" / "findings" / folder_of(label) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.save(path, quality=95)
    astray = rows[1]["file-name"]
    path = tmp_path / "labeled-images" / "upper-gi-tract" / "anatomical-landmarks" / "z-line" / astray
    path.parent.mkdir(parents=True)
    frames[5].save(path)
    records, unreadable = read(tmp_path, "kvasir")
    assert reasons(unreadable) == {"missing image": len(rows) - 5, "label conflict": 1}
    assert len(records) == 5
    for record in records.values():
        (turn,) = record.turns
        name = record.provenance.file.rsplit("/", 1)[1]
        assert turn.kind is TurnKind.CHOICE and turn.answer in turn.options and len(turn.options) == 4
        assert turn.answer == CLASSES["z-line" if name == astray else folder_of(wanted[name])]
        assert record.modality is Modality.ENDOSCOPY and record.delivered_split is None


def test_kvasir_bursts_are_one_patient_and_other_frames_are_not(frames, read, tmp_path):
    folder = tmp_path / "labeled-images" / "lower-gi-tract" / "x" / "polyps"
    folder.mkdir(parents=True)
    frames[0].save(folder / "a.jpg")
    frames[0].resize((200, 200)).save(folder / "b.jpg", quality=60)
    frames[1].save(folder / "c.jpg")
    records, _ = read(tmp_path, "kvasir")
    subjects = {record.provenance.file[-5]: record.subject for record in records.values()}
    assert subjects["a"] == subjects["b"] != subjects["c"]


def test_kvasir_seg_masks_boxes_and_broken_ones(frames, read, tmp_path):
    root = tmp_path / "Kvasir-SEG"
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    boxes = {}
    for number, frame in enumerate(frames[:4]):
        frame.save(root / "images" / f"k{number}.jpg")
        mask = Image.new("L", frame.size)
        mask.paste(255, (60, 30, 120, 90))
        mask.save(root / "masks" / f"k{number}.jpg", quality=50)
        boxes[f"k{number}"] = {
            "height": 240,
            "width": 240,
            "bbox": [{"label": "polyp", "xmin": 60, "ymin": 30, "xmax": 120, "ymax": 90}],
        }
    boxes["k1"]["bbox"][0]["xmax"] = 999
    Image.new("L", (9, 9)).save(root / "masks" / "k2.jpg")
    Image.new("L", (9, 9)).save(root / "masks" / "k9.jpg")
    (root / "kavsir_bboxes.json").write_text(json.dumps(boxes))
    (root / "train.txt").write_text("k0")
    records, unreadable = read(tmp_path, "kvasir")
    assert reasons(unreadable) == {"bad box": 1, "sizes differ": 1, "unknown file": 2} and len(records) == 2
    record = records["kvasir/Kvasir-SEG/images/k0"]
    (turn,) = record.turns
    assert (turn.kind, turn.answer) == (TurnKind.BOXES, "[250, 125, 500, 375]") and "labelled polyp?" in turn.prompt
    assert record.anatomy == "colon" and _area(record.targets["polyp_map"]) == pytest.approx(3600, rel=0.02)


def _area(png: bytes) -> int:
    import io

    with Image.open(io.BytesIO(png)) as image:
        assert set(image.tobytes()) <= {0, 255}
        return int((np.asarray(image) > 0).sum())


def test_kvasir_position_inset_is_told(frames, read, tmp_path):
    pixels = np.array(frames[0])
    assert not has_inset(pixels)
    pixels[180:, :70] = (10, 160, 40)
    assert has_inset(pixels)
    folder = tmp_path / "labeled-images" / "lower-gi-tract" / "x" / "cecum"
    folder.mkdir(parents=True)
    Image.fromarray(pixels).save(folder / "a.png")
    records, _ = read(tmp_path, "kvasir")
    assert [record.facts["description"] for record in records.values()] == [INSET]


def test_kvasir_vqa_rows_about_one_image_are_one_patient(frames, read, tmp_path):
    (tmp_path / "images").mkdir()
    frames[0].save(tmp_path / "images" / "x1.jpg")
    data = (tmp_path / "images" / "x1.jpg").read_bytes()
    rows = [
        {"image": {"bytes": data, "path": None}, "img_id": "x1", "question": "Is there a polyp?", "answer": "yes"},
        {"image": {"bytes": data, "path": None}, "img_id": "x1", "question": "Where?", "answer": "center"},
        {"image": {"bytes": data, "path": None}, "img_id": "x1", "question": "How many?", "answer": None},
    ]
    (tmp_path / "images" / "x1.jpg").unlink()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "raw-00000.parquet")
    records, unreadable = read(tmp_path, "kvasir")
    assert reasons(unreadable) == {"missing field": 1}
    assert [record.turns[0].kind for record in records.values()] == [TurnKind.CLOSED, TurnKind.OPEN]
    assert {record.subject for record in records.values()} == {"x1"}


def write_mnist(path: Path, counts: dict[str, int], shape: tuple[int, ...], labels: int, width: int = 1) -> dict:
    generator = np.random.default_rng(7)
    arrays = {}
    for split, count in counts.items():
        arrays[f"{split}_images"] = generator.integers(0, 255, (count, *shape), np.uint8)
        arrays[f"{split}_labels"] = generator.integers(0, labels, (count, width), np.uint8)
    np.savez_compressed(path, **arrays)
    return arrays


COUNTS = {"train": 7, "val": 3, "test": 5}


@pytest.mark.parametrize("name", sorted(SETS))
def test_medmnist_each_set_gives_each_image_with_its_label_in_words(read, tmp_path, name):
    mnist = SETS[name]
    colour = name in ("bloodmnist", "dermamnist", "pathmnist", "retinamnist")
    classes, width = (2, len(mnist.classes)) if mnist.several else (len(mnist.classes), 1)
    shape = (64, 64, 3) if colour else (64, 64)
    arrays = write_mnist(tmp_path / f"{name}_64.npz", COUNTS, shape, classes, width)
    records, unreadable = read(tmp_path, "medmnist")
    assert unreadable == [] and len(records) == 15
    assert Counter(r.delivered_split for r in records.values()) == {Split.TRAIN: 7, Split.VAL: 3, Split.TEST: 5}
    record = records[f"medmnist/{name}_64/test-000002"]
    (turn,) = record.turns
    label = arrays["test_labels"][2]
    if mnist.several:
        present = [word for word, value in zip(mnist.classes, label, strict=True) if value]
        assert turn.kind is TurnKind.OPEN and turn.answer == (", ".join(present) or "no finding")
    else:
        assert turn.kind is TurnKind.CHOICE and turn.answer == mnist.classes[label[0]]
    if mnist.graded:
        assert record.facts[mnist.graded] == ("yes" if label[0] else "no")
    import io

    with Image.open(io.BytesIO(record.image.data)) as image:
        np.testing.assert_array_equal(np.asarray(image), arrays["test_images"][2])
    assert len({record.subject for record in records.values()}) == 15


@pytest.mark.parametrize(("letter", "plane"), [("a", "axial"), ("c", "coronal"), ("s", "sagittal")])
def test_medmnist_organs_lie_in_their_own_region_and_the_letter_says_the_plane(read, tmp_path, letter, plane):
    arrays = write_mnist(tmp_path / f"organ{letter}mnist.npz", COUNTS, (28, 28), 11)
    arrays["train_labels"][:4, 0] = (0, 2, 3, 6)
    np.savez(tmp_path / f"organ{letter}mnist.npz", **arrays)
    records, _ = read(tmp_path, "medmnist")
    found = [records[f"medmnist/organ{letter}mnist/train-00000{n}"] for n in range(4)]
    assert [record.turns[0].answer for record in found] == ["bladder", "right femur", "heart", "liver"]
    assert [record.anatomy for record in found] == ["pelvis", "pelvis", "chest", "abdomen"]
    assert {record.facts["plane"] for record in records.values()} == {plane}


def test_medmnist_a_label_that_does_not_exist_costs_its_image_alone(read, tmp_path):
    arrays = write_mnist(tmp_path / "octmnist.npz", COUNTS, (28, 28), 4)
    arrays["val_labels"][1] = 9
    np.savez(tmp_path / "octmnist.npz", **arrays)
    records, (item,) = read(tmp_path, "medmnist")
    assert len(records) == 14 and item.reason == "unknown label" and "0 to 3" in item.detail


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"train_labels": np.array([[object()]] * 7)}, "pickle refused"),
        ({"train_images": np.zeros((7, 28, 28, 28), np.uint8)}, "not images"),
        ({"train_images": np.zeros((6, 28, 28), np.uint8)}, "counts differ"),
        ({"train_images": np.zeros((7, 28, 28), np.float32)}, "unsupported values"),
        ({"train_images": None}, "missing array"),
    ],
)
def test_medmnist_archives_of_another_kind_are_refused(read, tmp_path, change, reason):
    arrays = write_mnist(tmp_path / "octmnist.npz", COUNTS, (28, 28), 4) | change
    np.savez(tmp_path / "octmnist.npz", **{name: value for name, value in arrays.items() if value is not None})
    records, (item,) = read(tmp_path, "medmnist")
    assert not records and item.reason == reason


def test_medmnist_a_cut_archive_and_a_set_of_volumes_are_named(read, tmp_path):
    write_mnist(tmp_path / "octmnist.npz", COUNTS, (28, 28), 4)
    data = (tmp_path / "octmnist.npz").read_bytes()
    (tmp_path / "octmnist.npz").write_bytes(data[: len(data) // 2])
    (tmp_path / "organmnist3d.npz").write_bytes(data)
    records, unreadable = read(tmp_path, "medmnist")
    assert not records and reasons(unreadable) == {"not an archive": 1, "unknown file": 1}


def test_oct2017_the_middle_number_is_the_patient(read, draw, tmp_path):
    for number, name in enumerate(
        ("train/CNV/CNV-1016042-1.jpeg", "train/CNV/CNV-1016042-2.jpeg", "test/NORMAL/NORMAL-1016042-1.jpeg")
    ):
        draw(tmp_path / "OCT2017" / name, number)
    draw(tmp_path / "OCT2017" / "val" / "DME" / "DRUSEN-5-1.jpeg", 9)
    draw(tmp_path / "OCT2017" / "val" / "DME" / "image.jpeg", 10)
    (tmp_path / "OCT2017" / "val" / "DME" / "DME-6-1.jpeg").write_bytes(b"")
    records, unreadable = read(tmp_path, "oct2017")
    assert reasons(unreadable) == {"label conflict": 1, "unknown file": 1, "empty file": 1} and len(records) == 3
    assert {record.subject for record in records.values()} == {"1016042"}
    assert Counter(record.delivered_split for record in records.values()) == {Split.TRAIN: 2, Split.TEST: 1}
    assert {record.turns[0].answer for record in records.values()} == {
        "choroidal neovascularization",
        "normal retina",
    }


def test_masks_beside_images_are_left_out_by_name(tmp_path, draw, read):
    draw(tmp_path / "a.png", 1)
    draw(tmp_path / "a_mask.png", 2)
    draw(tmp_path / "masks" / "b.png", 3)
    (tmp_path / "labels.csv").write_text("file,fact,value\n*,modality,ultrasound\nmasks/b.png,kind,image\n")
    records, (mask,) = read(tmp_path, "s", "images")
    assert {record.provenance.file for record in records.values()} == {"a.png", "masks/b.png"}
    assert (mask.file, mask.reason) == ("a_mask.png", "label map")
