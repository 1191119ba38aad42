"""PathVQA as JSON or Parquet: the first release keeps its questions in pickles, which are refused by name."""

from collections.abc import Iterator
from functools import partial

from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import question, read_rows, row_record, split_of
from components.sources.reading.rows import Row, need, rows_of

LICENCE = "repository MIT; figures belong to their publishers (PathVQA)"


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question; the patient is the image, since books do not say."""
    pictures = Pictures(delivery, ("images", "pvqa/images", ""))
    yield from read_rows(delivery, (".json", ".parquet"), rows_of, partial(_record, delivery, pictures))


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    turn = question(need(row, "question", "Questions"), need(row, "answer", "Answers"))
    return row_record(
        delivery,
        f"{name.rsplit('.', 1)[0]}-{number:07d}",
        [pictures.of(row.get("image", row.get("Image_ID")))],
        [turn],
        modality=Modality.UNKNOWN,
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=split_of(name),
    )
