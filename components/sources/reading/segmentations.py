"""Masks as COCO writes them: polygons in pixels, or run lengths down the columns, plain or as COCO's own text."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError, check_size

_MOST_CORNERS = 100_000
"""Of one annotation."""
_CODE_BEGINS, _MORE, _NEGATIVE, _BITS = 48, 0x20, 0x10, 5
"""A letter of the text, less 48, holds five bits of a number, whether more follow, and in its last letter the sign."""


def segmented(segmentation: object, width: int, height: int) -> NDArray[np.bool_]:
    """The mask of a `segmentation` in an image of that size. Shape: (H, W). Raises ImageError, reason 'bad mask'."""
    check_size(width, height)
    match segmentation:
        case {"counts": counts, "size": [rows, columns]}:
            if (rows, columns) != (height, width):
                raise ImageError("bad mask", f"a mask of {columns} x {rows} pixels in an image of {width} x {height}")
            return _filled(_counts(counts), width, height)
        case [*polygons] if polygons:
            return _drawn(polygons, width, height)
    raise ImageError(
        "bad mask", f"{str(segmentation)[:40]!r} is neither a list of polygons nor run lengths with a size"
    )


def _filled(counts: Sequence[int], width: int, height: int) -> NDArray[np.bool_]:
    """Runs of outside and inside in turn, column after column."""
    if min(counts, default=-1) < 0 or sum(counts) != width * height:
        raise ImageError("bad mask", f"run lengths that sum to {sum(counts)} in an image of {width} x {height} pixels")
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(width, height).T


def _counts(counts: object) -> Sequence[int]:
    if isinstance(counts, str):
        return _spelled(counts)
    if isinstance(counts, list) and all(type(count) is int for count in counts):
        return counts
    raise ImageError("bad mask", f"run lengths are whole numbers or COCO's text of them, got {str(counts)[:40]!r}")


def _spelled(letters: str) -> list[int]:
    """The run lengths of COCO's text: from the fourth on each is what it differs by from the one before the last."""
    counts: list[int] = []
    value, bits = 0, 0
    for letter in letters:
        code = ord(letter) - _CODE_BEGINS
        if not 0 <= code < 2 * _MORE or bits > 40:
            raise ImageError("bad mask", f"{letters[:40]!r} is not COCO's text of run lengths")
        value |= (code & (_MORE - 1)) << bits
        bits += _BITS
        if code & _MORE:
            continue
        value -= (1 << bits) if code & _NEGATIVE else 0
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value, bits = 0, 0
    if bits:
        raise ImageError("bad mask", f"{letters[-40:]!r} ends inside a number; copy the file whole")
    return counts


def _drawn(polygons: Sequence[object], width: int, height: int) -> NDArray[np.bool_]:
    """All polygons together: the pixels whose centres lie inside of one."""
    whole = np.zeros((height, width), bool)
    for polygon in polygons:
        corners = _corners(polygon, width, height)
        left, top = np.floor(corners.min(axis=0)).clip(0).astype(int)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int)
        whole[top:bottom, left:right] |= _inside(corners - (left, top), whole[top:bottom, left:right].shape)
    return whole


def _corners(polygon: object, width: int, height: int) -> NDArray[np.float64]:
    """Shape: (corners, 2), x and y."""
    try:
        flat = np.asarray(polygon, np.float64)
    except (TypeError, ValueError):
        flat = np.empty(0)
    if flat.ndim != 1 or not 6 <= flat.size <= 2 * _MOST_CORNERS or flat.size % 2 or not np.isfinite(flat).all():
        raise ImageError("bad mask", f"{str(polygon)[:40]!r} is no polygon: x, y, x, y … of three corners or more")
    corners = flat.reshape(-1, 2)
    if corners.min() < -1 or (corners.max(axis=0) > (width + 1, height + 1)).any():
        raise ImageError("bad mask", f"a polygon leaves its image of {width} x {height} pixels")
    if corners.max() <= 1 < min(width, height):
        raise ImageError("bad mask", "a polygon in shares of the image; COCO's are in pixels")
    return corners


def _inside(corners: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """By crossings, row after row: a drawing library's own polygons take their edges along, a pixel too much on each side.
    Shape: (rows, columns)."""
    height, width = shape
    crossed = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in pairwise([*corners, corners[0]]):
        first, last = (int(np.clip(np.ceil(y - 0.5), 0, height)) for y in sorted((y0, y1)))
        rows = np.arange(first, last)
        if rows.size:
            columns = np.ceil(x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0) - 0.5)
            crossed[rows, np.clip(columns, 0, width).astype(np.int64)] += 1
    return np.cumsum(crossed, axis=1)[:, :width] % 2 == 1
