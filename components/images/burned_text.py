"""Text burned into pixels: rows of small, sharp, equally bright shapes, as a machine writes them over an image."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_STROKE = 9
"""Pixels: no stroke of a letter is as wide."""
_CONTRAST = 60
"""Grey levels by which letters differ from what is around them."""
_HEIGHTS = (6, 40)
_SIDE = 1400
"""Larger images are halved until they fit: their letters are larger too, and searching stays below a second."""
_MOST_SHAPES = 20_000
"""Texture, not text: an image with more shapes than this is not searched."""
_SPREAD = 25.0
"""Grey levels: one row is written in one brightness."""
GLYPHS = 5
"""Letters from which a row counts as text."""


class Row(NamedTuple):
    """A line of text: how many letters, and its box in pixels."""

    glyphs: int
    box: tuple[int, int, int, int]
    """x0, y0, x1, y1."""


def text_rows(image: NDArray[np.uint8]) -> list[Row]:
    """Rows of at least GLYPHS letters in a (H, W) or (H, W, 3) image, bright on dark or dark on bright, from the top."""
    factor = -(-max(image.shape[:2]) // _SIDE)
    small = np.asarray(Image.fromarray(image).reduce(factor)) if factor > 1 else image
    bright = small if small.ndim == 2 else small.max(axis=2)
    dark = small if small.ndim == 2 else small.min(axis=2)
    found = [*_rows(bright), *_rows(255 - dark)]
    return sorted((_scaled(row, factor) for row in found), key=lambda row: (row.box[1], row.box[0]))


def _scaled(row: Row, factor: int) -> Row:
    x0, y0, x1, y1 = row.box
    return Row(row.glyphs, (factor * x0, factor * y0, factor * x1, factor * y1))


def _rows(grey: NDArray[np.uint8]) -> list[Row]:
    from scipy import ndimage

    background = ndimage.maximum_filter(ndimage.minimum_filter(grey, _STROKE), _STROKE)
    marks = grey.astype(np.int16) - background > _CONTRAST
    labels = np.zeros(marks.shape, np.int32)
    count = int(ndimage.label(marks, np.ones((3, 3), int), output=labels))  # type: ignore[arg-type]
    if not 0 < count <= _MOST_SHAPES:
        return []
    boxes = np.array([(s[1].start, s[0].start, s[1].stop, s[0].stop) for s in ndimage.find_objects(labels)])
    level = ndimage.median(grey, labels, np.arange(1, count + 1))
    height, width = boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]
    is_glyph = (height >= _HEIGHTS[0]) & (height <= _HEIGHTS[1]) & (width <= 1.5 * height)
    boxes, level = boxes[is_glyph], np.asarray(level)[is_glyph]
    rows = []
    for members in _chains(boxes):
        row, levels = boxes[members], level[members]
        if len(members) >= GLYPHS and levels.std() <= _SPREAD:
            (x0, y0), (x1, y1) = row[:, :2].min(axis=0), row[:, 2:].max(axis=0)
            rows.append(Row(len(members), (int(x0), int(y0), int(x1), int(y1))))
    return rows


def _chains(boxes: NDArray[np.int64]) -> list[list[int]]:
    """Shapes that follow each other on one line: equally high, and no further apart than a blank."""
    order = np.lexsort((boxes[:, 1], boxes[:, 0]))
    following: dict[int, int] = {}
    taken = set()
    for place, one in enumerate(order):
        height = boxes[one, 3] - boxes[one, 1]
        for other in order[place + 1 :]:
            gap = boxes[other, 0] - boxes[one, 2]
            if gap > 1.5 * height:
                break
            if other in taken or gap < -1:
                continue
            same_line = abs(boxes[other, 1:4:2] - boxes[one, 1:4:2]).max() <= max(1, 0.12 * height)
            if same_line:
                following[int(one)] = int(other)
                taken.add(int(other))
                break
    chains = []
    for start in (int(one) for one in order if int(one) not in taken):
        chain = [start]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        chains.append(chain)
    return chains
