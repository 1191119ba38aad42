"""Photographs of one scene each (eyes, skin, wounds): the whole, and nine half-size windows of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.images.limits import ImageError
from components.images.raster import read_raster
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.labelled_images import labelled_modality


@dataclass(frozen=True, slots=True)
class Photograph:
    """What is known of a file beside its labels."""

    subject: str
    licence: str
    facts: Mapping[str, str] = field(default_factory=dict)
    """Claimed of the whole photograph only."""
    modality: Modality = Modality.FUNDUS
    anatomy: str = "eye"
    stem: str = ""
    """What ids begin with, else the subject: several files may be one patient's."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record for the whole photograph and one per window; the patient is the label `subject`, else the file. The option
    `windows: false` leaves the windows out."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _labelled(delivery, n, p))


def _labelled(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    labels, stem = delivery.labels.of(name), name.replace("/", "-")
    known = Photograph(
        labels.get("subject") or stem,
        labels.get("licence", "unknown"),
        modality=labelled_modality(labels),
        anatomy=labels.get("anatomy") or "unknown",
        stem=stem,
    )
    yield from read_photograph(delivery, name, path, known)


def read_photograph(delivery: Delivery, name: str, path: Path, known: Photograph) -> Iterator[Item]:
    """The records of one file. Raises ImageError for one without colours."""
    image = read_raster(path)
    if image.ndim != 3:
        raise ImageError("grey image", f"a photograph ({known.modality.value}) is in colour; add it as its own source")
    height, width = image.shape[:2]
    windows = [("whole", 0, 0, width, height)]
    for row in range(3 if delivery.settings.options.get("windows", True) else 0):
        for column in range(3):
            x, y = column * width // 4, row * height // 4
            windows.append((f"window-{row}{column}", x, y, x + width // 2, y + height // 2))
    for part, x0, y0, x1, y1 in windows:
        yield delivery.record(
            f"{known.stem or known.subject}-{part}",
            image[y0:y1, x0:x1],
            subject=known.subject,
            modality=known.modality,
            anatomy=known.anatomy,
            file=name,
            licence=known.licence,
            locator=part,
            facts=dict(known.facts) if part == "whole" else {},
        )
