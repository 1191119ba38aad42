"""From measured values to the 8 bits that people look at, and what such an image looks like."""

import numpy as np
from numpy.typing import NDArray

SOFT_TISSUE = (-160.0, 240.0)
"""Hounsfield units, width 400, level 40."""
LUNG = (-1350.0, 150.0)
BRAIN = (0.0, 80.0)
_COLOUR_SPREAD = 40
"""Difference between the strongest and the weakest channel from which a pixel counts as coloured."""
_COLOUR_SHARE = 0.01
_GREY_SPREAD = 16
"""An RGB image whose channels never differ by more is a grey image with compression noise."""


def window(values: NDArray, low: float, high: float) -> NDArray[np.uint8]:
    """Values mapped linearly so that `low` and less is 0, `high` and more is 255; not-a-number becomes 0."""
    span = max(float(high) - float(low), 1e-6)
    scaled = (np.asarray(values, np.float32) - np.float32(low)) * np.float32(255.0 / span)
    return np.clip(np.nan_to_num(np.rint(scaled), nan=0.0), 0, 255).astype(np.uint8)


def percentile_limits(values: NDArray, low: float = 0.5, high: float = 99.5) -> tuple[float, float]:
    """The window between two percentiles of the finite values; a constant image gets a window of width 1."""
    finite = np.asarray(values, np.float32)
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return 0.0, 1.0
    first, last = (float(x) for x in np.percentile(finite, (low, high)))
    if last <= first:
        first, last = float(finite.min()), float(finite.max())
    return first, last if last > first else first + 1.0


def drop_grey_channels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The one channel of an RGB image that holds no colour; other images unchanged. (H, W, 3) -> (H, W) or itself."""
    if image.ndim == 2:
        return image
    return image[..., 1].copy() if int(channel_spread(image).max()) <= _GREY_SPREAD else image


def is_coloured(spread: NDArray[np.uint8]) -> bool:
    """Whether at least one pixel in a hundred is clearly coloured, by what `channel_spread` found."""
    return float((spread > _COLOUR_SPREAD).mean()) >= _COLOUR_SHARE


def channel_spread(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How far each pixel's channels lie apart. (H, W, 3) -> (H, W). Whole planes at a time: numpy is slow on short axes."""
    red, green, blue = (np.ascontiguousarray(image[..., channel]) for channel in range(3))
    return np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
