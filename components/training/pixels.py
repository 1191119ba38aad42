"""Pixels of stored images at the size that the network reads them: each distinct image is decoded once while there is room."""

from operator import attrgetter

import numpy as np

from components.images.resize import scale_image
from components.images.stored import decode_stored
from components.records.sample import Image
from components.storage.byte_cache import ByteCache
from model.image_transform import ImageTransform

# Shapes: h, w = rows and columns after resizing.

CACHE_BYTES = 2**30


class PixelStore:
    """Sized images, kept by content up to CACHE_BYTES."""

    def __init__(self, capacity_bytes: int = CACHE_BYTES) -> None:
        self._kept: ByteCache[tuple[str, ImageTransform, int], np.ndarray] = ByteCache(
            capacity_bytes, attrgetter("nbytes")
        )

    def sized(self, image: Image, transform: ImageTransform, num_images: int = 1) -> np.ndarray:
        """RGB pixels uint8 [h, w, 3], resized (bicubic) as the transform says for one of so many images; not to be written
        to."""
        key = (image.sha256, transform, num_images)
        return self._kept.get_or_make(key, lambda: rgb_pixels(image.data, transform, num_images))


def rgb_pixels(data: bytes, transform: ImageTransform, num_images: int = 1) -> np.ndarray:
    """RGB pixels uint8 [h, w, 3] of a stored image at the transform's size. Raises ImageError when it is damaged."""
    pixels = decode_stored(data)
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    width, height = transform.size(rgb.shape[1], rgb.shape[0], num_images)
    sized = np.ascontiguousarray(scale_image(rgb, height, width))
    sized.flags.writeable = False
    return sized
