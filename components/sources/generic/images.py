"""Any folder of image files. labels.csv says what they show (for every file `*`, a folder `name/`, or one file); a
`metadata.csv`, `metadata.jsonl` or `metadata.parquet` with a column `file_name`, as Hugging Face has it, what is said of
them. Masks among them are left out by their names."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError
from components.images.raster import SUFFIXES
from components.images.stored import StoredImage
from components.records.record import LeftOut, Record
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.conversations import caption_beside, make_record
from components.sources.reading.label_maps import refuse_label_name
from components.sources.reading.pictures import ARCHIVES, NOT_UNPACKED, Pictures
from components.sources.reading.row_records import each_row
from components.sources.reading.rows import Row, need, rows_of
from components.sources.reading.unread_columns import UnreadColumns

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_UNTOLD = ImageError(
    "row unread", "no row that could be read names it, and rows of its table could not be read; mend those"
)
"""An image whose patient such a row may tell is none of its own."""
_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx", ".xls", ".xml", ".txt", ".yaml", ".yml")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a row of metadata, then one for each image file that no row names; the patient is the label `subject`
    or the column `patient_id`, else the image."""
    told: set[str] = set()
    doubtful: list[PurePosixPath] = []
    for name, path in delivery.files():
        if path.name in METADATA:
            folder, named, count = PurePosixPath(name).parent, list[str](), 0
            make = partial(_told, delivery, Pictures(delivery, (str(folder),)), told, named)
            for item in delivery.read(name, path, lambda p, n=name, m=make: _rows(delivery, n, p, m)):
                count += not isinstance(item, LeftOut)
                yield item
            doubtful += [folder] if count > len(named) else []
    for name, path in delivery.files():
        if path.name in METADATA or name in told:
            continue
        if path.suffix.lower() in ARCHIVES:
            yield delivery.unreadable(name, NOT_UNPACKED)
        elif path.suffix.lower() in _TABLES:
            yield delivery.unknown(name, f"what is said of images stands in {' or '.join(METADATA)} beside them")
        elif any(PurePosixPath(name).is_relative_to(folder) for folder in doubtful):
            yield delivery.unreadable(name, _UNTOLD)
        else:
            yield from delivery.read(name, path, lambda p, n=name: _image(delivery, n, p))


def _rows(delivery: Delivery, name: str, path: Path, make: Callable[[str, int, Row], Iterable[Item]]) -> Iterator[Item]:
    yield from each_row(delivery, name, rows_of(path), make, unread=UnreadColumns())


def _told(
    delivery: Delivery, pictures: Pictures, told: set[str], named: list[str], name: str, number: int, row: Row
) -> list[Record]:
    """The records of a row of metadata; its file's name goes into `told`, what it calls it into `named`, for each record."""
    image = need(row, "file_name")
    named.append(image)
    file, lies = str(PurePosixPath(name).parent / image), pictures.name_of(image)
    told |= {file, lies}
    record = make_record(delivery, name, number, row, [image], pictures)
    provenance, identity = replace(record.provenance, file=lies), f"{delivery.source}/{file}#{number:07d}"
    beside = caption_beside(row, replace(record, id=identity, provenance=provenance))
    named += [image] * len(beside)
    return [replace(record, id=identity, provenance=provenance), *beside]


def _image(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    refuse_label_name(delivery, name)
    image = StoredImage.of(path)
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
