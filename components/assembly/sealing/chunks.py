"""An assembly in progress: sealed chunks in .unimed/assembly/, so that a killed one goes on at the chunk it had reached."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from typing import Any

import pyarrow.parquet as pq

from components.assembly.sealing.seal import COLUMNS, Chunk, Tally
from components.records.benchmark import BenchmarkItem
from components.records.schema import benchmark_from_row
from components.records.shards import Shard, empty_shard, seal_rows, shard_path
from components.storage.atomic import TEMPORARY, atomic_folder, read_json, write_bytes, write_json

_DESCRIPTION, _TALLY = "chunk.json", "tally.json"
QUESTIONS = ("benchmark", "exam")
KINDS = {
    **{name: ("samples", name) for name in ("train", "val", "heldout")},
    "images": ("images", "all"),
    **{name: (name, name) for name in QUESTIONS},
}
"""What a shard's name begins with -> (kind, split) as the manifest lists it."""


class Chunks:
    """The chunks of one assembly, in order. `key` says what it is made of: another assembly's chunks are thrown away."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder / key
        if folder.is_dir():
            for other in folder.iterdir():
                if other != self._folder:
                    _discard(other)
        self._described: list[dict[str, Any]] = []
        while (found := self._path(len(self._described)) / _DESCRIPTION).is_file():
            self._described.append(read_json(found))  # type: ignore[arg-type]

    @property
    def records(self) -> int:
        """How many records, from the first on, are sealed."""
        return sum(described["records"] for described in self._described)

    def put(self, chunk: Chunk) -> None:
        """The next chunk; it is there whole or not at all."""
        with atomic_folder(self._path(len(self._described))) as folder:
            shards = {
                name: [asdict(one.write(shard_path(folder, name, number))) for number, one in enumerate(sealed)]
                for name, sealed in chunk.shards.items()
            }
            described = {"records": chunk.records, "shards": shards}
            write_json(folder / _TALLY, chunk.tally.to_json())
            write_json(folder / _DESCRIPTION, described)
        self._described.append(described)

    def tally(self) -> Tally:
        """Of all chunks."""
        whole = Tally()
        for number in range(len(self._described)):
            whole.join(read_json(self._path(number) / _TALLY))  # type: ignore[arg-type]
        return whole

    def publish(
        self, folder: Path, max_bytes: int
    ) -> tuple[list[tuple[str, str, Shard]], dict[str, list[BenchmarkItem]]]:
        """Every chunk's shards, numbered through, into the data set's folder: (kind, split, shard) of each; and the items
        of `benchmark` and `exam` in the order of their ids, which are sealed anew."""
        listed: list[tuple[str, str, Shard]] = []
        numbers = Counter[str]()
        for name, path, described in self._shards():
            if name not in QUESTIONS:
                placed = shard_path(folder, name, numbers[name])
                _link(path, placed)
                listed.append((*KINDS[name], Shard(**{**described, "file": placed.name})))
                numbers[name] += 1
        items: dict[str, list[BenchmarkItem]] = {}
        for asked in QUESTIONS:
            paths = [path for name, path, _ in self._shards() if name == asked]
            rows = [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
            rows.sort(key=lambda row: row["item_id"])
            for sealed in seal_rows(rows, COLUMNS[asked], max_bytes):
                listed.append((*KINDS[asked], sealed.write(shard_path(folder, asked, numbers[asked]))))
                numbers[asked] += 1
            items[asked] = [benchmark_from_row(row) for row in rows]
        for name in COLUMNS.keys() - numbers.keys():
            listed.append((*KINDS[name], empty_shard(COLUMNS[name]).write(shard_path(folder, name, 0))))
        return listed, items

    def forget(self) -> None:
        """Remove them: the data set is there."""
        _discard(self._folder)

    def _shards(self) -> Iterator[tuple[str, Path, dict[str, Any]]]:
        for number, described in enumerate(self._described):
            for name, shards in described["shards"].items():
                for shard in shards:
                    yield name, self._path(number) / shard["file"], shard

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}"


def _discard(path: Path) -> None:
    """Remove it; what a kill leaves of it has a name that nobody reads, and the next assembly or `unimed gc` sweeps it."""
    if path.exists():
        away = path.with_name(f"{TEMPORARY}{path.name.removeprefix(TEMPORARY)}")
        path.replace(away)
        rmtree(away) if away.is_dir() else away.unlink()


def _link(path: Path, placed: Path) -> None:
    try:
        placed.hardlink_to(path)
    except OSError:  # another file system
        write_bytes(placed, path.read_bytes())
