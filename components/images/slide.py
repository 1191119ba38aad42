"""Tiles of whole slide images, and the stains in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.limits import MAX_PIXELS, ImageError, check_size
from components.images.raster import check_file

SUFFIXES = (".svs", ".ndpi", ".scn", ".mrxs")
_TISSUE_SPREAD = 20
_MAX_SLIDE_SIDE = 2**20
_MAX_STORED_TILE = 2**25
_LEAST_MICRONS, _MOST_MICRONS = 0.01, 100.0
"""Of a pixel of a slide: what lies outside is a scanner that left the field as it was."""
_OVERVIEW = 8
"""Pixels of a tile's side in the overview that decides where a slide is worth reading."""


def read_slide(path: Path) -> NDArray[np.uint8]:
    """Level 0 of a small slide as (H, W, 3) uint8, transparent parts white. Raises ImageError when it is over the limits."""
    import openslide

    check_file(path)
    try:
        with openslide.OpenSlide(str(path)) as slide:
            _check_tiles(slide)
            return _level_0(slide)
    except openslide.OpenSlideError as error:
        raise ImageError("undecodable", f"{error}; deliver the slide again") from None


def slide_tiles(path: Path, *, side: int, stride: int, tissue: float) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """(x, y, tile) of a slide's full tiles at level 0 of which at least the share `tissue` is stained, in reading order.

    A slide of more than MAX_PIXELS is read tile by tile, where a small level of its pyramid shows no mere glass.
    Raises ImageError, 'too large' for a slide that has no such level.
    """
    import openslide

    check_file(path)
    try:
        with openslide.OpenSlide(str(path)) as slide:
            _check_tiles(slide)
            width, height = slide.dimensions
            if width * height <= MAX_PIXELS:
                found = tiles(_level_0(slide), side=side, stride=stride)
            else:
                places = _stained_places(slide, side, stride, tissue)
                found = ((x, y, _on_white(slide.read_region((x, y), 0, (side, side)))) for x, y in places)
            yield from ((x, y, tile) for x, y, tile in found if tissue_share(tile) >= tissue)
    except openslide.OpenSlideError as error:
        raise ImageError("undecodable", f"{error}; deliver the slide again") from None


def microns_per_pixel(path: Path) -> str:
    """How wide a pixel of level 0 is, to a hundredth of a micron; empty where the slide does not say."""
    import openslide

    try:
        with openslide.OpenSlide(str(path)) as slide:
            said = float(slide.properties.get(openslide.PROPERTY_NAME_MPP_X, "nan"))
    except (openslide.OpenSlideError, ValueError):
        return ""
    return f"{said:.2f}" if _LEAST_MICRONS <= said <= _MOST_MICRONS else ""


def _check_tiles(slide: Any) -> None:
    """Raise ImageError for stored tiles so large that the library would end the process for want of memory."""
    for level in range(slide.level_count):
        name = f"openslide.level[{level}].tile-"
        sides = [int(slide.properties.get(name + side, 0)) for side in ("width", "height")]
        if sides[0] * sides[1] > _MAX_STORED_TILE:
            raise ImageError(
                "too large",
                f"stored tiles of {sides[0]} x {sides[1]} pixels, over the limit of {_MAX_STORED_TILE} pixels",
            )


def _stained_places(slide: Any, side: int, stride: int, tissue: float) -> Iterator[tuple[int, int]]:
    """Corners of the tiles that look stained in the overview, generously."""
    width, height = slide.dimensions
    check_size(width, height, max_pixels=_MAX_SLIDE_SIDE**2, max_side=_MAX_SLIDE_SIDE)
    level = slide.get_best_level_for_downsample(side / _OVERVIEW)
    check_size(*slide.level_dimensions[level], max_pixels=MAX_PIXELS)
    overview = _on_white(slide.read_region((0, 0), level, slide.level_dimensions[level]))
    scale = slide.level_downsamples[level]
    for y in range(0, height - side + 1, stride):
        for x in range(0, width - side + 1, stride):
            top, left = int(y / scale), int(x / scale)
            part = overview[top : int((y + side) / scale) + 1, left : int((x + side) / scale) + 1]
            if part.size and tissue_share(part) >= tissue / 2:
                yield x, y


def _level_0(slide: Any) -> NDArray[np.uint8]:
    check_size(*slide.dimensions)
    return _on_white(slide.read_region((0, 0), 0, slide.dimensions))


def _on_white(region: Any) -> NDArray[np.uint8]:
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
