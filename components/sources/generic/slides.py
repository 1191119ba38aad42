"""Stained tissue: tiles of slides of any size, and of images of a slide."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.png import encode_png
from components.images.raster import read_raster
from components.images.slide import SUFFIXES, haematoxylin_only, microns_per_pixel, slide_tiles, tiles, tissue_share
from components.records.origins import HEADER
from components.records.vocabulary import MICRONS, Modality
from components.sources.delivery_folder import Delivery, Item

_SIDE = 128
_TISSUE = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Slide:
    """What is known of a file beside its labels."""

    subject: str
    stain: str
    licence: str
    anatomy: str = "tissue"
    stride: int = _SIDE
    microns: str = ""
    """How wide a pixel is, where that is told."""
    stem: str = ""
    """What ids begin with, else the subject: several files may be one patient's."""
    haematoxylin: bool = False
    """Whether its haematoxylin alone is made as what may be drawn."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per tile of 128 pixels that is mostly tissue; `position` is the tile's left edge in pixels. The patient is
    the label `subject`, else the file; the label `stain` names the stain, `microns_per_pixel` the width of a pixel, which a
    slide may tell itself."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _labelled(delivery, n, p))


def _labelled(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    labels, stem = delivery.labels.of(name), name.replace("/", "-")
    slide = Slide(
        subject=labels.get("subject") or stem,
        stain=labels.get("stain", ""),
        licence=labels.get("licence", "unknown"),
        microns="" if MICRONS in labels else microns_per_pixel(path),
        stem=stem,
    )
    yield from read_slide(delivery, name, path, slide)


def read_slide(delivery: Delivery, name: str, path: Path, slide: Slide) -> Iterator[Item]:
    """The records of one file. Raises ImageError for an image without colours."""
    for x, y, tile in _stained(path, slide.stride):
        yield delivery.record(
            f"{slide.stem or slide.subject}-x{x:05d}-y{y:05d}",
            tile,
            subject=slide.subject,
            modality=Modality.HISTOPATHOLOGY,
            anatomy=slide.anatomy,
            file=name,
            licence=slide.licence,
            locator=f"x {x} y {y}",
            facts={name: said for name, said in (("stain", slide.stain), (MICRONS, slide.microns)) if said},
            origins={MICRONS: HEADER} if slide.microns else None,
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
