"""From measured values to the 8 bits that people look at, and what such an image looks like."""

from collections.abc import Iterator
from itertools import chain
from math import prod

import numpy as np
from numpy.typing import NDArray

BAND = 2**20
"""Pixels that are worked on at a time: what is made of them on the way stays small, however large an image is."""
SOFT_TISSUE = (-160.0, 240.0)
"""Hounsfield units, width 400, level 40."""
LUNG = (-1350.0, 150.0)
BRAIN = (0.0, 80.0)
BONE = (-450.0, 1050.0)
WINDOWS = {"soft tissue": SOFT_TISSUE, "lung": LUNG, "brain": BRAIN, "bone": BONE}
"""The windows of CT that have a name."""
_NARROW, _WIDE = 150.0, 1000.0
"""Hounsfield units: a window for the brain is narrower than the one, a window for bone as wide as the other."""
_LUNG_BELOW, _BONE_FROM = -300.0, 100.0
"""Where the middle of a window for the lung and of one for bone lies."""
_LEAST_USED, _MOST_CLIPPED = 0.5, 0.2
_MIDDLE = (5.0, 95.0)
_LEAST_PADDING = 0.02
"""Share of the values from which on the lowest of them, far from all others, is a background and no measurement."""
_LEAST_LEVELS = 16
"""An image of fewer levels is a drawing: its background belongs to it."""
_COLOUR_SPREAD = 40
"""Difference between the strongest and the weakest channel from which a pixel counts as coloured."""
_COLOUR_SHARE = 0.01
_GREY_SPREAD = 16
"""An RGB image whose channels never differ by more is a grey image with compression noise."""
_GLANCE = 16
"""One row and one column in so many are looked at first."""


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of an image of this shape, so many at a time that they have about BAND pixels; all where it is small."""
    rows = max(1, BAND // max(1, prod(shape[1:2])))
    for start in range(0, shape[0], rows):
        yield slice(start, start + rows)


def window(values: NDArray, low: float, high: float) -> NDArray[np.uint8]:
    """Values mapped linearly so that `low` and less is 0, `high` and more is 255; not-a-number becomes 0."""
    values = np.asarray(values)
    shown = np.empty(values.shape, np.uint8)
    span = max(float(high) - float(low), 1e-6)
    for rows in bands(values.shape) if values.ndim else (...,):
        scaled = (np.asarray(values[rows], np.float32) - np.float32(low)) * np.float32(255.0 / span)
        shown[rows] = np.clip(np.nan_to_num(np.rint(scaled), nan=0.0), 0, 255)
    return shown


def percentile_limits(values: NDArray, low: float = 0.5, high: float = 99.5) -> tuple[float, float]:
    """The window between two percentiles of the finite values; a constant image gets a window of width 1."""
    values = np.asarray(values)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2 and values.size:
        return limits_of_levels(level_counts(values), low, high)
    finite = np.array(values, np.float32)
    if not np.isfinite(finite).all():
        finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return 0.0, 1.0
    first, last = (float(x) for x in np.percentile(finite, (low, high), overwrite_input=True))
    if last <= first:
        first, last = float(finite.min()), float(finite.max())
    return first, last if last > first else first + 1.0


def window_name(low: float, high: float) -> str:
    """Which of the WINDOWS a window of CT is most like; empty for one that is like none."""
    centre, width = (low + high) / 2, high - low
    if centre < _LUNG_BELOW:
        return "lung"
    if width >= _WIDE:
        return "bone" if centre >= _BONE_FROM else ""
    if centre >= _WIDE / 2:
        return ""
    return "brain" if width <= _NARROW else "soft tissue"


def is_washed_out(limits: tuple[float, float], values: NDArray, *, fills_the_frame: bool) -> bool:
    """Whether a window spoils the picture of these values: they use less than half of it, or more than a fifth of their
    range lies outside of it. What uses it is the middle nine tenths where the patient fills the frame."""
    low, high = percentile_limits(values)
    if _shared(limits, (low, high)) < (1 - _MOST_CLIPPED) * (high - low):
        return True
    used = percentile_limits(values, *_MIDDLE) if fills_the_frame else (low, high)
    return _shared(limits, used) < _LEAST_USED * (limits[1] - limits[0])


def _shared(first: tuple[float, float], second: tuple[float, float]) -> float:
    return min(first[1], second[1]) - max(first[0], second[0])


def without_background(values: NDArray) -> NDArray:
    """The values without those of a background that a scanner or a program filled in: the lowest value, where it is
    frequent and farther from the next one than all others lie apart."""
    values = np.asarray(values).ravel()
    if values.size < 2:
        return values
    lowest = values.min()
    if np.count_nonzero(values == lowest) < _LEAST_PADDING * values.size:
        return values
    rest = values[values > lowest]
    is_far = rest.size and float(rest.min()) - float(lowest) > float(rest.max()) - float(rest.min())
    return rest if is_far and np.unique(rest).size >= _LEAST_LEVELS else values


def level_counts(values: NDArray[np.uint16]) -> NDArray[np.int64]:
    """How often each of the 65 536 levels occurs. Shape: (65536,)."""
    counts = np.zeros(2**16, np.int64)
    for rows in bands(values.shape):
        counts += np.bincount(values[rows].ravel(), minlength=2**16)
    return counts


def limits_of_levels(counts: NDArray[np.int64], low: float = 0.5, high: float = 99.5) -> tuple[float, float]:
    """What `percentile_limits` finds of values of these counts, bit by bit, with nothing sorted and nothing copied."""
    place = (counts.sum() - 1) * (np.array((low, high)) / 100)
    below = np.floor(place)
    ends = counts.cumsum()
    # As numpy goes from one value to the next: from the nearer of the two, in these types.
    one, other = (np.searchsorted(ends, at, "right").astype(np.float32) for at in (below, np.ceil(place)))
    part = place - below
    first, last = np.where(part >= 0.5, other - (other - one) * (1 - part), one + (other - one) * part).tolist()
    if last <= first:
        levels = np.flatnonzero(counts)
        first, last = float(levels[0]), float(levels[-1])
    return first, last if last > first else first + 1.0


def drop_grey_channels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The one channel of an RGB image that holds no colour; other images unchanged. (H, W, 3) -> (H, W) or itself."""
    if image.ndim == 2:
        return image
    # Of an image in colour a few of its pixels tell.
    parts = chain((image[::_GLANCE, ::_GLANCE],), (image[rows] for rows in bands(image.shape)))
    is_colour = any(int(channel_spread(part).max()) > _GREY_SPREAD for part in parts)
    return image if is_colour else image[..., 1].copy()


def colouring(image: NDArray[np.uint8]) -> tuple[bool, bool]:
    """(whether any pixel's channels differ, whether at least one pixel in a hundred is clearly coloured) of (H, W, 3)."""
    differs, coloured = False, 0
    for rows in bands(image.shape):
        spread = channel_spread(image[rows])
        differs = differs or bool(spread.any())
        coloured += int(np.count_nonzero(spread > _COLOUR_SPREAD))
    return differs, coloured / prod(image.shape[:2]) >= _COLOUR_SHARE


def channel_spread(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How far each pixel's channels lie apart. (H, W, 3) -> (H, W). Whole planes at a time: numpy is slow on short axes."""
    red, green, blue = (np.ascontiguousarray(image[..., channel]) for channel in range(3))
    return np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
