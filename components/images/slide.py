"""Tiles of whole slide images, and the stains in them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError, check_size
from components.images.raster import check_file

SUFFIXES = (".svs", ".ndpi", ".scn", ".mrxs")
_TISSUE_SPREAD = 20


def read_slide(path: Path) -> NDArray[np.uint8]:
    """Level 0 of a small slide as (H, W, 3) uint8, transparent parts white. Raises ImageError when it is over the limits."""
    import openslide

    check_file(path)
    try:
        with openslide.OpenSlide(str(path)) as slide:
            check_size(*slide.dimensions)
            region = slide.read_region((0, 0), 0, slide.dimensions)
    except openslide.OpenSlideError as error:
        raise ImageError("undecodable", f"{error}; deliver the slide again") from None
    rgba = np.asarray(region)
    image = rgba[..., :3].copy()
    image[rgba[..., 3] == 0] = 255
    return image


def tiles(image: NDArray[np.uint8], *, side: int, stride: int) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """(x, y, tile) of all full tiles in reading order. Shapes: (H, W, 3) -> (side, side, 3)."""
    height, width = image.shape[:2]
    for y in range(0, height - side + 1, stride):
        for x in range(0, width - side + 1, stride):
            yield x, y, image[y : y + side, x : x + side]


def tissue_share(image: NDArray[np.uint8]) -> float:
    """Share of pixels that are stained rather than glass."""
    spread = image.max(axis=2).astype(np.int16) - image.min(axis=2)
    return float((spread > _TISSUE_SPREAD).mean())


def haematoxylin_only(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The tile as it would look with haematoxylin alone: colour deconvolution, the other stains set to none."""
    from skimage.color import hed2rgb, rgb2hed

    stains = rgb2hed(image)
    stains[..., 1:] = 0
    return np.rint(np.clip(hed2rgb(stains), 0, 1) * 255).astype(np.uint8)
