"""Which adapter reads which format: a new data set is a new file and one line here."""

from collections.abc import Callable, Iterator
from pathlib import Path

from components.images.limits import ImageError
from components.recipes.reading import nearest
from components.records.record import Record, Unreadable
from components.sources import dicom, fundus, histology, mni152, pyradiomics, totalsegmentator, ultrasound
from components.sources.delivery_folder import Delivery, Item
from components.sources.labels import NAME, Labels
from components.sources.settings import SourceSettings

Adapter = Callable[[Delivery], Iterator[Item]]

ADAPTERS: dict[str, Adapter] = {
    "dicom": dicom.read,
    "fundus": fundus.read,
    "histology": histology.read,
    "mni152": mni152.read,
    "pyradiomics": pyradiomics.read,
    "totalsegmentator": totalsegmentator.read,
    "ultrasound": ultrasound.read,
}
OPTIONS: dict[str, tuple[str, ...]] = {"dicom": ("frame_step",), "ultrasound": ("frame_step",)}


def adapter(format_name: str) -> Adapter:
    """The adapter of a format; raises ValueError with the nearest known name."""
    if format_name not in ADAPTERS:
        raise ValueError(f"unknown format {format_name!r}{nearest(format_name, ADAPTERS)}")
    return ADAPTERS[format_name]


def read_source(folder: Path, source: str, settings: SourceSettings) -> Iterator[Item]:
    """Every raw record of a source, labelled, in the adapter's order; what cannot be read is an Unreadable.

    Raises ValueError when the folder is missing, the format unknown or an option unknown to it.
    """
    read = adapter(settings.format)
    known = OPTIONS.get(settings.format, ())
    if unknown := sorted(set(settings.options) - set(known)):
        raise ValueError(
            f"sources.{source}.options: {unknown[0]!r} is unknown to format {settings.format!r}{nearest(unknown[0], known)}"
        )
    if not folder.is_dir():
        raise ValueError(f"source {source}: {folder} is missing; deliver the files there, or remove the source")
    return _items(folder, source, settings, read)


def _items(folder: Path, source: str, settings: SourceSettings, read: Adapter) -> Iterator[Item]:
    delivery = Delivery(folder=folder, source=source, settings=settings)
    try:
        delivery = Delivery(folder=folder, source=source, settings=settings, labels=Labels.read(folder))
    except ImageError as error:
        yield delivery.unreadable(NAME, error)
    for name in delivery.labels.missing({name for name, _ in delivery.files()}):
        yield delivery.unreadable(
            f"{NAME}:{name}", ImageError("label without file", f"{NAME} speaks of {name}, which was not delivered")
        )
    for item in read(delivery):
        try:
            yield delivery.labels.apply(item) if isinstance(item, Record) else item
        except ImageError as error:
            assert isinstance(item, Record)
            yield _mislabelled(item, error)


def _mislabelled(record: Record, error: ImageError) -> Item:
    return Unreadable(
        id=record.id, source=record.source, file=record.provenance.file, reason=error.reason, detail=error.detail
    )
