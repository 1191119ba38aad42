"""What a Parquet file says of its sizes, held against its bytes before it is read: a footer and a page's header may lie.

Arrow believes them. It takes memory for what a page's header promises, and it writes out a dictionary's entry for each row
that names it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from components.images.limits import ImageError, check_packed
from components.sources.reading.thrift import MOST_VALUES, Reader, Struct

MOST_ROWS = 64
"""Rows in memory at a time: they may hold images."""
_BATCH_BYTES = 128 * 2**20
"""Of the entries of dictionaries that those rows may name."""
_MOST_PAGES, _BYTES_A_PAGE = 30_000, 2**12
"""Pages of any file, and one more for so many of its bytes: thousands of row groups of a thousand rows are honest."""
_BYTES_A_VALUE = 256
"""One value more in the footer for so many of the file's bytes: a large file may have many row groups."""
_MAGIC, _LONGEST_FOOTER, _LONGEST_HEADER = b"PAR1", 64 * 2**20, 2**16
_DEEPEST = 32
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_HEADERS = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
"""Kind of page -> field of its header that counts its values."""
_COMMON_BEGINNINGS = 7
"""The encoding of texts that begin as the one before."""
_REPEATED = 2
_VALUE_BYTES = 8
"""What a value of a list takes at least."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of one row group."""

    start: int
    packed: int
    """Bytes in the file, headers of pages and all."""
    values: int
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class _Pages:
    """The pages of one column of one row group."""

    count: int
    plain: int
    """Bytes when all is unpacked."""
    shared: int
    """Bytes of the longest page whose values are written out again for each row: a dictionary, common beginnings."""


def rows_at_once(path: Path) -> int:
    """How many rows of the file may be read at a time, at most MOST_ROWS.

    Raises ImageError: 'not Parquet' where its sizes contradict each other or its bytes, 'too large' where it is small on
    disk and fills memory.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        footer, end = _footer(handle, size)
        columns = list(_columns(footer, end))
        if sum(column.packed for column in columns) > end:
            raise _broken("its columns have more bytes than the file: they overlap")
        left = _MOST_PAGES + size // _BYTES_A_PAGE
        shared = plain = 0
        for column in columns:
            pages = _pages(handle, column, left)
            left -= pages.count
            plain += pages.plain
            shared = max(shared, pages.shared)
    check_packed(size, plain, "the table")
    return max(1, min(MOST_ROWS, _BATCH_BYTES // max(1, shared)))


def _footer(handle: BinaryIO, size: int) -> tuple[Struct, int]:
    """(footer, where it begins)."""
    handle.seek(max(0, size - 8))
    tail = handle.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length > min(size - 12, _LONGEST_FOOTER):
        raise _broken("the footer is missing or longer than the file")
    handle.seek(size - 8 - length)
    return Reader(handle.read(length), MOST_VALUES + size // _BYTES_A_VALUE).struct(), size - 8 - length


def _columns(footer: Struct, end: int) -> Iterator[_Column]:
    leaves = list(_leaves(_structs(footer, 2)))
    groups = _structs(footer, 4)
    if sum(_count(group, 3, "rows of a row group") for group in groups) != _count(footer, 3, "rows"):
        raise _broken("its row groups have another number of rows than the file")
    for group in groups:
        rows, chunks = group[3], _structs(group, 1)
        if len(chunks) != len(leaves):
            raise _broken(f"a row group has {len(chunks)} columns, the file {len(leaves)}")
        if not rows:
            continue  # nothing of it is read, and writers put any places there
        for chunk, is_repeated in zip(chunks, leaves, strict=True):
            described = chunk.get(3)
            if chunk.get(1) or not isinstance(described, dict):
                raise _broken("a column lies in another file")
            data = _count(described, 9, "place of a page")
            dictionary = described.get(11, 0)
            start = dictionary if isinstance(dictionary, int) and 0 < dictionary < data else data
            packed, values = (_count(described, field, what) for field, what in ((7, "bytes"), (5, "values")))
            if not len(_MAGIC) <= start <= start + packed <= end:
                raise _broken(f"a column of {packed} bytes at {start} lies outside the file")
            if not is_repeated and values != rows:
                raise _broken(f"a column has {values} values for {rows} rows")
            yield _Column(start, packed, values, is_repeated)


def _leaves(schema: Sequence[Struct]) -> Iterator[bool]:
    """Of each column whether a row may have several values in it."""
    open_nodes = [[1, False]]  # children that are still to come, whether they repeat
    for element in schema:
        while open_nodes and not open_nodes[-1][0]:
            open_nodes.pop()
        if not open_nodes or len(open_nodes) > _DEEPEST:
            raise _broken("its schema is no tree, or a deep one")
        open_nodes[-1][0] -= 1
        is_repeated = bool(open_nodes[-1][1] or element.get(3) == _REPEATED)
        if 1 in element:  # a type: it holds values
            yield is_repeated
        else:
            open_nodes.append([_count(element, 5, "children"), is_repeated])
    if any(left for left, _ in open_nodes):
        raise _broken("its schema breaks off")


def _pages(handle: BinaryIO, column: _Column, most: int) -> _Pages:
    """The column's pages. Raises ImageError, 'too large', for more than `most`."""
    plain = shared = found = count = 0
    at, end = column.start, column.start + column.packed
    while at < end:
        handle.seek(at)
        reader = Reader(handle.read(min(_LONGEST_HEADER, end - at)))
        header = reader.struct()
        at += reader.at
        count += 1
        if count > most:
            raise ImageError("too large", "pages of a few bytes each; write them of a megabyte")
        packed, unpacked = (_count(header, field, "bytes of a page") for field in (3, 2))
        if packed > end - at:
            raise _broken(f"a page of {packed} bytes in a column that has {end - at} left")
        at += packed
        check_packed(packed, unpacked, "a page")
        plain += unpacked
        kind = header.get(1)
        if kind not in _HEADERS:
            continue  # an index
        described = header.get(_HEADERS[kind])
        if not isinstance(described, dict):
            raise _broken("a page without its header")
        values = _count(described, 1, "values of a page")
        if kind == _DICTIONARY or described.get(4 if kind == _DATA_V2 else 2) == _COMMON_BEGINNINGS:
            shared = max(shared, unpacked)
        if kind != _DICTIONARY:
            found += values
    if found != column.values:
        raise _broken(f"the pages of a column hold {found} values, its footer says {column.values}")
    return _Pages(count, max(plain, _VALUE_BYTES * found if column.is_repeated else 0), shared)


def _structs(found: Struct, field: int) -> list[Struct]:
    values = found.get(field)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise _broken(f"the footer lacks its part {field}")
    return values


def _count(found: Struct, field: int, what: str) -> int:
    value = found.get(field)
    if not isinstance(value, int) or value < 0:
        raise _broken(f"the {what} are {value}")
    return value


def _broken(what: str) -> ImageError:
    return ImageError("not Parquet", f"{what}; it was cut off or changed: write it anew")
