"""Sealed shards: rows to Parquet files of bounded size, in order, with the hashes that identify them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.storage.atomic import write_bytes

ROWS_PER_GROUP = 64
"""Reading one sample at random reads one row group."""
BYTES_PER_GROUP = 4 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One sealed file, as the manifest lists it."""

    file: str
    rows: int
    bytes: int
    md5: str
    """DVC's key of the file."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A shard's bytes."""

    rows: int
    data: bytes

    def write(self, path: Path) -> Shard:
        """Put it there and describe it."""
        write_bytes(path, self.data)
        return Shard(
            file=path.name,
            rows=self.rows,
            bytes=len(self.data),
            md5=hashlib.md5(self.data, usedforsecurity=False).hexdigest(),
            sha256=hashlib.sha256(self.data).hexdigest(),
        )


class ShardWriter:
    """Takes rows one by one and seals a shard whenever the next row would pass `max_bytes`.

    Where shards are cut depends on the rows alone; a row that is longer by itself is a shard of its own. `close` seals
    the last one; without any row there is none.
    """

    def __init__(self, schema: pa.Schema, max_bytes: int) -> None:
        self._schema, self._max_bytes = schema, max_bytes
        self._group: list[Mapping[str, object]] = []
        self._group_bytes = self._shard_bytes = self._rows = 0
        self._out = BytesIO()
        self._writer: pq.ParquetWriter | None = None
        self._sealed: list[Sealed] = []

    def add(self, row: Mapping[str, object]) -> None:
        """Append the row."""
        size = payload_bytes(row)
        if self._shard_bytes and self._shard_bytes + size > self._max_bytes:
            self._seal()
        if len(self._group) >= ROWS_PER_GROUP or self._group_bytes + size > BYTES_PER_GROUP:
            self._flush()
        self._group.append(row)
        self._group_bytes += size
        self._shard_bytes += size

    def take(self) -> list[Sealed]:
        """The shards that were sealed since the last call."""
        sealed, self._sealed = self._sealed, []
        return sealed

    def close(self) -> list[Sealed]:
        """Seal what is open; what `take` returns after that."""
        if self._group or self._writer:
            self._seal()
        return self.take()

    def _flush(self) -> None:
        if self._writer is None:
            # A dictionary of this size holds an image once for all samples of a group that show it.
            self._writer = pq.ParquetWriter(
                self._out,
                self._schema,
                compression="zstd",
                write_statistics=False,
                dictionary_pagesize_limit=BYTES_PER_GROUP,
            )
        if self._group:
            self._writer.write_table(pa.Table.from_pylist(self._group, schema=self._schema))
        self._rows += len(self._group)
        self._group, self._group_bytes = [], 0

    def _seal(self) -> None:
        self._flush()
        assert self._writer is not None
        self._writer.close()
        self._sealed.append(Sealed(self._rows, self._out.getvalue()))
        self._out, self._writer, self._shard_bytes, self._rows = BytesIO(), None, 0, 0


def seal_rows(rows: Iterable[Mapping[str, object]], schema: pa.Schema, max_bytes: int) -> Iterator[Sealed]:
    """The rows, in the order given, as shards, one in memory at a time; one empty shard where there are no rows."""
    writer, has_rows = ShardWriter(schema, max_bytes), False
    for row in rows:
        writer.add(row)
        has_rows = True
        yield from writer.take()
    yield from writer.close() if has_rows else (empty_shard(schema),)


def empty_shard(schema: pa.Schema) -> Sealed:
    """A shard without rows: what a kind has that nothing belongs to."""
    out = BytesIO()
    pq.write_table(schema.empty_table(), out)
    return Sealed(0, out.getvalue())


def write_shards(
    rows: Iterable[Mapping[str, object]], schema: pa.Schema, folder: Path, prefix: str, max_bytes: int
) -> tuple[Shard, ...]:
    """Seal the rows, in the order given, as `<prefix>-00000.parquet`, … in the folder (which must exist)."""
    sealed = seal_rows(rows, schema, max_bytes)
    return tuple(shard.write(shard_path(folder, prefix, number)) for number, shard in enumerate(sealed))


def shard_path(folder: Path, prefix: str, number: int) -> Path:
    """Where the shard of that number lies."""
    return folder / f"{prefix}-{number:05d}.parquet"


def payload_bytes(value: object) -> int:
    """Bytes of texts and images inside the value, whatever its nesting; numbers count as eight."""
    match value:
        case bytes():
            return len(value)
        case str():
            return len(value.encode())
        case Mapping():
            return sum(payload_bytes(inner) for inner in value.values())
        case list() | tuple():
            return sum(payload_bytes(inner) for inner in value)
        case None:
            return 0
    return 8
