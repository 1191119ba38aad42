"""Parquet files whose sizes lie: in the footer, in the headers of their pages, in their dictionaries and offsets."""

import io
import struct
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.cases import KEPT, Case, one, several
from tests.faults.hostile_pictures import MIB

_BINARY, _LIST, _STRUCT = 8, 9, 12
ROWS, GROUPS, SCHEMA, COLUMNS = 3, 4, 2, 1
"""Fields of the footer and of a row group."""
Path = Sequence[int]
"""Numbers of fields and places in lists that lead to a value."""


def rows(count: int = 3, **columns: object) -> pa.Table:
    said = {"question": "Is there a fracture?", "answer": "No", "licence": "ours"}
    return pa.table({name: [value] * count for name, value in said.items()} | columns)


def written(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **({"compression": "zstd", "write_statistics": False} | options))
    return out.getvalue()


def with_footer(data: bytes, *changes: tuple[Path, int]) -> bytes:
    """The file with other numbers in its footer."""
    start, footer = _parts(data)
    for path, value in changes:
        footer = replaced(footer, path, value)
    return _joined(data[:start], footer)


def with_page(data: bytes, path: Path, value: int, column: int = 0) -> bytes:
    """The file, of which only one column is left to be found whole, with another number in that one's first header."""
    start, footer = _parts(data)
    at = _number(footer, (GROUPS, 0, COLUMNS, column, 3, 11))
    changed = replaced(data[at:start], path, value)
    grown = len(changed) - (start - at)
    size = (GROUPS, 0, COLUMNS, column, 3, 7)
    return _joined(data[:at] + changed, replaced(footer, size, _number(footer, size) + grown))


def replaced(data: bytes, path: Path, value: int) -> bytes:
    """The struct with another number at the path: nothing in it knows how long it is."""
    start, end = _place(data, path)
    return data[:start] + _varint(value << 1 ^ value >> 63) + data[end:]


def _parts(data: bytes) -> tuple[int, bytes]:
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    return start, data[start:-8]


def _joined(pages: bytes, footer: bytes) -> bytes:
    return pages + footer + struct.pack("<I", len(footer)) + b"PAR1"


def _number(data: bytes, path: Path) -> int:
    value, _ = _read_varint(data, _place(data, path)[0])
    return value >> 1 ^ -(value & 1)


def _place(data: bytes, path: Path) -> tuple[int, int]:
    """(start, end) of the number at the path in a struct in Thrift's compact encoding."""
    at, kind = 0, _STRUCT
    for step in path:
        if kind == _LIST:
            (count, inner), at = _list_head(data, at)
            assert step < count
            for _ in range(step):
                at = _skip(data, at, inner)
            kind = inner
            continue
        number = 0
        while number != step:
            header = data[at]
            assert header, f"no field {step}"
            number, kind, at = number + (header >> 4), header & 15, at + 1
            if number != step:
                at = _skip(data, at, kind)
    return at, _read_varint(data, at)[1]


def _skip(data: bytes, at: int, kind: int) -> int:
    if kind in (1, 2):
        return at
    if kind == _BINARY:
        length, at = _read_varint(data, at)
        return at + length
    if kind == _LIST:
        (count, inner), at = _list_head(data, at)
        for _ in range(count):
            at = _skip(data, at, inner)
        return at
    if kind == _STRUCT:
        while header := data[at]:
            at = _skip(data, at + 1, header & 15)
        return at + 1
    return _read_varint(data, at)[1]


def _list_head(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    count, kind = data[at] >> 4, data[at] & 15
    if count < 15:
        return (count, kind), at + 1
    count, at = _read_varint(data, at + 1)
    return (count, kind), at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _bomb(plain: int, told: int) -> bytes:
    """A dictionary of so many bytes of which the footer says that they are few."""
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 64, pa.int32()), pa.array(["x" * plain]))
    data = written(rows(64, answer=once), dictionary_pagesize_limit=2**30)
    return with_footer(data, ((GROUPS, 0, COLUMNS, 1, 3, 6), told), ((GROUPS, 0, 2), told))


def _beginnings(length: int) -> bytes:
    """Texts that are all the same, of which only the first is written."""
    return written(
        rows(64, answer=pa.array(["x" * length] * 64)),
        use_dictionary=False,
        column_encoding={"answer": "DELTA_BYTE_ARRAY"},
    )


def _lengths_that_lie() -> bytes:
    """A column of texts, written as they are, whose first says that it has 2 GiB."""
    data = written(rows(answer=["No-such-text"] * 3), compression="none", use_dictionary=False)
    text = struct.pack("<I", 12) + b"No-such-text"
    assert data.count(text) == 3
    return data.replace(text, struct.pack("<I", 2**31 - 1) + text[4:], 1)


def _overlapping() -> bytes:
    """A hundred columns that are all the same megabyte."""
    texts = np.random.default_rng(1).bytes(MIB).hex()
    data = written(rows(1, **{f"c{n}": [texts if n == 0 else "x"] for n in range(100)}), use_dictionary=False)
    first = (GROUPS, 0, COLUMNS, 3, 3)
    _, footer = _parts(data)
    changes = [
        ((GROUPS, 0, COLUMNS, number, 3, field), _number(footer, (*first, field)))
        for number in range(3, 103)
        for field in (6, 7, 9)
    ]
    return with_footer(data, *changes)


def _schema(change: Callable[[bytes], bytes]) -> bytes:
    """A file whose note of its Arrow schema is another one, as long as it was."""
    import base64

    data = written(rows())
    at = data.index(b"ARROW:schema") + len(b"ARROW:schema")
    start = data.index(b"/////", at)
    end = next(n for n in range(start, len(data)) if data[n : n + 1] not in _BASE64)
    end -= (end - start) % 4
    note = change(base64.b64decode(data[start:end]))
    return data[:start] + base64.b64encode(note).ljust(end - start, b"=")[: end - start] + data[end:]


_BASE64 = {bytes([letter]) for letter in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="}


def _deep(levels: int) -> bytes:
    """A schema of so many structs in each other."""
    group = bytes([0x35, 0x00, 0x18, 0x01]) + b"g" + bytes([0x15, 0x02, 0x00])
    count = levels + 1
    head = bytes([0x15, 0x04, 0x19, 0xFC]) + _varint(count)
    leaf = bytes([0x15, 0x0C, 0x25, 0x00, 0x18, 0x01]) + b"x" + bytes([0x00])
    rest = bytes([0x16, 0x00, 0x19, 0x0C, 0x00])
    return _joined(b"PAR1", head + group * levels + leaf + rest)


def _tiny_pages() -> bytes:
    return written(rows(200_000), data_page_size=1, write_batch_size=1, use_dictionary=False, compression="none")


def _case(make: Callable[[], bytes], reason: str = "not Parquet") -> Case:
    return one("parquet", "a.parquet", make, reason)


def _number_case(path: Path, value: int, reason: str = "not Parquet") -> Case:
    return _case(lambda: with_footer(written(rows()), (path, value)), reason)


def _page_case(path: Path, value: int, reason: str = "not Parquet") -> Case:
    return _case(lambda: with_page(written(rows()), path, value, column=2), reason)


_LAST = (GROUPS, 0, COLUMNS, 2, 3)
PARQUET: dict[str, Case] = {
    "Parquet, page of 2 GiB": _page_case((2,), 2**31 - 1, "too large"),
    "Parquet, page of -1 bytes": _page_case((2,), -1),
    "Parquet, page of -1 bytes in the file": _page_case((3,), -1),
    "Parquet, page longer than its column": _page_case((3,), 2**30),
    "Parquet, dictionary of 2 147 483 647 entries": _page_case((7, 1), 2**31 - 1),
    "Parquet, dictionary of -1 entries": _page_case((7, 1), -1),
    "Parquet, 9 000 000 000 000 000 000 rows": _number_case((ROWS,), 9 * 10**18),
    "Parquet, -3 rows": _number_case((ROWS,), -3),
    "Parquet, rows of a group and of the file lie": _case(
        lambda: with_footer(written(rows()), ((ROWS,), 10**15), ((GROUPS, 0, 3), 10**15))
    ),
    "Parquet, rows and values lie alike": _case(
        lambda: with_footer(
            written(rows()),
            *[(path, 10**15) for path in ((ROWS,), (GROUPS, 0, 3))],
            *[((GROUPS, 0, COLUMNS, n, 3, 5), 10**15) for n in range(3)],
        )
    ),
    "Parquet, -1 values": _number_case((*_LAST, 5), -1),
    "Parquet, 2**62 values": _number_case((*_LAST, 5), 2**62),
    "Parquet, column of 2**62 bytes": _number_case((*_LAST, 7), 2**62),
    "Parquet, column of -1 bytes": _number_case((*_LAST, 7), -1),
    "Parquet, column before the file": _number_case((*_LAST, 9), -(2**40)),
    "Parquet, column behind the file": _number_case((*_LAST, 11), 2**40),
    "Parquet, schema of 2**31 - 1 children": _number_case((SCHEMA, 0, 5), 2**31 - 1),
    "Parquet, schema of -1 children": _number_case((SCHEMA, 0, 5), -1),
    "Parquet, schema 50 000 deep": _case(lambda: _deep(50_000)),
    "Parquet, dictionary bomb of 1 GiB": _case(lambda: _bomb(2**30 - MIB, 100), "too large"),
    "Parquet, dictionary of 60 MiB for 64 rows": several(
        "parquet", {"a.parquet": lambda: _bomb(60 * MIB, 100)}, {"too large": 2}
    ),
    "Parquet, beginning of 20 MiB for 30 rows": several(
        "parquet", {"a.parquet": lambda: _beginnings(20 * MIB)}, {"too large": 4}
    ),
    "Parquet, columns that are one another": _case(_overlapping),
    "Parquet, a text of 2 GiB in 40 bytes": _case(_lengths_that_lie),
    "Parquet, footer of 2 GiB": _case(lambda: written(rows())[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1"),
    "Parquet, footer of 4 000 000 structs": _case(
        lambda: _joined(b"PAR1", bytes([0x15, 0x04, 0x19, 0xFC]) + _varint(4_000_000) + bytes(4_000_001)), "too large"
    ),
    "Parquet, 600 000 pages": _case(_tiny_pages, "too large"),
    "Parquet, Arrow schema cut": _case(lambda: _schema(lambda note: note[: len(note) // 2])),
    "Parquet, Arrow schema that lies": _case(lambda: _schema(lambda note: note[:40] + b"\xff" * 8 + note[48:])),
}
HARMLESS_PARQUET: dict[str, Case] = {"parquet": one("parquet", "a.parquet", lambda: written(rows(1)), KEPT)}
