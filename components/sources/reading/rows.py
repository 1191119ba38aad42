"""Rows of annotation files, one by one, however long the file: JSON lines, JSON lists, CSV and other tables, Parquet.

A row that cannot be used is an ImageError in its place. BrokenOff is raised where nobody knows how many rows follow.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from components.images.limits import ImageError, check_packed
from components.sources.reading.delimited import table_rows
from components.sources.reading.json_stream import MAX_ROW, json_value, line_values, stream_values
from components.sources.reading.opened import BrokenOff, open_text, reading
from components.sources.reading.parquet_sizes import rows_at_once

Row = dict[str, Any]
NO_VALUE = frozenset(
    (
        *("", "nan", "NaN", "NAN", "None", "null", "NULL", "<NA>", "NaT", "NA", "N/A", "n/a"),
        *("#N/A", "#NV", "#N/D", "#NA", "#REF!", "#BEZUG!", "#¡REF!", "#VALUE!", "#WERT!", "#¡VALOR!", "#VALEUR!"),
        *("#DIV/0!", "#¡DIV/0!", "#NAME?", "#¿NOMBRE?", "#NOM?", "#NUM!", "#ZAHL!", "#¡NUM!", "#NULL!", "#¡NULO!"),
    )
)
"""What programs write where nothing is, spreadsheets in their user's language: no answer and no patient."""
_EXACT = 2**53
"""From here on a float no longer holds every whole number."""


def json_rows(path: Path) -> Iterator[Row | ImageError]:
    """The objects of a JSON list, of JSON lines or of one object; a line or value that is none is an ImageError.

    Raises BrokenOff when nothing after some place can be read: 'not text', 'not JSON', 'too large'.
    """
    with open_text(path) as handle, reading():
        as_lines = _is_lines(handle, path)
        handle.seek(0)
        yield from map(_object, line_values(handle) if as_lines else stream_values(handle))


def json_lists(path: Path) -> Iterator[Row | ImageError]:
    """As `json_rows` for a list of lists: each as {"values": list}."""
    with open_text(path) as handle, reading():
        for value in stream_values(handle):
            yield {"values": value} if isinstance(value, list) else _object(value)


def json_object(path: Path, limit: int = 512 * 2**20) -> Row:
    """The one object of a JSON file. Raises ImageError, and BrokenOff where it cannot be read; a file over `limit` bytes
    is 'too large'."""
    if path.stat().st_size > limit:
        raise BrokenOff("too large", f"the file is over the limit of {limit} bytes; deliver it in parts")
    with open_text(path) as handle, reading():
        try:
            value = json_value(handle.read())
        except ImageError as error:
            raise BrokenOff(error.reason, error.detail) from None
    if not isinstance(value, dict):
        raise ImageError("not a row", "the file holds no object")
    return value


def parquet_rows(path: Path) -> Iterator[Row | ImageError]:
    """The rows of a Parquet file as plain values; one of more than MAX_ROW characters, or with a value that Python cannot
    hold, is an ImageError.

    Raises BrokenOff, reason 'not Parquet' or 'too large'.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        at_once, packed, plain = rows_at_once(path), path.stat().st_size, 0
        with pq.ParquetFile(path) as parquet:
            classes = _class_names(parquet.schema_arrow.metadata or {})
            for batch in parquet.iter_batches(batch_size=at_once):
                for row in _plain_rows(batch):
                    if isinstance(row, dict):
                        _name_classes(row, classes)
                    # Only now it is known how often an entry of a dictionary is named.
                    size = _text_size(row)
                    plain += size
                    check_packed(packed, plain, "the table's texts")
                    yield row if size <= MAX_ROW else ImageError("too large", f"a row of {size} characters")
    except ImageError as error:
        raise BrokenOff(error.reason, error.detail) from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BrokenOff("not Parquet", f"{error}; it was cut off or is none: write it anew") from None


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Column -> the names that its numbers stand for, as Hugging Face writes them beside a table."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        told = {name: said["names"] for name, said in features.items() if said.get("_type") == "ClassLabel"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: list(map(str, names)) for name, names in told.items() if isinstance(names, list)}


def _name_classes(row: Row, classes: Mapping[str, Sequence[str]]) -> None:
    """Put the names into the row; a number that has none stays one."""
    for column, names in classes.items():
        value = row.get(column)
        if isinstance(value, int) and 0 <= value < len(names):
            row[column] = names[value]


def _plain_rows(batch: Any) -> Iterator[Row | ImageError]:
    """The rows of a batch of Arrow's. One bad value costs its row alone."""
    try:
        yield from batch.to_pylist()
        return
    except (ValueError, OverflowError):
        pass
    for number in range(batch.num_rows):
        try:
            (row,) = batch.slice(number, 1).to_pylist()
        except (ValueError, OverflowError) as error:
            row = ImageError("not text", f"a value that cannot be read: {error}; write the table anew")
        yield row


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
    """The first of the named fields that holds anything, as text without blanks around it; numbers become text, and whole
    ones stay whole where an empty cell of the column made them fractions."""
    for name in names:
        value = row.get(name)
        if isinstance(value, float | Decimal) and not isinstance(value, bool):
            value = _number(value)
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, str | int) and str(value).strip():
            return str(value).strip()
    return ""


def known(row: Mapping[str, Any], *names: str) -> str:
    """As `text`, without what programs write where nothing is: of a field that is no text of the conversation."""
    return next((found for name in names if (found := text(row, name)) not in NO_VALUE), "")


def need(row: Mapping[str, Any], *names: str) -> str:
    """As `text`; raises ImageError, reason 'missing field', when all of them are empty."""
    if found := text(row, *names):
        return found
    raise ImageError("missing field", f"the row has no {' or '.join(names)}; it has {_shown_names(row)}")


def need_answer(row: Mapping[str, Any], *names: str) -> str:
    """As `need` for what is learnt: a field that is there and holds no text is an 'empty answer', or named where it holds
    something else."""
    if found := text(row, *names):
        return found
    there = [name for name in names if name in row]
    for name in there:
        value = row[name]
        if isinstance(value, bool):
            raise ImageError("no text", f"{name} is {json.dumps(value)}; write the answer out, as yes or no")
        if isinstance(value, list | dict) and value:
            raise ImageError("no text", f"{name} is a list or an object; deliver the answer as one text")
    if there:
        raise ImageError("empty answer", f"{there[0]} is empty; deliver the answer or leave the row out")
    return need(row, *names)


def _number(value: float | Decimal) -> int | str | None:
    """A whole number as such, any other as text, none for NaN."""
    if value != value:
        return None
    return int(value) if abs(value) < _EXACT and value == int(value) else str(value)


def _shown_names(row: Mapping[str, Any]) -> str:
    return ", ".join(map(str, row))[:200] or "no field"


def _object(value: Any) -> Row | ImageError:
    if isinstance(value, dict | ImageError):
        return value
    return ImageError("not a row", f"an object was expected, got {str(value)[:40]!r}")


def _is_lines(handle: TextIO, path: Path) -> bool:
    """Whether each line is a row: not in a list, and under the name .json only where the first line is a whole object."""
    first = ""
    while not first and (line := handle.readline(MAX_ROW)):
        first = line.strip().lstrip("\ufeff")
    if first.startswith("["):
        return False
    if path.suffix.lower() != ".json":
        return True
    try:
        return isinstance(json_value(first), dict)
    except ImageError:
        return False
