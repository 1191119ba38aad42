"""PMC-VQA as published: `train.csv`, `test.csv` (version 1) and `train_2.csv`, `test_2.csv`, images in `images/` or
`figures/`. Version 1 gives the answer's text and its letter, version 2 the letter alone, under another name."""

import re

from components.images.limits import ImageError
from components.records.record import Turn
from components.sources.reading.row_records import question
from components.sources.reading.row_sets import RowSet, Told
from components.sources.reading.rows import table_rows

LETTERS = "ABCD"
_LETTER = re.compile(r"^\s*[A-D]\s*[:.)]\s*")


def _turn(told: Told) -> Turn:
    """All of them are choices."""
    options = [_LETTER.sub("", told.need(f"Choice {letter}", f"Choice_{letter}")).strip() for letter in LETTERS]
    return question(told.need("Question"), _answer(told, options), options=options)


def _answer(told: Told, options: list[str]) -> str:
    """The text of the right choice."""
    letter = told.text("Answer_label") or told.text("Answer")
    if letter in LETTERS:
        return options[LETTERS.index(letter)]
    answer = _LETTER.sub("", told.need("Answer")).strip()
    if answer in options:
        return answer
    raise ImageError("bad options", f"the answer {answer[:60]!r} is none of the four choices")


read = RowSet(
    suffixes=(".csv",),
    rows=table_rows,
    folders=("images", "figures", "images_2", ""),
    licence="CC BY-SA (PMC-VQA); figures under their articles' licences",
    image=("Figure_path",),
    identity="{image}/{file}-{number:07d}",
    turn=_turn,
    subject=lambda told: told.image.split("_")[0],
    figure=lambda told: told.text("Caption", "caption"),
).read
