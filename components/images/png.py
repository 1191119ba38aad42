"""Arrays to PNG and back: the form in which images lie in shards."""

import hashlib
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.limits import ImageError, check_size


def encode_png(image: NDArray[np.uint8], level: int = 1) -> bytes:
    """PNG of a (H, W) or (H, W, 3) uint8 array. Level 1 is three times faster than the default and 5 % larger."""
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"a PNG is made of (H, W) or (H, W, 3) uint8, got {image.shape} {image.dtype}")
    check_size(image.shape[1], image.shape[0])
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(out, "PNG", compress_level=level)
    return out.getvalue()


def decode_png(data: bytes) -> NDArray[np.uint8]:
    """The (H, W) or (H, W, 3) array of a PNG that we wrote, not to be written to; raises ImageError for anything else."""
    return decode(data, ("PNG",))


def decode(data: bytes, formats: tuple[str, ...]) -> NDArray[np.uint8]:
    """The (H, W) or (H, W, 3) array of an image that we stored, not to be written to; raises ImageError for anything else."""
    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            check_size(image.width, image.height)
            if image.mode not in ("L", "RGB"):
                raise ImageError("wrong mode", f"a stored image is L or RGB, this one is {image.mode}")
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError("undecodable", f"not a readable {' or '.join(formats)}: {error}") from None


def pixels_sha256(image: NDArray[np.uint8]) -> str:
    """Hex sha256 of shape and pixels: equal for equal images, whatever file they came in."""
    digest = hashlib.sha256(f"{image.shape}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
