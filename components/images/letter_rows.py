"""Rows of shapes that may be letters, level or turned, and how much each looks like writing: a sieve that lets hardly any
writing through, in a tenth of a second a megapixel."""

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.letter_shapes import Shapes, marks, raised, shapes

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1."""
_HEIGHTS = ((4, 12), (9, 26), (20, 60))
"""Pixels that the letters of one row are high."""
_TIMES = (1.0, 1.8)
"""Thresholds: what touches the letters at a low one may not at a higher one."""
_GAP = 1.1
"""Letter heights between two letters, at most."""
_SAME = 0.7
"""Of the lower of two neighbours' heights: so much of it lies beside the other."""
_TALLER = 2.2
_LONGEST = 12
"""Letter heights: touching letters are one shape, and no wider."""
_WEIGHTS = Path(__file__).with_name("letter_rows.json")


class Row(NamedTuple):
    """What may be a line of text."""

    box: Box
    upright: bool
    """False where the line runs from below to above or from above to below."""
    features: NDArray[np.float64]
    """(20,): what tells writing from anatomy, of the shapes of the row."""


class Rated(NamedTuple):
    """A row, and how much it looks like writing."""

    likeness: float
    """Log odds, as names painted into frames taught it."""
    box: Box
    upright: bool


def rated_rows(image: NDArray[np.uint8]) -> list[Rated]:
    """All rows of an image (H, W) or (H, W, 3), bright on dark and dark on bright, what looks most like writing first."""
    found = list(rows(image))
    if not found:
        return []
    likeness = _likeness(np.array([row.features for row in found]))
    return sorted(
        (Rated(float(odds), row.box, row.upright) for odds, row in zip(likeness, found, strict=True)), reverse=True
    )


def rows(image: NDArray[np.uint8]) -> Iterator[Row]:
    """The same rows in no order; one line is found several times, at several thresholds and sizes."""
    for grey in _planes(image):
        yield from _in_plane(grey)


def _planes(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Grey images in which writing is brighter than what it is on: by its lightness, or by one channel of a colour."""
    if image.ndim == 2:
        yield image
        yield 255 - image
        return
    light = np.asarray(Image.fromarray(image).convert("L"))
    yield light
    yield 255 - light
    highest, lowest = image.max(axis=2), image.min(axis=2)
    if (highest - lowest).max() > 2:
        yield highest
        yield 255 - lowest


def _in_plane(grey: NDArray[np.uint8]) -> Iterator[Row]:
    for factor, heights in ((1, _HEIGHTS), (2, _HEIGHTS[1:])):
        part = np.asarray(Image.fromarray(grey).reduce(factor)) if factor > 1 else grey
        contrast = raised(part)
        for times in _TIMES[: 3 - factor]:
            found = shapes(part, contrast, marks(contrast, times))
            for upright in (True, False):
                turned = found if upright else found.turned()
                for lowest, highest in heights:
                    yield from _lines(turned, lowest, highest, factor, upright)


def _lines(found: Shapes, lowest: int, highest: int, factor: int, upright: bool) -> Iterator[Row]:
    """The rows among shapes of about one height, in the pixels of the whole image."""
    boxes, measures = _of_height(found, lowest, highest)
    if not len(boxes):
        return
    owner = _chains(boxes, highest)
    order = np.argsort(owner, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(owner[order])) + 1):
        own = boxes[members]
        (x0, y0), (x1, y1) = own[:, :2].min(axis=0), own[:, 2:].max(axis=0)
        width, height = x1 - x0, y1 - y0
        if width < height * (1 if len(members) > 1 else 2) or height > 3 * highest:
            continue
        box = (x0, y0, x1, y1) if upright else (y0, x0, y1, x1)
        scaled = tuple(int(factor * side) for side in box)
        yield Row(scaled, upright, _features(own, measures[members]))  # type: ignore[arg-type]


def _of_height(found: Shapes, lowest: int, highest: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    width, height = (found.boxes[:, 2:] - found.boxes[:, :2]).T
    kept = (height >= lowest) & (height <= highest) & (width <= _LONGEST * height)
    return found.boxes[kept], found.measures[kept]


def _chains(boxes: NDArray[np.int64], highest: int) -> NDArray[np.int32]:
    """The number of the row to which each shape belongs: neighbours are about as high, level, and near."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    middle = boxes[:, 1::2].mean(axis=1)
    ends, begins = (KDTree(np.stack([boxes[:, side], middle], axis=1)) for side in (2, 0))
    near = ends.sparse_distance_matrix(begins, (_GAP + 0.2) * highest, output_type="coo_matrix")
    one, other = near.row, near.col
    height = boxes[:, 3] - boxes[:, 1]
    high, low = np.maximum(height[one], height[other]), np.minimum(height[one], height[other])
    gap = boxes[other, 0] - boxes[one, 2]
    beside = np.minimum(boxes[one, 3], boxes[other, 3]) - np.maximum(boxes[one, 1], boxes[other, 1])
    kept = (one != other) & (gap >= -2) & (gap <= _GAP * high) & (beside >= _SAME * low) & (high <= _TALLER * low)
    links = coo_matrix((np.ones(kept.sum(), bool), (one[kept], other[kept])), shape=(len(boxes),) * 2)
    return connected_components(links, directed=False)[1]


def _features(boxes: NDArray[np.int64], measures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Writing has one brightness, flat and sharp ink, strokes of one width, and one line to stand on."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    ink, contrast, area, edge, core_share, core_spread, slope = measures.T
    middle, typical = np.median(contrast), np.median(height)
    stroke, fill = area / edge, area / (width * height)
    return np.array(
        [
            np.log(len(boxes)),
            np.log(typical),
            np.log((boxes[:, 2].max() - boxes[:, 0].min()) / (boxes[:, 3].max() - boxes[:, 1].min())),
            ink.std() / middle,
            contrast.std() / middle,
            np.log(middle),
            _aligned(boxes[:, 3], typical),
            _aligned(boxes[:, 1], typical),
            stroke.mean(),
            stroke.std() / stroke.mean(),
            core_share.mean(),
            core_share.std(),
            (core_spread / contrast).mean(),
            (slope / contrast).mean(),
            (slope / contrast).std(),
            fill.mean(),
            fill.std(),
            np.log(width / height).mean(),
            np.log(width / height).std(),
            height.std() / typical,
        ]
    )


def _aligned(sides: NDArray[np.int64], height: float) -> float:
    """The share of the sides that lie on the line on which most of them lie."""
    return float((np.abs(sides[:, None] - sides) <= max(1, 0.1 * height)).mean(axis=1).max())


@lru_cache
def _weights() -> tuple[NDArray[np.float64], ...]:
    table = json.loads(_WEIGHTS.read_text())
    return tuple(np.array(table[name]) for name in ("mean", "scale", "hidden", "hidden_bias", "out", "out_bias"))


def _likeness(features: NDArray[np.float64]) -> NDArray[np.float64]:
    mean, scale, hidden, hidden_bias, out, out_bias = _weights()
    return np.tanh(np.clip((features - mean) / scale, -4, 4) @ hidden + hidden_bias) @ out + out_bias
