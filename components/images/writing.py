"""Whether something is written in an image: rows that look like letters are read, where something can read, and hold the
image where Latin letters or digits are read; else rows that look enough like letters hold it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.images.letter_rows import Box, Rated, rated_rows
from components.images.text_reader import EXTRA, Letter, read_line, reader_version

METHOD = 3
"""Raised with whatever changes a verdict: those of before are not asked any more."""
LIKELY = 2.3
"""Log odds from which a row is taken for writing where nothing reads."""
SIEVE = 0.0
"""… from which a row is read."""
SURE = 0.9
"""Of a character that counts as read."""
LETTERS = 2
"""Read in a row, they hold the image."""
MOST_READ = 60
"""Rows of an image, those that look most like writing first."""
_BEYOND_LATIN = 0x250
_MARGIN = 0.25
"""Of a row's height, above and below it."""
_COVERED = 0.8
"""Of a row that lies within one that was read: it is that one again."""


class Writing(NamedTuple):
    """Where something seems to be written, and how that is known."""

    box: Box
    how: str


def way_of_looking() -> str:
    """What a verdict depends on beside the pixels: equal verdicts for equal images, wherever it is the same."""
    return f"{METHOD}, {reader_version() or 'nothing reads'}"


def find_writing(image: NDArray[np.uint8]) -> Writing | None:
    """The first row that holds an image (H, W) or (H, W, 3); None where nothing is written in it."""
    reader = reader_version()
    found = next(holding_rows(image, rated_rows(image), reads=bool(reader)), None)
    if found is None:
        return None
    row, letters = found
    how = (
        f"{letters} letters that {reader} reads"
        if reader
        else f"a row that looks like letters (with {EXTRA} it would be read)"
    )
    return Writing(row.box, how)


def holding_rows(image: NDArray[np.uint8], rows: Iterable[Rated], *, reads: bool) -> Iterator[tuple[Rated, int]]:
    """Those of an image's rows that hold it, as soon as each is known, with how many letters were read in it."""
    if not reads:
        yield from ((row, 0) for row in rows if row.likeness >= LIKELY)
        return
    seen: list[Rated] = []
    for row in rows:
        if row.likeness < SIEVE or len(seen) == MOST_READ:
            return
        if any(row.upright == other.upright and _within(row.box, other.box) for other in seen):
            continue
        seen.append(row)
        if letters := _letters(image, row):
            yield row, letters


def _letters(image: NDArray[np.uint8], row: Rated) -> int:
    """How many Latin letters or digits are read in the row from either side; 0 for too few."""
    x0, y0, x1, y1 = row.box
    margin = max(3, round(_MARGIN * ((y1 - y0) if row.upright else (x1 - x0))))
    part = image[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]
    for turns in (0, 2) if row.upright else (-1, 1):
        count = sum(map(_counts, read_line(np.ascontiguousarray(np.rot90(part, turns)))))
        if count >= LETTERS:
            return count
    return 0


def _counts(letter: Letter) -> bool:
    return letter.sure >= SURE and letter.text.isalnum() and ord(letter.text[0]) < _BEYOND_LATIN


def _within(box: Box, other: Box) -> bool:
    width, height = min(box[2], other[2]) - max(box[0], other[0]), min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(0, width) * max(0, height) >= _COVERED * area
