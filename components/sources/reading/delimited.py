"""Rows of CSV and TSV files, gzipped or not. A row ends where its quotes end: one that is left open takes the rest along."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from components.images.limits import ImageError
from components.sources.reading.json_stream import MAX_ROW
from components.sources.reading.opened import BrokenOff, check_text, open_text, reading

_SAMPLE = 64 * 2**10
_MARK_LINE = re.compile(r"\ufeff?\"?sep=(?P<mark>.)\"?\s*$")
"""What Excel writes before the header, to tell itself the delimiter."""
_DIGITS = re.compile(r"\d+")


def table_rows(
    path: Path, *, columns: Iterable[str] = (), delimiter: str = "", quoted: bool = True, encoding: str = "utf-8-sig"
) -> Iterator[dict[str, str] | ImageError]:
    """The rows of a table by its header, or by `columns` where it has none; the delimiter is found out.

    A row with too many or too few cells, with a byte that is no text or with a stray quote is an ImageError. Raises
    BrokenOff where nobody knows which rows follow: no header, a quote left open over several lines, a cut file.
    """
    csv.field_size_limit(MAX_ROW)
    with open_text(path, newline="", encoding=encoding) as handle, reading():
        names = list(columns)
        mark = delimiter or _delimiter(handle.read(_SAMPLE))
        handle.seek(0)
        lines = _Lines(handle)
        for cells in _cells(lines, mark, quoted):
            if isinstance(cells, ImageError):
                yield cells
            elif not any(cell.strip() for cell in cells) or (lines.count == 1 and _MARK_LINE.match(lines.last)):
                continue
            elif not names:
                names = _header(cells)
            else:
                yield _row(names, cells, mark, is_last=not lines.last.endswith(("\n", "\r")))


class _Lines:
    """The lines of a table; which came last, and whether all have come."""

    def __init__(self, handle: TextIO) -> None:
        self._handle = handle
        self.count = 0
        self.last = ""
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        while line := self._handle.readline(MAX_ROW):
            # Before its cells are counted.
            if len(line) == MAX_ROW and not line.endswith("\n"):
                raise BrokenOff("not a table", f"a line is longer than {MAX_ROW} characters; write one row a line")
            self.count, self.last = self.count + 1, line
            yield line
        self.ended = True


def _cells(lines: _Lines, mark: str, quoted: bool) -> Iterator[Sequence[str] | ImageError]:
    """The cells of each row; a row whose quotes are wrong and that ends with its line is an ImageError."""
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(iter(lines), delimiter=mark, quoting=quoting, strict=True)
    while True:
        begin = lines.count + 1
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.ended or lines.count != begin:
                what = f"a quote opened in line {begin} is not closed in its row: {error}"
                raise BrokenOff(
                    "not a table", f"{what}; close it there, or copy the file whole if it was cut"
                ) from None
            yield ImageError("broken row", f"line {begin}: {error}; double the quotes inside a quoted cell")


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lstrip("\ufeff") for cell in cells]
    try:
        check_text("".join(names))
    except ImageError as error:
        raise BrokenOff(error.reason, f"the header: {error.detail}") from None
    if len(names) > 1 and sum(map(bool, names)) == 1:
        title = next(filter(None, names))
        raise BrokenOff(
            "not a table",
            f"the first line is a title, {title[:40]!r}, and no header; take it out: columns are named first",
        )
    if twice := next((name for number, name in enumerate(names) if name and name in names[:number]), ""):
        raise BrokenOff("not a table", f"two columns are called {twice!r}; give each its own name")
    return names


def _row(names: Sequence[str], cells: Sequence[str], mark: str, *, is_last: bool) -> dict[str, str] | ImageError:
    if len(cells) > len(names) and not any(cell.strip() for cell in cells[len(names) :]):
        cells = cells[: len(names)]
    if len(cells) != len(names):
        what = f"{len(cells)} cells where the header has {len(names)}"
        if is_last and len(cells) < len(names):
            raise BrokenOff("broken row", f"{what}, and the file ends inside this row; copy it whole")
        return ImageError("broken row", f"{what}{'; is its first line the header?' if len(names) == 1 else ''}")
    if _holds_rows(cells, mark):
        raise BrokenOff("not a table", f"a cell holds whole rows: its quote is closed too late, near {cells[0][:40]!r}")
    try:
        check_text("".join(cells))
    except ImageError as error:
        return error
    return dict(zip(names, cells, strict=True))


def _holds_rows(cells: Sequence[str], mark: str) -> bool:
    """Whether a cell of several lines goes on with what looks like further rows: as many cells, the first of the same form."""
    form, marks = _form(cells[0]), len(cells) - 1
    for cell in cells:
        lines = cell.splitlines()[1:]
        if form and lines and all(line.count(mark) == marks and _form(line.split(mark)[0]) == form for line in lines):
            return True
    return False


def _form(cell: str) -> str:
    """The cell with all numbers alike: 17.png is of the form of 3.png."""
    return _DIGITS.sub("0", cell.strip())


def _delimiter(sample: str) -> str:
    if told := _MARK_LINE.match(sample.partition("\n")[0]):
        return told["mark"]
    header = sample.splitlines()[0] if sample.strip() else ""
    return max(",\t;|", key=header.count)
