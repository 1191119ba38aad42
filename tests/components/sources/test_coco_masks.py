"""COCO's masks become maps of structures; what does not fit its image or its box is refused by name."""

import json

import numpy as np
import pytest
from PIL import Image

from components.images.stored import decode_stored
from components.sources.reading.label_colours import class_colour

BOX, SQUARE = [8, 6, 16, 12], [8, 6, 24, 6, 24, 18, 8, 18]
INNER = {"size": [60, 80], "counts": [12 * 60 + 10, 4, 56, 4, 4800 - 12 * 60 - 74]}
"""4 rows from row 10, 2 columns from column 12."""


@pytest.fixture
def coco(draw, read, tmp_path):
    """coco(*annotations, **of the image) is (record or None, unreadables) of a list of one image of 80 x 60."""

    def make(*annotations, **image):
        draw(tmp_path / "a.png")
        whole = {
            "images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 60, **image}],
            "categories": [{"id": 5, "name": "liver"}, {"id": 6, "name": "cyst"}],
            "annotations": [{"id": n, "image_id": 1, "category_id": 5, **more} for n, more in enumerate(annotations)],
        }
        (tmp_path / "train.json").write_text(json.dumps(whole))
        records, unreadable = read(tmp_path, "masks", "coco")
        return records.get("masks/train/a"), unreadable

    return make


def test_polygons_and_run_lengths_are_painted_the_smallest_on_top(coco):
    record, unreadable = coco({"segmentation": [SQUARE], "bbox": BOX}, {"category_id": 6, "segmentation": INNER})
    assert not unreadable and record.facts["description"] == "cyst; liver"
    painted = decode_stored(record.targets["structure_map"])
    expected = np.zeros((60, 80, 3), np.uint8)
    expected[6:18, 8:24] = class_colour("liver")
    expected[10:14, 12:14] = class_colour("cyst")
    assert (painted == expected).all()
    assert record.turns[0].answer == "[100, 100, 300, 300]"


def test_masks_of_some_things_are_no_map_and_are_said_to_be_left_out(coco):
    record, (left_out,) = coco({"segmentation": [SQUARE]}, {"category_id": 6, "segmentation": [], "bbox": BOX})
    assert record.targets == {} and len(record.turns) == 1
    assert left_out.reason == "incomplete masks" and "1 of its 2 annotations" in left_out.detail


def test_keypoints_are_said_to_be_unread(coco):
    record, (left_out,) = coco({"bbox": BOX, "num_keypoints": 1, "keypoints": [1, 2, 2]})
    assert record is not None and left_out.reason == "not read" and "keypoints" in left_out.detail


@pytest.mark.parametrize(
    ("annotation", "reason", "says"),
    [
        ({"bbox": [8, 6, 24, 18], "segmentation": [SQUARE]}, "bad box", "two places"),
        ({"bbox": [0.1, 0.1, 0.2, 0.2]}, "bad box", "in shares"),
        ({"segmentation": {"size": [80, 60], "counts": [4800]}}, "bad mask", "60 x 80"),
    ],
)
def test_boxes_and_masks_in_another_form_are_refused(coco, annotation, reason, says):
    record, (item,) = coco(annotation)
    assert record is None and item.reason == reason and says in item.detail


def test_the_size_is_the_lists_or_the_pictures_own_and_the_same_turned_is_another(coco, draw, tmp_path):
    record, _ = coco({"bbox": BOX, "segmentation": [SQUARE]}, width=160, height=120)
    assert record.turns[0].answer == "[50, 50, 150, 150]"
    assert (decode_stored(record.targets["structure_map"]).any(axis=2).sum()) == 6 * 8
    record, _ = coco({"bbox": BOX}, width=None, height=None)
    assert record.turns[0].answer == "[100, 100, 300, 300]"
    record, (item,) = coco({"bbox": BOX}, width=60, height=80)
    assert record is None and item.reason == "sizes differ" and "60 x 80" in item.detail


def test_a_photograph_that_its_viewer_turns_does_not_take_boxes_of_what_is_stored(coco, read, tmp_path):
    coco({"bbox": BOX})
    turned = Image.open(tmp_path / "a.png")
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.png", exif=exif)
    _, (item,) = read(tmp_path, "masks", "coco")
    assert item.reason == "sizes differ" and "60 x 80 pixels upright" in item.detail
