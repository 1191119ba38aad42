"""GMAI-MMBench as published: a TSV with the images in base64. Evaluation only: every record is held out, whatever a
recipe says. The test file has no answers; the validation file is what the field reports."""

import base64
import binascii
from functools import partial

from components.images.limits import ImageError
from components.images.stored import StoredImage
from components.records.record import Turn
from components.records.vocabulary import Split
from components.sources.reading.row_records import question
from components.sources.reading.row_sets import RowSet, Told
from components.sources.reading.rows import table_rows


def _turn(told: Told) -> Turn:
    """A choice of two to five."""
    options = {letter: found for letter in "ABCDE" if (found := told.text(letter))}
    letter = told.need("answer")
    if letter not in options:
        raise ImageError("bad options", f"the answer {letter[:60]!r} is none of {', '.join(options)}")
    return question(told.need("question"), options[letter], options=list(options.values()))


def _image(told: Told) -> StoredImage:
    try:
        data = base64.b64decode(told.need("image"), validate=True)
    except binascii.Error as error:
        raise ImageError("not an image", f"the image is not base64: {error}") from None
    return StoredImage.of(data)


read = RowSet(
    suffixes=(".tsv",),
    rows=partial(table_rows, delimiter="\t"),
    licence="evaluation only (GMAI-MMBench)",
    image=_image,
    identity="{file}-{key}",
    key=("index",),
    turn=_turn,
    split=lambda told: Split.TEST,
).read
