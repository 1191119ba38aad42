"""Colours of 16 bits a channel. Pillow decodes their upper bytes alone: what fills 12 bits would come out almost black."""

import re
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.limits import ImageError
from components.images.windows import bands, level_counts, limits_of_levels, window

_DEEP = re.compile(r"(RGB|RGBA|RGBX);16([BLN])")
_LOWER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""Order of the bytes that a file says -> the one under which Pillow takes the lower for the upper."""


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
    upper.load()
    lower.load()
    limits = limits_of_levels(np.sum([level_counts(values[..., :3]) for _, values in _values(upper, lower)], axis=0))
    for top, values in _values(upper, lower):
        shown = window(values[..., :3], *limits)
        if upper.mode == "RGBA":
            shown = np.concatenate([shown, (values[..., 3:] >> 8).astype(np.uint8)], axis=2)
        # Into the image that is there already: two more as large would be half a gigabyte.
        upper.paste(Image.fromarray(shown), (0, top))
    return upper


def _values(upper: Image.Image, lower: Image.Image) -> Iterator[tuple[int, NDArray[np.uint16]]]:
    """(first row, values of 16 bits) of the two images band by band."""
    for rows in bands((upper.height, upper.width)):
        box = (0, rows.start, upper.width, min(rows.stop, upper.height))
        high, low = np.asarray(upper.crop(box)), np.asarray(lower.crop(box))
        yield rows.start, high.astype(np.uint16) << np.uint16(8) | low


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
