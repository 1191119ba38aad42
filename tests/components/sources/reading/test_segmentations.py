"""Masks of COCO: polygons and run lengths, against slow and obvious ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.images.limits import ImageError
from components.sources.reading.segmentations import segmented

SQUARE = [8, 6, 24, 6, 24, 18, 8, 18]


def spelled(counts):
    """COCO's text of run lengths, as its format is described: five bits a letter, differences from the fourth on."""
    letters = ""
    for place, count in enumerate(counts):
        left, more = count - (counts[place - 2] if place > 2 else 0), True
        while more:
            part, left = left & 31, left >> 5
            more = left != (-1 if part & 16 else 0)
            letters += chr(48 + part + 32 * more)
    return letters


def runs(mask):
    """Lengths of what is outside and inside in turn, down the columns."""
    counts, inside = [0], False
    for value in mask.T.ravel():
        if bool(value) is not inside:
            counts, inside = [*counts, 0], not inside
        counts[-1] += 1
    return counts


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_run_lengths_plain_and_spelled_are_the_mask_they_were_made_of(width, height, seed):
    mask = np.random.default_rng(seed).random((height, width)) < 0.3
    counts = runs(mask)
    for said in (counts, spelled(counts)):
        assert (segmented({"size": [height, width], "counts": said}, width, height) == mask).all()


def test_a_polygon_is_the_pixels_whose_centres_lie_inside():
    mask = segmented([SQUARE], 80, 60)
    expected = np.zeros((60, 80), bool)
    expected[6:18, 8:24] = True
    assert (mask == expected).all()
    ring = [10.2, 5.1, 70.7, 22.4, 33.3, 58.9, 20.5, 30.0, 3.3, 44.4]
    points = np.array(ring).reshape(-1, 2)
    x, y = np.meshgrid(np.arange(80) + 0.5, np.arange(60) + 0.5)
    inside = np.zeros((60, 80), bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= ((y0 <= y) != (y1 <= y)) & (x >= x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    assert (segmented([ring], 80, 60) == inside).all()
    assert (segmented([SQUARE, ring], 80, 60) == expected | inside).all()


@pytest.mark.parametrize(
    ("segmentation", "says"),
    [
        ([[0.1, 0.1, 0.5, 0.1, 0.5, 0.9]], "in shares of the image"),
        ([[1, 2, 3, 4]], "no polygon"),
        ([[1, 2, 3, 4, 5, 600]], "leaves its image"),
        ([[1, 2, 3, 4, 5, float("nan")]], "no polygon"),
        ({"size": [80, 60], "counts": [4800]}, "a mask of 60 x 80 pixels"),
        ({"size": [60, 80], "counts": [4801]}, "sum to 4801"),
        ({"size": [60, 80], "counts": [4801, -1]}, "sum to 4800"),
        ({"size": [60, 80], "counts": "é"}, "not COCO's text"),
        ({"size": [60, 80], "counts": "o" * 100}, "not COCO's text"),
        ({"size": [60, 80], "counts": "PT"}, "ends inside a number"),
        ({"size": [60, 80], "counts": [True]}, "whole numbers"),
        ("x", "neither a list of polygons"),
    ],
)
def test_what_is_no_mask_is_refused_with_its_fault(segmentation, says):
    with pytest.raises(ImageError, match=says) as raised:
        segmented(segmentation, 80, 60)
    assert raised.value.reason == "bad mask"
