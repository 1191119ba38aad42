"""Ultrasound of the default corpus: clips and stills as video or image files, and exams as DICOM."""

from collections.abc import Iterator
from pathlib import Path

from components.images.limits import LeftOutError
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.video import read_clip

_PHANTOMS = ("phantom", "clarius", "axial-lateral", "interson")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per distinct frame (every 5th of a clip); recordings of phantoms are left out by name."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _file(delivery, n, p))


def _file(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    if any(word in name.lower() for word in _PHANTOMS):
        raise LeftOutError("phantom", "a recording of a test object is not a patient")
    yield from read_clip(delivery, name, path, Modality.ULTRASOUND)
