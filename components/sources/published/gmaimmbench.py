"""GMAI-MMBench as published: a TSV with the images in base64. Evaluation only: every record is held out, whatever a
recipe says. The test file has no answers; the validation file is what the field reports."""

import base64
import binascii
from collections.abc import Iterator
from functools import partial

from components.images.limits import ImageError
from components.images.stored import StoredImage
from components.records.vocabulary import Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.row_records import question, read_rows, row_record
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "evaluation only (GMAI-MMBench)"
LETTERS = "ABCDE"


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question, each a choice of two to five."""
    yield from read_rows(delivery, (".tsv",), partial(table_rows, delimiter="\t"), partial(_record, delivery))


def _record(delivery: Delivery, name: str, number: int, row: Row) -> Item:
    options = {letter: found for letter in LETTERS if (found := text(row, letter))}
    letter = need(row, "answer")
    if letter not in options:
        raise ImageError("bad options", f"the answer {letter[:60]!r} is none of {', '.join(options)}")
    try:
        data = base64.b64decode(need(row, "image"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError("not an image", f"the image is not base64: {error}") from None
    return row_record(
        delivery,
        f"{name.rsplit('.', 1)[0]}-{need(row, 'index')}",
        [StoredImage.of(data)],
        [question(need(row, "question"), options[letter], options=list(options.values()))],
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=Split.TEST,
    )
