"""Equal file names in several folders: each row has its own image, and what is ambiguous is refused by name."""

import json
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image


def pixels(path):
    return np.asarray(Image.open(path))


@pytest.fixture
def coco(draw, tmp_path):
    """coco(list's name) writes a COCO list of one image `f.png`; two splits have an image of that name."""
    for number, folder in enumerate(("train2017", "val2017")):
        draw(tmp_path / folder / "f.png", number)

    def write(name: str, file_name: str = "f.png") -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(json.dumps({"images": [{"id": 1, "file_name": file_name}], "annotations": []}))

    return write


def test_each_list_of_coco_takes_the_image_of_its_split(coco, read, tmp_path):
    coco("annotations/instances_train2017.json")
    coco("annotations/instances_val2017.json")
    records, unreadable = read(tmp_path, "boxes", "coco")
    assert not unreadable
    for name in ("train2017", "val2017"):
        record = records[f"boxes/instances_{name}/f"]
        assert (record.image.decode() == pixels(tmp_path / name / "f.png")).all()


def test_an_image_of_another_split_is_not_taken_for_one_that_is_missing(coco, read, tmp_path):
    coco("annotations/instances_train2017.json")
    shutil.rmtree(tmp_path / "train2017")
    _, (item,) = read(tmp_path, "boxes", "coco")
    assert item.reason == "missing image" and "lies in val2017, of another split" in item.detail


def test_what_nothing_tells_is_refused_unless_the_files_are_copies(coco, read, draw, tmp_path):
    shutil.move(tmp_path / "train2017", tmp_path / "one")
    shutil.move(tmp_path / "val2017", tmp_path / "two")
    coco("list.json")
    _, (item,) = read(tmp_path, "boxes", "coco")
    assert item.reason == "ambiguous image" and "one and two" in item.detail
    shutil.copy(tmp_path / "one" / "f.png", tmp_path / "two" / "f.png")
    assert len(read(tmp_path, "boxes", "coco")[0]) == 1


def test_lists_of_one_name_beside_their_images_give_records_of_their_own(coco, read, tmp_path):
    coco("train2017/_annotations.coco.json")
    coco("val2017/_annotations.coco.json")
    records, unreadable = read(tmp_path, "boxes", "coco")
    assert not unreadable and len(records) == 2
    shown = {record.provenance.file: record.image.decode() for record in records.values()}
    for name in ("train2017", "val2017"):
        assert (shown[f"{name}/_annotations.coco.json"] == pixels(tmp_path / name / "f.png")).all()


def test_images_two_folders_down_are_found(coco, read, tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("train2017", "val2017"):
        shutil.move(tmp_path / name, tmp_path / "images" / name)
    coco("annotations/instances_val2017.json")
    (record,) = read(tmp_path, "boxes", "coco")[0].values()
    assert (record.image.decode() == pixels(tmp_path / "images" / "val2017" / "f.png")).all()


def test_rows_name_images_beside_their_own_table_first(read, draw, tmp_path):
    for number, folder in enumerate(("", "train", "test")):
        draw(tmp_path / folder / "images" / "1.png", number)
    row = json.dumps({"image": "images/1.png", "question": "Q?", "answer": "A"})
    for folder in ("train", "test"):
        (tmp_path / folder / "data.jsonl").write_text(row)
    records, unreadable = read(tmp_path, "chat", "jsonl")
    assert not unreadable
    for folder in ("train", "test"):
        shown = records[f"chat/{folder}/data-0000000"].image.decode()
        assert (shown == pixels(tmp_path / folder / "images" / "1.png")).all()


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_may_be_written_in_two_ways(read, draw, tmp_path, on_disk, in_table):
    draw(tmp_path / unicodedata.normalize(on_disk, "R\u00f6ntgen.png"))
    name = unicodedata.normalize(in_table, "R\u00f6ntgen.png")
    (tmp_path / "metadata.csv").write_text(f"file_name,text,modality\n{name},A film.,X-ray\n")
    records, unreadable = read(tmp_path, "mine", "images")
    assert not unreadable and len(records) == 1
