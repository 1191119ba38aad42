"""PMC-VQA as published: `train.csv`, `test.csv` (version 1) and `train_2.csv`, `test_2.csv`, images in `images/` or
`figures/`. Version 1 gives the answer's text and its letter, version 2 the letter alone, under another name."""

import re
from collections.abc import Iterator
from functools import partial

from components.images.limits import ImageError
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import question, read_rows, row_record, split_of
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "CC BY-SA (PMC-VQA); figures under their articles' licences"
LETTERS = "ABCD"
_LETTER = re.compile(r"^\s*[A-D]\s*[:.)]\s*")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question, all of them choices; the patient is the article."""
    pictures = Pictures(delivery, ("images", "figures", "images_2", ""))
    yield from read_rows(delivery, (".csv",), table_rows, partial(_record, delivery, pictures))


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    options = [_LETTER.sub("", need(row, f"Choice {letter}", f"Choice_{letter}")).strip() for letter in LETTERS]
    figure = need(row, "Figure_path")
    return row_record(
        delivery,
        f"{figure.rsplit('.', 1)[0]}/{name.rsplit('.', 1)[0]}-{number:07d}",
        [pictures.get(figure)],
        [question(need(row, "Question"), _answer(row, options), options=options)],
        subject=figure.split("_")[0],
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=split_of(name),
    )


def _answer(row: Row, options: list[str]) -> str:
    """The text of the right choice."""
    letter = text(row, "Answer_label") or text(row, "Answer")
    if letter in LETTERS:
        return options[LETTERS.index(letter)]
    answer = _LETTER.sub("", need(row, "Answer")).strip()
    if answer in options:
        return answer
    raise ImageError("bad options", f"the answer {answer[:60]!r} is none of the four choices")
