"""Colours of 16 bits a channel. Pillow decodes their upper bytes alone: what fills 12 bits would come out almost black."""

import re
import sys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.limits import ImageError
from components.images.windows import percentile_limits, window

_DEEP = re.compile(r"(RGB|RGBA|RGBX);16([BLN])")
_LOWER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""Order of the bytes that a file says -> the one under which Pillow takes the lower for the upper."""
_ORIENTATION = 0x0112


def is_deep_colour(image: Image.Image) -> bool:
    """Whether an opened image, not yet decoded, has colours, or grey with alpha, of 16 bits a channel."""
    return image.mode in ("RGB", "RGBA", "RGBX", "LA") and any(";16" in mode for mode in _raw_modes(image))


def deep_colour(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """The RGB or RGBA image of a file that was opened twice and not yet decoded; one window for all three colours, as for
    16-bit grey. Raises ImageError, 'unsupported values', for channels that cannot be put together."""
    if not all(_DEEP.fullmatch(mode) for mode in _raw_modes(upper)):
        raise ImageError(
            "unsupported values",
            f"{', '.join(sorted(set(_raw_modes(upper))))} is not read; save it with 8 bits a channel",
        )
    lower.tile = [_swapped(tile) for tile in lower.tile]  # type: ignore[attr-defined]
    high, low = np.asarray(upper), np.asarray(lower)
    values = high[..., :3].astype(np.uint16) << 8 | low[..., :3]
    shown: NDArray[np.uint8] = window(values, *percentile_limits(values))
    if upper.mode == "RGBA":
        shown = np.concatenate([shown, high[..., 3:]], axis=2)
    made = Image.fromarray(shown)
    made.getexif()[_ORIENTATION] = upper.getexif().get(_ORIENTATION, 1)
    return made


def _raw_modes(image: Image.Image) -> list[str]:
    return [_raw_mode(tile) for tile in getattr(image, "tile", ())]


def _raw_mode(tile: tuple) -> str:
    return tile[3] if isinstance(tile[3], str) else str(tile[3][0]) if tile[3] else ""


def _swapped(tile: tuple) -> tuple:
    def swap(mode: str) -> str:
        return mode[:-1] + _LOWER[mode[-1]]

    name, extents, offset, arguments = tile
    swapped = swap(arguments) if isinstance(arguments, str) else (swap(arguments[0]), *arguments[1:])
    return type(tile)(name, extents, offset, swapped)  # type: ignore[call-arg]
