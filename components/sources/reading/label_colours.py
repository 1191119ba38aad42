"""Colours of maps whose classes are only known by name: the organ map's where it has them, else one that follows from the
name, the same in every image and on every machine."""

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.sources.reading.structures import ORGANS, colour, english
from components.storage.keys import keyed_hash


def class_colour(name: str) -> tuple[int, int, int]:
    """RGB of a class; never black, never white."""
    plain = english(name)
    if plain in ORGANS:
        return colour(plain)
    number = int(keyed_hash("class colour", name, digest_bytes=4), 16)
    hue, bright = (number & 0xFFFF) / 0x10000, 0.55 + 0.4 * (number >> 16) / 0x10000
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, bright))
    return red, green, blue


def painted(masks: Sequence[tuple[str, NDArray[np.bool_]]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The map of named masks, the smallest on top, so that what lies inside of something is seen. Shape: (H, W, 3)."""
    whole = np.zeros((*shape[:2], 3), np.uint8)
    for name, mask in sorted(masks, key=lambda item: (-int(item[1].sum()), item[0])):
        whole[mask] = class_colour(name)
    return whole
