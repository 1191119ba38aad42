"""Rows of annotation files, one by one, however long the file: JSON lines, JSON lists, CSV and other tables, Parquet."""

import codecs
import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO, cast

from components.images.limits import ImageError, check_packed
from components.sources.reading.parquet_sizes import rows_at_once

MAX_ROW = 8 * 2**20
"""Characters of one row: a longer one is no row but a broken file."""
_BLOCK = 2**20
Row = dict[str, Any]


def json_rows(path: Path) -> Iterator[Row | ImageError]:
    """The objects of a JSON list, of JSON lines or of one object; a line or value that is none is an ImageError.

    Raises ImageError when nothing after some place can be read: 'not text', 'not JSON', 'too large'.
    """
    with _opened(path) as handle:
        start = _first_character(handle)
        handle.seek(0)
        if start != "[" and path.suffix.lower() != ".json":
            yield from _lines(handle)
        else:
            yield from map(_object, _values(handle))


def json_lists(path: Path) -> Iterator[Row | ImageError]:
    """As `json_rows` for a list of lists: each as {"values": list}."""
    with _opened(path) as handle:
        for value in _values(handle):
            yield {"values": value} if isinstance(value, list) else _object(value)


def json_object(path: Path, limit: int = 512 * 2**20) -> Row:
    """The one object of a JSON file. Raises ImageError; a file over `limit` bytes is 'too large'."""
    if path.stat().st_size > limit:
        raise ImageError("too large", f"the file is over the limit of {limit} bytes")
    try:
        with _opened(path) as handle:
            value = _DECODER.decode(handle.read())
    except UnicodeDecodeError as error:
        raise _not_text(error) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError("not JSON", f"{error}") from None
    if not isinstance(value, dict):
        raise ImageError("not a row", "the file holds no object")
    return value


def table_rows(
    path: Path, *, columns: Iterable[str] = (), delimiter: str = "", quoted: bool = True, encoding: str = "utf-8-sig"
) -> Iterator[Row | ImageError]:
    """The rows of a CSV or TSV file, gzipped or not, by its header, or by `columns` where it has none; the delimiter is
    found out.

    A row with too many or too few cells is an ImageError. Raises ImageError for a file that is no table.
    """
    csv.field_size_limit(MAX_ROW)
    with _opened(path, newline="", encoding=encoding) as handle:
        names = list(columns)
        try:
            sample = handle.read(64 * 1024)
            handle.seek(0)
            mark = delimiter or _delimiter(sample)
            quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
            for cells in csv.reader(_bounded(handle), delimiter=mark, quoting=quoting):
                if not any(cell.strip() for cell in cells):
                    continue
                if not names:
                    names = [cell.strip().lstrip("\ufeff") for cell in cells]
                elif len(cells) != len(names):
                    yield ImageError("broken row", f"{len(cells)} cells where the header has {len(names)}")
                else:
                    yield dict(zip(names, cells, strict=True))
        except UnicodeDecodeError as error:
            raise _not_text(error) from None
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ImageError("undecodable", f"the gzipped file is broken: {error}; deliver it again") from None
        except csv.Error as error:
            raise ImageError("not a table", f"{error}; deliver CSV with one header row") from None


def parquet_rows(path: Path) -> Iterator[Row | ImageError]:
    """The rows of a Parquet file as plain values; one of more than MAX_ROW characters is an ImageError.

    Raises ImageError, reason 'not Parquet' or 'too large'.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        at_once, packed, plain = rows_at_once(path), path.stat().st_size, 0
        with pq.ParquetFile(path) as parquet:
            for batch in parquet.iter_batches(batch_size=at_once):
                for row in batch.to_pylist():
                    # Only now it is known how often an entry of a dictionary is named.
                    size = _text_size(row)
                    plain += size
                    check_packed(packed, plain, "the table's texts")
                    yield row if size <= MAX_ROW else ImageError("too large", f"a row of {size} characters")
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError("not Parquet", f"{error}; deliver the file again") from None


def _text_size(value: Any) -> int:
    """Characters of the texts inside a value, whatever its nesting; images are none."""
    match value:
        case str():
            return len(value)
        case dict():
            return sum(map(_text_size, value.values()))
        case list():
            return len(value) + sum(map(_text_size, value))
    return 0


def rows_of(path: Path) -> Iterator[Row | ImageError]:
    """The rows of a file by its suffix: Parquet, CSV, TSV, else JSON."""
    match path.suffix.lower():
        case ".parquet":
            yield from parquet_rows(path)
        case ".csv" | ".tsv":
            yield from table_rows(path)
        case _:
            yield from json_rows(path)


def text(row: Mapping[str, Any], *names: str) -> str:
    """The first of the named fields that holds anything, as text without blanks around it; numbers become text."""
    for name in names:
        value = row.get(name)
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, str | int | float) and str(value).strip():
            return str(value).strip()
    return ""


def need(row: Mapping[str, Any], *names: str) -> str:
    """As `text`; raises ImageError, reason 'missing field', when all of them are empty."""
    if found := text(row, *names):
        return found
    raise ImageError("missing field", f"the row has no {' or '.join(names)}; it has {', '.join(map(str, row))}")


def _bounded(handle: TextIO) -> Iterator[str]:
    """The lines; a line of more than MAX_ROW characters is a csv.Error, before its cells are counted."""
    while line := handle.readline(MAX_ROW):
        if len(line) == MAX_ROW and not line.endswith("\n"):
            raise csv.Error(f"a line is longer than {MAX_ROW} characters")
        yield line


def _lines(handle: TextIO) -> Iterator[Row | ImageError]:
    number = 0
    try:
        while line := handle.readline(MAX_ROW):
            number += 1
            if len(line) == MAX_ROW and not line.endswith("\n"):
                yield ImageError("too large", f"line {number} is longer than {MAX_ROW} characters")
                while (rest := handle.readline(MAX_ROW)) and not rest.endswith("\n"):
                    pass
                continue
            if not line.strip():
                continue
            try:
                yield _object(_DECODER.decode(line.strip().lstrip("\ufeff")))
            except (ValueError, RecursionError) as error:
                yield ImageError("not JSON", f"line {number}: {error}")
    except UnicodeDecodeError as error:
        raise _not_text(error) from None


def _values(handle: TextIO) -> Iterator[Any]:
    """The elements of a list that is never in memory whole; without a list, one value after the other."""
    try:
        text, at = handle.read(_BLOCK), 0
        in_list = text.lstrip()[:1] == "["
        at = text.index("[") + 1 if in_list else 0
        while True:
            at = _end(_BETWEEN, text, at)
            if in_list and text[at : at + 1] == "]":
                return
            value, end = _decoded(text, at)
            if end < len(text):
                yield value
                at = end
                continue
            # What ends with the block may go on in the next one.
            more = handle.read(_BLOCK)
            if not more:
                if in_list:
                    raise ImageError("not JSON", f"the file ends inside its list, near {text[-40:]!r}")
                if at < len(text):
                    yield _DECODER.decode(text[at:].strip())
                return
            text, at = text[at:] + more, 0
            if len(text) > MAX_ROW + _BLOCK:
                raise ImageError("not JSON", f"no value ends within {MAX_ROW} characters, near {text[:40]!r}")
    except UnicodeDecodeError as error:
        raise _not_text(error) from None
    except ImageError:
        raise
    except (ValueError, RecursionError) as error:
        raise ImageError("not JSON", f"{error}") from None


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """(value, where the next begins) of the value at a place; the end of the text where no whole value is there."""
    if at == len(text):
        return None, at
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError:
        return None, len(text)
    return value, _end(_BLANKS, text, end)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _object(value: Any) -> Row | ImageError:
    return (
        value
        if isinstance(value, dict)
        else ImageError("not a row", f"an object was expected, got {str(value)[:40]!r}")
    )


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


_BETWEEN, _BLANKS = re.compile(r"[\s,]*"), re.compile(r"\s*")
_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _opened(path: Path, newline: str | None = None, encoding: str = "utf-8-sig") -> TextIO:
    with path.open("rb") as handle:
        start = handle.read(4)
    if not start:
        raise ImageError("empty file", "the file holds no bytes; deliver it again")
    if path.suffix.lower() == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding=encoding, newline=newline))
    wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return path.open(encoding="utf-16" if wide else encoding, newline=newline)


def _first_character(handle: TextIO) -> str:
    try:
        return handle.read(4096).lstrip()[:1]
    except UnicodeDecodeError as error:
        raise _not_text(error) from None


def _not_text(error: UnicodeDecodeError) -> ImageError:
    return ImageError("not text", f"the file is not UTF-8 at byte {error.start}; save it as UTF-8")


def _delimiter(sample: str) -> str:
    header = sample.splitlines()[0] if sample.strip() else ""
    return max(",\t;|", key=header.count)
