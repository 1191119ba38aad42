"""PubMedVision as published: `PubMedVision_{Alignment,InstructionTuning}_VQA.json` beside `images/`. Its `modality` and
`body_part` were predicted by a model: they are not used."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.conversations import read_row
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import read_rows
from components.sources.reading.row_sets import leave_out_panels
from components.sources.reading.rows import Row, json_rows

LICENCE = "Apache-2.0 (PubMedVision); figures under their articles' licences"


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a conversation with all its images. The patient is the figure of its first image: `pmc_9` of
    `pmc_9_0.jpg`."""
    yield from read_rows(
        delivery, (".json",), json_rows, partial(_record, delivery, Pictures(delivery, ("", "images")))
    )


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    record = read_row(delivery, pictures, name, number, row)
    if len(record.images) == 1:
        leave_out_panels("\n".join(turn.answer for turn in record.turns))
    return replace(
        record,
        subject=_figure(row.get("image")) or record.subject,
        modality=Modality.UNKNOWN if record.images else Modality.TEXT,
        licence=LICENCE,
    )


def _figure(images: object) -> str:
    first = images[0] if isinstance(images, list) and images else images
    return PurePosixPath(first).stem.rpartition("_")[0] if isinstance(first, str) else ""
