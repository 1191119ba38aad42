"""Colours as their file means them: in sRGB, whatever profile it was written in."""

from collections.abc import Mapping
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
_LEAST_GAMMA = 0.1
_USUAL_GAMMA, _NEAR_GAMMA = 1 / 2.2, 0.01
"""What programs write for sRGB's own curve."""
_SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_D50 = np.array((0.9642, 1.0, 0.8249))
"""White of the space in which profiles meet."""
_CONES = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
"""Bradford's, by which one white is made another."""
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


def said_profile(info: Mapping[Any, Any]) -> bytes | None:
    """The profile of an image file as Pillow tells of it; a PNG's gamma and primaries (gAMA, cHRM) as one. None without."""
    if info.get("icc_profile"):
        return info["icc_profile"]
    gamma, primaries = info.get("gamma"), info.get("chromaticity")
    if "srgb" in info or not gamma or not _LEAST_GAMMA < gamma < 1 / _LEAST_GAMMA:
        return None
    try:
        return _profile_of(float(gamma), tuple(primaries) if primaries and all(primaries[1::2]) else _SRGB_PRIMARIES)
    except (ValueError, OverflowError):
        return None  # three colours on a line, or none that an eye sees


@lru_cache(maxsize=8)
def _profile_of(gamma: float, primaries: tuple[float, ...]) -> bytes:
    """sRGB's profile with another curve, and other primaries: (x, y) of white, red, green and blue."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    places = {
        bytes(profile[at : at + 4]): int.from_bytes(profile[at + 4 : at + 8], "big")
        for at in range(132, 132 + 12 * count, 12)
    }
    white, *colours = (
        np.array((x / y, 1, (1 - x - y) / y)) for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    )
    shares = np.linalg.solve(np.stack(colours, axis=1), white)
    adapted = np.linalg.inv(_CONES) @ np.diag((_CONES @ _D50) / (_CONES @ white)) @ _CONES
    for name, colour, share in zip("rgb", colours, shares, strict=True):
        if abs(gamma - _USUAL_GAMMA) > _NEAR_GAMMA:
            curve = places[f"{name}TRC".encode()]
            # A parametric curve of kind 0 is a power and nothing else.
            profile[curve : curve + 16] = b"para\0\0\0\0\0\0\0\0" + _fixed(1 / gamma)
        xyz = places[f"{name}XYZ".encode()] + 8
        profile[xyz : xyz + 12] = b"".join(_fixed(value) for value in adapted @ (colour * share))
    return bytes(profile)


def _fixed(value: float) -> bytes:
    """As ICC writes numbers: sixteen bits before the point and sixteen behind."""
    return round(value * 2**16).to_bytes(4, "big", signed=True)


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
