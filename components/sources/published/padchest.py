"""PadChest as published: one CSV of 36 columns, gzipped or not, and 16-bit PNG in numbered folders. Its reports are
Spanish and stemmed."""

import ast
from collections.abc import Iterator
from functools import partial

from components.images.limits import ImageError, LeftOutError
from components.records.findings import finding_facts, view_facts
from components.records.origins import FOUND_BY_TOOL
from components.records.record import Turn
from components.records.vocabulary import Modality, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.films import IMAGES, Films, bare
from components.sources.reading.row_records import read_rows, row_record
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "on request, not to be passed on (PadChest, BIMCV)"
PROMPT = "Escribe el informe de esta radiografía."
"""The reports' own language: never under a prompt in another."""
_EXCLUDED = ("exclude", "suboptimal study")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image; the views of a study are a record each, with the same report. The patient is `PatientID`.

    A row without labels, and one that the set itself excludes, is left out. `description` has the labels as worded.
    """
    films = Films(delivery)
    yield from read_rows(delivery, (".csv", ".gz"), table_rows, partial(_record, delivery, films), images=IMAGES)
    yield from films.unnamed()


def labels_of(cell: str) -> list[str]:
    """The labels of a cell that holds a Python list. Raises LeftOutError, 'no labels', for an empty or null cell or list,
    ImageError, 'bad label', for anything else."""
    if not cell or cell.lower() in ("nan", "null", "none"):
        raise LeftOutError("no labels", "the row has no Labels; nothing is known of the image")
    try:
        found = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        raise ImageError("bad label", f"Labels is {cell[:60]!r}; a list of words was expected")
    if not (labels := [label.strip() for label in found if label.strip()]):
        raise LeftOutError("no labels", "the row's Labels are empty; nothing is known of the image")
    return labels


def _record(delivery: Delivery, films: Films, name: str, number: int, row: Row) -> Item:
    image = need(row, "ImageID")
    film = films.get(image)
    labels, projection = labels_of(text(row, "Labels")), text(row, "Projection")
    if projection == "EXCLUDE" or (excluded := sorted(set(labels) & set(_EXCLUDED))):
        why = f"projection {projection}" if projection == "EXCLUDE" else f"label {excluded[0]!r}"
        raise LeftOutError("excluded", f"the set itself excludes {image}: {why}")
    report = text(row, "Report").strip(" .")
    return row_record(
        delivery,
        bare(image),
        [film.picture],
        [Turn(prompt=PROMPT, answer=text(row, "Report"), kind=TurnKind.REPORT)] if report else [],
        subject=need(row, "PatientID"),
        modality=Modality.XRAY,
        anatomy="chest",
        facts={"description": "; ".join(labels), **finding_facts(labels), **view_facts(projection)},
        origins={} if text(row, "MethodLabel") == "Physician" else FOUND_BY_TOOL,
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        language="es",
    )
