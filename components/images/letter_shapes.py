"""Small, sharp, bright shapes of a grey image, as the strokes of letters are, with what is measured of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Boxes = NDArray[np.int64]
_STROKE = 5
"""Pixels: strokes are narrower; larger letters are searched for in a smaller image."""
LEAST_CONTRAST = 22
"""Grey levels by which a stroke is brighter than what is around it."""
_BLOCK = 32
_GRAIN = 2.6
"""Of what is bright, times the middle of a block of pixels: above it, noise is rare."""
_CORE = 0.7
"""Of a shape's highest contrast: where its ink is, and not its edge."""
_LEAST_SIDE = 4
_MOST_SIDE = 420


@dataclass(frozen=True, slots=True)
class Shapes:
    """N shapes, in no order."""

    boxes: Boxes
    """(N, 4): x0, y0, x1, y1."""
    measures: NDArray[np.float64]
    """(N, len(MEASURES))."""

    def turned(self) -> "Shapes":
        """As they lie in the transposed image."""
        return Shapes(self.boxes[:, [1, 0, 3, 2]], self.measures)


MEASURES = ("ink", "contrast", "area", "edge", "core_share", "core_spread", "slope")
"""Grey level of the core; contrast of the core; pixels; pixels at the edge; share that is core; spread of grey levels in the
core; steepest change of grey level, in the mean of its pixels."""


def raised(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W): by how many grey levels each pixel is brighter than what is around it and wider than a stroke."""
    background = np.asarray(ndimage.maximum_filter(ndimage.minimum_filter(grey, _STROKE), _STROKE), np.uint8)
    return grey - background


def marks(contrast: NDArray[np.uint8], times: float) -> NDArray[np.bool_]:
    """Where contrast is that of a stroke: above the least of it, and above the grain of its surroundings; both so many
    times."""
    height, width = contrast.shape
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    padded = np.pad(contrast, ((0, rows * _BLOCK - height), (0, columns * _BLOCK - width)), mode="edge")
    blocks = padded.reshape(rows, _BLOCK, columns, _BLOCK)[:, ::2, :, ::2].swapaxes(1, 2).reshape(rows, columns, -1)
    least = times * np.maximum(LEAST_CONTRAST, _GRAIN * np.median(blocks, axis=2))
    return contrast > least.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)[:height, :width]


def shapes(grey: NDArray[np.uint8], contrast: NDArray[np.uint8], marked: NDArray[np.bool_]) -> Shapes:
    """The connected shapes of what is marked, without the smallest and the largest."""
    labels = np.zeros(grey.shape, np.int32)
    ndimage.label(marked, np.ones((3, 3), int), output=labels)  # type: ignore[arg-type]
    is_large = np.bincount(labels.ravel()) >= _LEAST_SIDE
    is_large[0] = False
    count = int(is_large.sum())
    if not count:
        return Shapes(np.zeros((0, 4), np.int64), np.zeros((0, len(MEASURES))))
    # Of noise, nearly all shapes are a pixel or two.
    labels = (np.cumsum(is_large, dtype=np.int32) * is_large)[labels]
    marked = labels > 0
    found = ndimage.find_objects(labels)
    boxes = np.array([(s[1].start, s[0].start, s[1].stop, s[0].stop) for s in found], np.int64)
    sides = boxes[:, 2:] - boxes[:, :2]
    kept = (sides.max(axis=1) >= _LEAST_SIDE) & (sides.max(axis=1) <= _MOST_SIDE)
    return Shapes(boxes[kept], _measured(grey, contrast, marked, labels, count)[kept])


def _measured(
    grey: NDArray[np.uint8],
    contrast: NDArray[np.uint8],
    marked: NDArray[np.bool_],
    labels: NDArray[np.int32],
    count: int,
) -> NDArray[np.float64]:
    at = np.flatnonzero(marked)
    owner = labels.ravel()[at] - 1
    level, height = grey.ravel()[at].astype(np.float64), contrast.ravel()[at].astype(np.float64)
    area = np.bincount(owner, minlength=count)
    top = np.zeros(count)
    np.maximum.at(top, owner, height)
    inner = ndimage.binary_erosion(marked, np.ones((3, 3))).ravel()[at]
    signed = grey.astype(np.int16)
    down, right = np.abs(np.diff(signed, axis=0, append=signed[-1:])), np.abs(np.diff(signed, append=signed[:, -1:]))
    slope = np.maximum(down, right).ravel()[at]
    is_core = height >= _CORE * top[owner]
    core = owner[is_core]
    cores = np.bincount(core, minlength=count)
    ink = np.bincount(core, level[is_core], minlength=count) / cores
    spread = np.sqrt(np.bincount(core, (level[is_core] - ink[core]) ** 2, minlength=count) / cores)
    return np.stack(
        [
            ink,
            np.bincount(core, height[is_core], minlength=count) / cores,
            area,
            area - np.bincount(owner, inner, minlength=count),
            cores / area,
            spread,
            np.bincount(owner, slope, minlength=count) / area,
        ],
        axis=1,
        dtype=np.float64,
    )
