"""Any folder of image files; labels.csv says what they show (for every file `*`, a folder `name/`, or one file)."""

from collections.abc import Iterator
from pathlib import Path

from components.images.limits import ImageError
from components.images.raster import SUFFIXES, read_raster
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per image file; the patient is the label `subject`, else the file itself."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _image(delivery, n, p))


def _image(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    image = read_raster(path)
    labels = delivery.labels.of(name)
    modality = labels.get("modality")
    if modality is None:
        raise ImageError("unknown modality", "say what it is in labels.csv, e.g. `*,modality,X-ray` for every file")
    yield delivery.record(
        _native_id(name, path),
        image,
        subject=labels.get("subject") or name,
        modality=Modality.TEXT,  # replaced by the label
        anatomy=labels.get("anatomy") or "unknown",
        file=name,
        licence=labels.get("licence", "unknown"),
    )


def _native_id(name: str, path: Path) -> str:
    return name.removesuffix(path.suffix) if path.suffix.lower() in SUFFIXES else name
