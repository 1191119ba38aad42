"""Pascal VOC, YOLO and LabelMe: each box at its right place, and by name whatever cannot be one."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.images.stored import decode_stored
from components.records.vocabulary import Split
from components.sources.reading.label_colours import class_colour

VOC = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
SIZE = "<size><width>80</width><height>60</height></size>"


def voc(*objects, file="a.png", size=SIZE) -> str:
    """An annotation of an image of 80 x 60 pixels."""
    return (
        f"<annotation><filename>{file}</filename>{size}{''.join(VOC.format(*thing) for thing in objects)}</annotation>"
    )


def labelme(*shapes, file="a.png", **more) -> str:
    """(label, kind, points) of an image of 80 x 60 pixels."""
    said = [{"label": label, "shape_type": kind, "points": points} for label, kind, points in shapes]
    return json.dumps({"imagePath": file, "imageWidth": 80, "imageHeight": 60, "shapes": said, **more})


@pytest.fixture
def lay(tmp_path, draw, read):
    """lay(format, {file: text}, *images) is (records, unreadables) of a delivery of these files and images of 80 x 60."""

    def run(format_name, files, *images):
        for number, image in enumerate(images or ("a.png",)):
            draw(tmp_path / image, number)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return read(tmp_path, "s", format_name)

    return run


def answers(record) -> list[str]:
    return [turn.answer for turn in record.turns]


def test_voc_counts_pixels_from_one_and_its_last_pixel_is_inside(lay):
    records, unreadable = lay("voc", {"a.xml": voc(("nodule", 1, 1, 80, 60), ("cyst", 9, 7, 24, 18))})
    record = records["s/a"]
    assert not unreadable and answers(record) == ["[100, 100, 300, 300]", "[0, 0, 1000, 1000]"]
    assert record.facts["description"] == "cyst; nodule" and record.provenance.file == "a.png"


def test_voc_as_published_has_its_own_folders_and_lists_of_splits(lay):
    files = {
        "Annotations/a.xml": voc(("nodule", 9, 7, 24, 18), file="a"),
        "Annotations/b.xml": voc(file="b.png"),
        "ImageSets/Main/train.txt": "a\n",
        "ImageSets/Main/test.txt": "b\n",
        "ImageSets/Main/nodule_train.txt": "a  1\n",
    }
    records, left_out = lay("voc", files, "JPEGImages/a.png", "JPEGImages/b.png", "JPEGImages/c.png")
    a, b = records["s/JPEGImages/a"], records["s/JPEGImages/b"]
    assert a.delivered_split is Split.TRAIN and b.delivered_split is Split.TEST
    assert b.turns == () and "description" not in b.facts, "an image without objects says that nothing is marked"
    assert {item.file: item.reason for item in left_out} == {
        "ImageSets/Main/nodule_train.txt": "not read",
        "JPEGImages/c.png": "no labels",
    }


def test_a_voc_image_twice_as_large_as_its_file_says_has_its_boxes_at_the_same_places(lay):
    size = "<size><width>160</width><height>120</height></size>"
    records, _ = lay("voc", {"a.xml": voc(("cyst", 17, 13, 48, 36), size=size)})
    assert answers(records["s/a"]) == ["[100, 100, 300, 300]"]


@pytest.mark.parametrize(
    ("text", "reason", "says"),
    [
        (voc(("cyst", 9, 7, 90, 18)), "bad box", "80 x 60"),
        (voc(("cyst", 24, 7, 9, 18)), "bad box", "80 x 60"),
        (voc(("cyst", -3, 7, 9, 18)), "bad box", "80 x 60"),
        (voc(("cyst", "x", 7, 9, 18)), "bad box", "not four numbers"),
        (voc(("", 1, 7, 9, 18)), "bad box", "no name"),
        (voc(size="<size><width>60</width><height>80</height></size>"), "sizes differ", "turned as it was"),
        ("<report/>", "not VOC", "annotation"),
        ("<annotation>", "not XML", "copy it whole"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation><filename>&b;</filename></annotation>', "not XML", "entity"),
    ],
)
def test_what_is_no_voc_of_its_image_is_named(text, reason, says, lay):
    records, unreadable = lay("voc", {"a.xml": text})
    item = next(item for item in unreadable if item.file == "a.xml")
    assert not records and item.reason == reason and says in item.detail


def test_an_entity_in_another_encoding_and_a_huge_file_are_refused(lay, tmp_path):
    bomb = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
    (tmp_path / "a.xml").write_bytes(bomb.encode("utf-16"))
    (tmp_path / "b.xml").write_bytes(b"<annotation>" + b" " * (4 * 2**20))
    _, unreadable = lay("voc", {})
    reasons = {item.file: item.reason for item in unreadable}
    assert reasons["a.xml"] == "not XML" and reasons["b.xml"] == "too large"


def test_a_missing_image_is_named(lay):
    records, unreadable = lay("voc", {"b.xml": voc(("cyst", 9, 7, 24, 18), file="../b.png")})
    assert not records and {item.reason for item in unreadable} == {"missing image", "no labels"}


def test_files_that_say_different_things_of_one_image_are_both_refused(lay):
    one, other = voc(("cyst", 9, 7, 24, 18)), voc(("nodule", 9, 7, 24, 18))
    records, unreadable = lay("voc", {"x/a.xml": one, "y/a.xml": other})
    assert not records and [item.reason for item in unreadable] == ["contradicting annotations"] * 2
    assert "y/a.xml says something else of a.png" in unreadable[0].detail
    records, (again,) = lay("voc", {"y/a.xml": one})
    assert set(records) == {"s/a"} and (again.file, again.reason) == ("y/a.xml", "same annotations")


def test_a_file_that_names_another_image_than_its_own_is_refused(lay):
    records, (item,) = lay("voc", {"a.xml": voc(("cyst", 9, 7, 24, 18), file="b.png")}, "a.png", "b.png")
    assert not records and item.reason == "ambiguous image" and "names b.png" in item.detail


DATA = "names: {0: cyst, 1: nodule}\nnc: 2\n"


def test_yolo_gives_centres_and_sizes_in_shares_of_the_image(lay):
    files = {
        "data.yaml": DATA,
        "labels/train/a.txt": "1 0.5 0.5 1 1\n0 0.2 0.2 0.2 0.2\n",
        "labels/train/b.txt": "",
        "labels/val/a.txt": "0 0.999999 0.5 0.000004 1.0\n1 0.95 .5 .1 1",
    }
    images = ("images/train/a.png", "images/train/b.png", "images/train/c.png", "images/val/a.png")
    records, unreadable = lay("yolo", files, *images)
    assert not unreadable
    assert answers(records["s/images/train/a"]) == ["[100, 100, 300, 300]", "[0, 0, 1000, 1000]"]
    assert records["s/images/train/a"].delivered_split is Split.TRAIN
    assert records["s/images/val/a"].delivered_split is Split.VAL
    for name in "bc":
        assert records[f"s/images/train/{name}"].turns == (), "an empty file, or none, says that nothing is marked"


def test_yolo_polygons_are_boxes_and_a_map(lay):
    files = {"classes.txt": "cyst\nnodule\n", "a.txt": "0 0.1 0.1 0.3 0.1 0.3 0.3 0.1 0.3\n"}
    records, unreadable = lay("yolo", files)
    expected = np.zeros((60, 80, 3), np.uint8)
    expected[6:18, 8:24] = class_colour("cyst")
    assert not unreadable and answers(records["s/a"]) == ["[100, 100, 300, 300]"]
    assert (decode_stored(records["s/a"].targets["structure_map"]) == expected).all()


def test_yolo_lists_tell_splits_and_what_was_not_delivered(lay):
    files = {"classes.txt": "cyst\n", "test.txt": "./a.png\nimages/gone.png\n", "a.txt": "0 .5 .5 .2 .2"}
    records, (item,) = lay("yolo", files)
    assert records["s/a"].delivered_split is Split.TEST
    assert (item.file, item.reason) == ("images/gone.png", "missing image") and "test.txt names it" in item.detail


@pytest.mark.parametrize(
    ("line", "reason", "says"),
    [
        ("2 0.5 0.5 0.1 0.1", "bad class", "2 is no class of 2"),
        ("-1 0.5 0.5 0.1 0.1", "bad class", "from 0 on"),
        ("0.5 0.5 0.5 0.1 0.1", "bad class", "data.yaml"),
        ("0 40 30 16 12", "bad box", "shares of the image"),
        ("0 nan 0.5 0.1 0.1", "bad box", "shares of the image"),
        ("0 0.1 0.5 0.4 0.1", "bad box", "80 x 60"),
        ("0 0.5 0.5 0 0.1", "bad box", "80 x 60"),
        ("0 0.5 0.5 0.1 0.1 0.93", "bad row", "score of a prediction"),
        ("0 0.5 0.5 0.1", "bad row", "3 numbers"),
        ("liver on the left", "bad row", "numbers"),
    ],
)
def test_what_is_no_yolo_of_its_image_is_named(line, reason, says, lay):
    records, (item,) = lay("yolo", {"data.yaml": DATA, "a.txt": line})
    assert not records and item.reason == reason and says in item.detail


def test_yolo_keypoints_are_said_to_be_unread(lay):
    files = {"data.yaml": f"{DATA}kpt_shape: [2, 3]\n", "a.txt": "0 .2 .2 .2 .2 .5 .5 2 .4 .4 1"}
    records, (item,) = lay("yolo", files)
    assert answers(records["s/a"]) == ["[100, 100, 300, 300]"]
    assert item.reason == "not read" and "keypoints" in item.detail


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "no class names"),
        ({"data.yaml": "train: images\n"}, "no class names"),
        ({"data.yaml": "names: [cyst, nodule]\nnc: 3\n"}, "bad class names"),
        ({"data.yaml": "names: [cyst\n"}, "bad class names"),
        ({"data.yaml": "names: [cyst, nodule]\n", "classes.txt": "nodule\ncyst\n"}, "contradicting classes"),
    ],
)
def test_numbers_without_names_that_agree_stop_the_source(files, reason, lay):
    records, unreadable = lay("yolo", {"a.txt": "0 .5 .5 .1 .1", **files})
    assert not records and any(item.reason == reason and item.is_rest for item in unreadable)


def test_classes_are_those_of_the_nearest_folder(lay):
    names = {"x/classes.txt": "cyst\n", "y/classes.txt": "nodule\n"}
    records, _ = lay("yolo", {**names, "x/a.txt": "0 .5 .5 .2 .2", "y/b.txt": "0 .5 .5 .2 .2"}, "x/a.png", "y/b.png")
    assert records["s/x/a"].facts["description"] == "cyst" and records["s/y/b"].facts["description"] == "nodule"


def test_labelme_polygons_are_a_map_and_boxes(lay):
    corners = [[8, 6], [24, 6], [24, 18], [8, 18]]
    records, unreadable = lay(
        "labelme", {"a.json": labelme(("cyst", "polygon", corners), flags={"blurred": True, "x": False})}
    )
    record = records["s/a"]
    expected = np.zeros((60, 80, 3), np.uint8)
    expected[6:18, 8:24] = class_colour("cyst")
    assert not unreadable and answers(record) == ["[100, 100, 300, 300]"]
    assert (decode_stored(record.targets["structure_map"]) == expected).all()
    assert record.facts["description"] == "cyst; blurred"


def test_labelme_rectangles_and_circles_are_boxes_whatever_corner_they_begin_in(lay):
    shapes = (
        ("cyst", "rectangle", [[24, 18], [8, 6]]),
        ("nodule", "circle", [[40, 30], [43, 34]]),
        ("vessel", "line", [[1, 1], [2, 2]]),
    )
    records, (left_out,) = lay("labelme", {"a.json": labelme(*shapes)})
    assert answers(records["s/a"]) == ["[100, 100, 300, 300]", "[438, 417, 562, 583]"]
    assert left_out.reason == "not read" and "kind line" in left_out.detail and records["s/a"].targets == {}


def test_a_labelme_file_brings_its_image_where_none_was_delivered(lay, draw, tmp_path):
    picture = base64.b64encode(draw(tmp_path.parent / f"{tmp_path.name}.png", 7).read_bytes()).decode()
    text = labelme(("cyst", "rectangle", [[8, 6], [24, 18]]), file="..\\scans\\b.png", imageData=picture)
    records, unreadable = lay("labelme", {"json/b.json": text, "a.json": labelme()})
    assert not unreadable and records["s/a"].turns == ()
    (record,) = [record for record in records.values() if record.turns]
    assert answers(record) == ["[100, 100, 300, 300]"] and record.provenance.file == "json/b.json"


@pytest.mark.parametrize(
    ("text", "reason", "says"),
    [
        (labelme(("cyst", "polygon", [[8, 6], [90, 6], [24, 18]])), "bad", "80 x 60"),
        (labelme(("", "rectangle", [[8, 6], [24, 18]])), "bad shape", "no label"),
        (labelme(("cyst", "rectangle", [[8, 6]])), "bad shape", "no points"),
        (labelme(("cyst", "rectangle", [[8, 6], [24]])), "bad shape", "pairs of numbers"),
        (labelme(("cyst", "cuboid", [[8, 6], [24, 9]])), "bad shape", "cuboid"),
        (labelme(imageWidth=60, imageHeight=80), "sizes differ", "turned as it was"),
        (labelme(file="b.png", imageData="%%"), "undecodable", "base64"),
        ('{"shapes": 3}', "not LabelMe", "list of shapes"),
        ("[", "not JSON", ""),
    ],
)
def test_what_is_no_labelme_of_its_image_is_named(text, reason, says, lay):
    records, unreadable = lay("labelme", {"a.json": text})
    item = next(item for item in unreadable if item.file == "a.json")
    assert not records and item.reason.startswith(reason) and says in item.detail


def turned(path: Path, orientation: int, shape=(60, 80)) -> None:
    """An image that its EXIF data turn."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.random.default_rng(9).integers(0, 255, shape, dtype=np.uint8)).save(path, exif=exif)


@pytest.mark.parametrize(
    ("format_name", "file", "text", "orientation", "is_read"),
    [
        (
            "voc",
            "a.xml",
            voc(("cyst", 1, 1, 30, 40), size="<size><width>60</width><height>80</height></size>"),
            6,
            True,
        ),
        ("voc", "a.xml", voc(("cyst", 1, 1, 30, 40)), 6, False),
        ("voc", "a.xml", voc(("cyst", 1, 1, 30, 40)), 3, False),
        ("voc", "a.xml", voc(("cyst", 1, 1, 30, 40), size=""), 6, False),
        (
            "labelme",
            "a.json",
            labelme(("cyst", "rectangle", [[0, 0], [30, 40]]), imageWidth=60, imageHeight=80),
            6,
            True,
        ),
        ("labelme", "a.json", labelme(("cyst", "rectangle", [[0, 0], [40, 30]])), 3, True),
        ("labelme", "a.json", labelme(("cyst", "rectangle", [[0, 0], [40, 30]])), 6, False),
        ("yolo", "a.txt", "0 .25 .25 .5 .5", 6, False),
        ("yolo", "a.txt", "0 .25 .25 .5 .5", 1, True),
    ],
)
def test_boxes_on_turned_images_are_read_where_it_is_told_how_they_were_drawn(
    format_name, file, text, orientation, is_read, read, tmp_path
):
    turned(tmp_path / "a.jpg", orientation)
    (tmp_path / file).write_text(text)
    if format_name == "yolo":
        (tmp_path / "classes.txt").write_text("cyst\n")
    records, unreadable = read(tmp_path, "s", format_name)
    if is_read:
        assert answers(records["s/a"]) == ["[0, 0, 500, 500]"]
    else:
        assert not records and unreadable[0].reason in ("turned image", "sizes differ")


@pytest.mark.parametrize(
    ("format_name", "file", "text"),
    [
        ("voc", "doe-jane.xml", voc(("cyst", 9, 7, 24, 18), file="doe-jane.png")),
        ("labelme", "doe-jane.json", labelme(("cyst", "line", [[8, 6], [24, 18]]), file="doe-jane.png")),
        ("yolo", "doe-jane.txt", "0 .2 .2 7 .2"),
    ],
)
def test_a_clinics_boxes_name_no_file(format_name, file, text, draw, read, tmp_path):
    draw(tmp_path / "doe-jane.png")
    (tmp_path / file).write_text(text)
    (tmp_path / "classes.txt").write_text("cyst\n")
    records, unreadable = read(tmp_path, "s", format_name, private=True)
    shown = repr([(item.id, item.file, item.detail) for item in unreadable])
    shown += repr([(record.id, record.provenance, record.facts, record.subject) for record in records.values()])
    assert "doe" not in shown and (records or unreadable)
