"""Formats that hold anything: Parquet with images inside, tar streams, COCO, folders with a metadata table."""

import io
import json
import shutil
import tarfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.records.vocabulary import Modality, Split, TurnKind


def bins(unreadable) -> Counter[str]:
    return Counter(item.reason for item in unreadable)


def test_parquet_takes_bytes_first_then_a_path_inside_the_folder(read, draw, tmp_path):
    inside = draw(tmp_path / "a.png", 1)
    images = [
        {"bytes": inside.read_bytes(), "path": "gone.png"},
        {"bytes": None, "path": "a.png"},
        {"bytes": None, "path": "../../etc/passwd"},
        {"bytes": b"no image", "path": None},
        {"bytes": None, "path": None},
    ]
    table = pa.table({"image": images, "caption": [" A CT. "] * 5, "modality": ["CT"] * 5})
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=2)
    records, unreadable = read(tmp_path, "hub", "parquet")
    assert bins(unreadable) == {"bad path": 1, "not an image": 1, "missing image": 1}
    first, second = records["hub/train-0000000"], records["hub/train-0000001"]
    assert first.image == second.image and first.subject == second.subject
    assert first.turns[0].kind is TurnKind.CAPTION and first.turns[0].answer == "A CT."
    assert (first.modality, first.delivered_split) == (Modality.CT, Split.TRAIN)


def pack(path: Path, *members: tuple[str, bytes | tarfile.TarInfo]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def link(name: str, target: str) -> tuple[str, tarfile.TarInfo]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return name, info


def test_a_tar_is_read_as_a_stream_group_by_group(read, draw, tmp_path):
    png = draw(tmp_path / "made" / "a.png", 1).read_bytes()
    talk = {"question": "Is it CT?", "answer": "yes", "modality": "CT"}
    pack(
        tmp_path / "shard-000.tar",
        ("a/one.png", png),
        ("a/one.txt", b"A chest X-ray.\n"),
        ("a/two.json", json.dumps(talk).encode()),
        ("a/two.PNG", png),
        ("three.v2.png", png),
        ("three.txt", b"An odd name."),
        ("four.txt", b"No image."),
        ("../five.png", png),
        link("six.png", "/etc/passwd"),
        ("seven.png", png),
        ("seven.png", png),
        ("a/one.png", png),
        ("eight.png", png),
        ("eight.cls", b"3"),
    )
    shutil.rmtree(tmp_path / "made")
    records, unreadable = read(tmp_path, "tar", "webdataset")
    assert {record.turns[0].answer for record in records.values() if record.turns} == {
        "A chest X-ray.",
        "yes",
        "An odd name.",
    }
    assert [r.facts["description"] for r in records.values() if not r.turns] == ["label 3"]
    assert bins(unreadable) == {"missing image": 1, "bad path": 1, "not a file": 1, "duplicate key": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shard-000.tar"]


@pytest.mark.parametrize("cut", [100, 700, 1500])
def test_a_cut_tar_gives_what_it_has_and_says_so(read, draw, tmp_path, cut):
    png = draw(tmp_path / "made" / "a.png", 1).read_bytes()
    pack(tmp_path / "s.tar", ("a.txt", b"x"), ("a.png", png), ("b.png", png))
    shutil.rmtree(tmp_path / "made")
    (tmp_path / "s.tar").write_bytes((tmp_path / "s.tar").read_bytes()[:cut])
    records, unreadable = read(tmp_path, "tar", "webdataset")
    assert not records and "not a tar" in bins(unreadable)


def test_tbx11k_boxes_and_healthy_images(public, read, tmp_path):
    folder = tmp_path / "tbx"
    shutil.copytree(public / "cxr-tests" / "tbx11k_test_data", folder)
    raw = json.loads((folder / "annotations" / "json" / "TBX11K_train.json").read_text())
    records, unreadable = read(folder, "tbx", "coco")
    assert not unreadable and len(records) == len(raw["images"]) == 3
    by_file = {record.id.split("/", 2)[2]: record for record in records.values()}
    assert by_file["health/h0001"].turns == ()
    (turn,) = by_file["tb/tb0007"].turns
    assert turn.answer.count("[") == sum(mark["image_id"] == 2 for mark in raw["annotations"]) == 2
    x, y, width, height = raw["annotations"][0]["bbox"]
    corners = [round(1000 * value / 512) for value in (x, y, x + width, y + height)]
    assert by_file["tb/tb0005"].turns[0].answer == str(corners)
    assert {record.delivered_split for record in records.values()} == {Split.TRAIN}


def test_coco_with_gaps_strays_and_captions(read, draw, tmp_path):
    for name in ("a", "b", "c"):
        draw(tmp_path / "imgs" / f"{name}.png", ord(name))
    size = {"width": 80, "height": 60}
    whole = {
        "images": [{"id": n, "file_name": f"{name}.png", **size} for n, name in ((7, "a"), (900, "b"), (12, "c"))],
        "categories": [{"id": 5, "name": "cyst"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 5, "bbox": [8, 6, 16, 12], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 5, "bbox": [0, 0, 80, 60], "iscrowd": 1},
            {"id": 3, "image_id": 900, "caption": "A cyst."},
            {"id": 4, "image_id": 8, "category_id": 5, "bbox": [0, 0, 1, 1]},
            {"id": 5, "image_id": 7, "category_id": 6, "bbox": [0, 0, 1, 1]},
            {"id": 6, "image_id": 12, "category_id": 5, "bbox": [70, 0, 20, 9]},
        ],
    }
    (tmp_path / "val.json").write_text(json.dumps(whole))
    records, unreadable = read(tmp_path, "boxes", "coco")
    assert bins(unreadable) == {"stray annotation": 2, "bad box": 1}
    assert [turn.answer for turn in records["boxes/val/a"].turns] == ["[100, 100, 300, 300]"]
    assert [turn.kind for turn in records["boxes/val/b"].turns] == [TurnKind.CAPTION]
    (tmp_path / "val.json").write_text('{"images": 3}')
    _, (item,) = read(tmp_path, "boxes", "coco")
    assert item.reason == "not COCO"


@pytest.mark.parametrize("form", ["csv", "semicolon", "jsonl"])
def test_a_folder_with_a_metadata_table(read, draw, tmp_path, form):
    for number, name in enumerate(("one", "two", "rest")):
        draw(tmp_path / "train" / f"{name}.png", number)
    rows = [
        {"file_name": "one.png", "text": "A chest X-ray.", "patient_id": "p1", "modality": "CXR"},
        {"file_name": "two.png", "text": "Another, lateral.", "patient_id": "p1", "modality": "CXR"},
        {"file_name": "gone.png", "text": "x", "patient_id": "p2", "modality": "CXR"},
    ]
    if form == "jsonl":
        (tmp_path / "train" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    else:
        mark = ";" if form == "semicolon" else ","
        cells = [list(rows[0])] + [[f'"{cell}"' for cell in row.values()] for row in rows]
        (tmp_path / "train" / "metadata.csv").write_text("\n".join(mark.join(line) for line in cells))
    (tmp_path / "labels.csv").write_text(
        "file,fact,value\n*,licence,CC0\n*,anatomy,chest\ntrain/rest.png,modality,CT\n"
    )
    records, unreadable = read(tmp_path, "mine", "images")
    assert bins(unreadable) == {"missing image": 1}
    told = records["mine/train/one.png#0000000"]
    assert (told.subject, told.modality, told.licence, told.anatomy) == ("p1", Modality.XRAY, "CC0", "chest")
    assert told.turns[0].answer == "A chest X-ray." and told.delivered_split is Split.TRAIN
    assert records["mine/train/rest"].modality is Modality.CT and len(records) == 3


def test_an_image_whose_row_may_be_the_one_that_could_not_be_read_is_no_patient_of_its_own(read, draw, tmp_path):
    for number, name in enumerate(("told/one.png", "told/two.png", "told/rest.png", "other/free.png")):
        draw(tmp_path / name, number)
    (tmp_path / "labels.csv").write_text("file,fact,value\n*,modality,CT\n")
    head = b"file_name,text,patient_id\n"
    table = tmp_path / "told" / "metadata.csv"
    table.write_bytes(head + "one.png,A gr\u00f6\u00dfer nodule.,p1\ntwo.png,A scan.,p1\n".encode("latin-1"))
    records, unreadable = read(tmp_path, "mine", "images")
    assert bins(unreadable) == {"not text": 1, "row unread": 2}
    assert {record.subject for record in records.values()} == {"p1", "other/free.png"}
    table.write_bytes(head + b"two.png,A scan.,p1\ngone.png,A scan.,p1\n")
    records, unreadable = read(tmp_path, "mine", "images")
    assert bins(unreadable) == {"missing image": 1}, "what a row that can be read calls missing is no other image"
    assert len(records) == 4


def test_two_texts_of_a_sample_that_disagree_are_refused_and_none_is_dropped(read, draw, tmp_path):
    png = draw(tmp_path / "made" / "a.png", 1).read_bytes()
    said = json.dumps({"caption": "A CT.", "label": 3}).encode()
    both = (("json", said), ("txt", b"A CT.\n"), ("cls", b"3"), ("png", png))
    pack(
        tmp_path / "a.tar",
        *((f"same.{kind}", content) for kind, content in both),
        *((f"other.{kind}", content) for kind, content in (("json", said), ("txt", b"An MRI."), ("png", png))),
        *((f"class.{kind}", content) for kind, content in (("json", said), ("cls", b"4"), ("png", png))),
    )
    shutil.rmtree(tmp_path / "made")
    records, unreadable = read(tmp_path, "tar", "webdataset")
    assert [record.turns[0].answer for record in records.values()] == ["A CT."]
    assert sorted(item.detail.partition(";")[0] for item in unreadable) == [
        "row 1: other.txt says another caption than other.json",
        "row 2: class.cls says another label than class.json",
    ]


def test_a_table_that_is_not_utf_8_is_refused_by_name(read, draw, tmp_path):
    draw(tmp_path / "one.png")
    (tmp_path / "metadata.csv").write_bytes("file_name,text\none.png,h\u00e9mi\n".encode("latin-1"))
    _, unreadable = read(tmp_path, "mine", "images")
    assert {item.file: item.reason for item in unreadable}["metadata.csv"] == "not text"
