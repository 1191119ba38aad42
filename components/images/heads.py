"""Whether a volume shows a head of which somebody could be known again: by the size of what lies in air, slice by slice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.images.volume import Volume
from components.images.windows import percentile_limits, without_background

_GRID = 4.0
"""Millimetres at which sizes are measured."""
_RUN = 40.0
"""Millimetres of the body's length over which slices must look like a head's: from the chin to the eyes it is more."""
_SKIN = -300.0
"""Hounsfield units: denser is no air."""
_BACKGROUND = 0.1
"""Share of the grey levels below which it is air, of anything but CT."""
_FILLED = 0.6
"""Share of its box that a head covers; an ellipse covers 0.79."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Size:
    """How wide and how deep (front to back) a slice's body is, in millimetres."""

    least: tuple[float, float]
    most: tuple[float, float]
    depth_per_width: float
    """A head is deeper than wide, a trunk wider than deep."""
    in_air: bool
    """Whether air must lie on both of its sides."""

    def holds(self, width: float, depth: float, *, is_cut: bool) -> bool:
        fits = all(low <= mm <= high for low, mm, high in zip(self.least, (width, depth), self.most, strict=True))
        return fits and depth >= self.depth_per_width * width and not (self.in_air and is_cut)


_HEAD = _Size(least=(105.0, 130.0), most=(200.0, 260.0), depth_per_width=0.95, in_air=True)
"""From infants of a year to men."""
_NO_TRUNK = _Size(least=(80.0, 80.0), most=(220.0, 260.0), depth_per_width=0.0, in_air=False)
"""What may be a head or a part of one: a cut field of view, and limbs too."""


def shows_head(volume: Volume, *, is_ct: bool) -> bool:
    """Whether slices over 40 mm have the size and the shape of a head with air on both sides."""
    return _runs(volume, _HEAD, is_ct=is_ct)


def may_show_head(volume: Volume, *, is_ct: bool) -> bool:
    """Whether it can be a head or a part of one: neither a trunk nor too small. For volumes of which nobody says what they
    show."""
    return _runs(volume, _NO_TRUNK, is_ct=is_ct)


def _runs(volume: Volume, size: _Size, *, is_ct: bool) -> bool:
    coarse, steps = _coarse(volume)
    # Of a CT without air somebody painted the outside, in any value.
    body = coarse > (_SKIN if is_ct and coarse.min() < _SKIN else _air(coarse))
    # Without a word of how it lies every axis may be the body's, and either side the front.
    axes = (2,) if volume.is_placed else (0, 1, 2)
    return any(_run(body, steps, axis, size, is_turned=not volume.is_placed) for axis in axes)


def _run(body: NDArray[np.bool_], steps: tuple[float, ...], axis: int, size: _Size, *, is_turned: bool) -> bool:
    longest = run = 0
    for slice_ in np.moveaxis(body, axis, 2).transpose(2, 0, 1):
        across, deep = (step for number, step in enumerate(steps) if number != axis)
        run = run + 1 if _fits(slice_, across, deep, size, is_turned=is_turned) else 0
        longest = max(longest, run)
    return longest * steps[axis] >= _RUN


def _fits(body: NDArray[np.bool_], across: float, deep: float, size: _Size, *, is_turned: bool) -> bool:
    """Whether the largest part of a slice (x, y) has the size."""
    from scipy import ndimage

    if not body.any():
        return False
    numbered, count = ndimage.label(ndimage.binary_opening(body))  # type: ignore[misc]
    if not count:
        return False
    largest = np.asarray(ndimage.binary_fill_holes(numbered == np.bincount(numbered.ravel())[1:].argmax() + 1))
    rows, columns = (np.flatnonzero(largest.any(axis=other)) for other in (1, 0))
    width, depth = (rows[-1] - rows[0] + 1) * across, (columns[-1] - columns[0] + 1) * deep
    is_cut = rows[0] == 0 and rows[-1] == body.shape[0] - 1
    if is_turned and depth < width:
        width, depth, is_cut = depth, width, columns[0] == 0 and columns[-1] == body.shape[1] - 1
    filled = np.count_nonzero(largest) * across * deep
    return size.holds(width, depth, is_cut=bool(is_cut)) and filled >= _FILLED * width * depth


def _coarse(volume: Volume) -> tuple[NDArray, tuple[float, ...]]:
    """(values, millimetres of each axis) at about _GRID."""
    apart = np.linalg.norm(volume.affine[:3, :3], axis=0)
    every = [max(1, int(_GRID // mm)) for mm in apart]
    values = np.asarray(volume.data[tuple(slice(None, None, n) for n in every)])
    return values, tuple(float(mm * n) for mm, n in zip(apart, every, strict=True))


def _air(values: NDArray) -> float:
    low, high = percentile_limits(without_background(values))
    return low + (high - low) * _BACKGROUND
