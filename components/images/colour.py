"""Colours as their file means them: in sRGB, whatever profile it was written in."""

from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from components.images.windows import bands

MAX_PROFILE_BYTES = 4 * 2**20
_NOTICED = 3
"""Grey levels: a profile that moves no colour further is sRGB, whatever it calls itself."""
_CUBE = 9
"""Levels a channel of the colours that are looked at."""


def in_srgb(pixels: NDArray[np.uint8], profile: bytes | None) -> NDArray[np.uint8]:
    """The pixels (H, W, 3) in sRGB; themselves where they have no profile, one that says nothing sound, or sRGB's own."""
    transform = _transform(bytes(profile)) if profile and len(profile) <= MAX_PROFILE_BYTES else None
    if transform is None:
        return pixels
    found = np.empty_like(pixels)
    for rows in bands(pixels.shape):
        found[rows] = _applied(np.ascontiguousarray(pixels[rows]), transform)
    return found


@lru_cache(maxsize=8)
def _transform(profile: bytes) -> Any:
    """From the profile's RGB to sRGB; None where there is nothing to do, or the profile is of other colours or broken."""
    try:
        source: Any = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != "RGB":
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), "RGB", "RGB")
        cube = np.linspace(0, 255, _CUBE).astype(np.uint8)
        colours = np.stack(np.meshgrid(cube, cube, cube, indexing="ij"), axis=-1).reshape(_CUBE, -1, 3)
        moved = np.abs(_applied(colours, transform).astype(int) - colours)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return transform if moved.max() > _NOTICED else None


def _applied(pixels: NDArray[np.uint8], transform: Any) -> NDArray[np.uint8]:
    return np.asarray(ImageCms.applyTransform(Image.fromarray(pixels), transform))
