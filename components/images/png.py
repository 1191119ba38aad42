"""Arrays to PNG, and their hash."""

import hashlib
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.limits import check_size


def encode_png(image: NDArray[np.uint8], level: int = 1) -> bytes:
    """PNG of a (H, W) or (H, W, 3) uint8 array. Level 1 is three times faster than the default and 5 % larger."""
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"a PNG is made of (H, W) or (H, W, 3) uint8, got {image.shape} {image.dtype}")
    check_size(image.shape[1], image.shape[0])
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(out, "PNG", compress_level=level)
    return out.getvalue()


def pixels_sha256(image: NDArray[np.uint8]) -> str:
    """Hex sha256 of shape and pixels: equal for equal images, whatever file they came in."""
    digest = hashlib.sha256(f"{image.shape}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
