"""Masks: files in which a pixel belongs to something or does not, whatever their values are called."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError, check_size
from components.images.raster import opened

FORMATS = ("PNG", "GIF", "TIFF", "BMP", "JPEG")
SUFFIXES = (".png", ".gif", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")
_COMPRESSED = (".jpg", ".jpeg")


def read_mask(path: Path) -> NDArray[np.bool_]:
    """The mask (H, W): true where a value is above half of the file's largest, so 0/1, 0/255 and JPEG's noise all work.

    Raises ImageError as `read_raster` does; a file of several frames is 'several images'.
    """
    with opened(path, FORMATS) as image:
        check_size(image.width, image.height)
        if getattr(image, "n_frames", 1) > 1:
            raise ImageError("several images", "a mask has one frame")
        # A palette's numbers are the labels; its colours may be any.
        values = np.asarray(image if image.mode in ("1", "L", "P", "I", "I;16") else image.convert("L"))
    largest = int(values.max(initial=0))
    if path.suffix.lower() in _COMPRESSED and largest < 128:
        return np.zeros(values.shape, bool)
    return values.astype(np.int64) * 2 > largest


def fitting(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask itself. Raises ImageError, reason 'sizes differ', when it is not of the image's `shape`."""
    if mask.shape != shape[:2]:
        raise ImageError(
            "sizes differ",
            f"the mask is {mask.shape[1]} x {mask.shape[0]} pixels, its image {shape[1]} x {shape[0]}",
        )
    return mask


def white(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The mask as a picture: white on black. Shape: (H, W)."""
    return mask.astype(np.uint8) * 255
