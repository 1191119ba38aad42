"""The sealed data set as training, judge, prediction and evaluation read it: by index, one row group at a time."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.records.benchmark import BenchmarkItem
from components.records.sample import Clinical, Sample, Text
from components.records.schema import SCHEMA_VERSION, benchmark_from_row, sample_from_row
from components.records.vocabulary import ImageRole, Modality, Split
from components.storage.atomic import read_json
from components.storage.byte_cache import ByteCache

CACHE_BYTES = 256 * 2**20
"""Row groups that one index keeps in memory."""
OPEN_FILES = 16
"""Shards that one index keeps open: reading a shard's footer takes as long as reading a row group."""
BATCH_ROWS = 1024
"""Rows whose columns are read together."""

TRAINED_ON = ("samples", "train")
"""Kind and split of the shards that a stage of the curriculum reads."""

IMAGE_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "source", "split", "patient_key", "modality", "anatomy")]
    + [("facts", pa.map_(pa.string(), pa.string())), ("image", pa.binary()), ("sha256", pa.string())]
    + [("targets", pa.map_(pa.string(), pa.binary()))],
    metadata={"unimed_schema": SCHEMA_VERSION},
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageShape:
    """An image of a conversation without its bytes: what a planner of lengths needs."""

    role: ImageRole
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledImage:
    """One stored image of a record and what is known of it: for the judge, the autoencoder and the vision warm-up."""

    id: str
    source: str
    split: Split
    patient_key: str
    modality: Modality
    anatomy: str
    facts: Mapping[str, str]
    image: bytes
    """PNG or JPEG."""
    sha256: str
    """Of those bytes."""
    targets: Mapping[str, bytes]
    """Paired images of the same place (same size): grey_matter, white_matter, organ_map, haematoxylin."""


class Dataset:
    """A sealed data set in a folder. Opening reads the manifest and checks that every shard is there, in size."""

    def __init__(self, folder: Path, *, only: tuple[str, str] | None = None) -> None:
        """Raises ValueError when the manifest is missing, of another schema, or a shard is missing or cut; of a folder that
        holds no more than the shards of one (kind, split), those are looked at."""
        self.folder = folder
        self.manifest: dict[str, Any] = read_json(folder / "manifest.json")  # type: ignore[assignment]
        if self.manifest["schema"] != SCHEMA_VERSION:
            raise ValueError(
                f"{folder} has data schema {self.manifest['schema']}, this code reads {SCHEMA_VERSION}; "
                "run `unimed retrain` to assemble it again"
            )
        self._shards = [s for s in self.manifest["shards"] if only in (None, (s["kind"], s["split"]))]
        for shard in self._shards:
            path = folder / shard["file"]
            size = path.stat().st_size if path.is_file() else None
            if size != shard["bytes"]:
                raise ValueError(
                    f"{path} has {size} bytes, the manifest says {shard['bytes']}; `dvc checkout` brings it back"
                )

    @property
    def dataset_id(self) -> str:
        """Hash of content alone."""
        return self.manifest["dataset_id"]

    def samples(self, split: str = "train") -> "SampleIndex":
        """The conversations of `train`, `val` (within-val too) or `heldout` (both held-out splits: one caption sample an image)."""
        return SampleIndex(self._files("samples", split))

    def images(self, *splits: str) -> "ImageIndex":
        """Every distinct stored image of the splits (values of Split; none named: all), by id."""
        return ImageIndex(self._files("images", "all"), splits)

    def facts(self) -> dict[str, dict[str, str]]:
        """Id -> facts of every record whose image is stored; no image is read."""
        table = _Rows(self._files("images", "all")).columns(("id", "facts"))
        return {row["id"]: dict(row["facts"]) for row in table.to_pylist()}

    def benchmark(self) -> list[BenchmarkItem]:
        """Every item about the validation side with its images, by item id."""
        return self._items("benchmark")

    def exam(self) -> list[BenchmarkItem]:
        """Every item about the held-out side with its images, by item id, as today's assembly asks it."""
        return self._items("exam")

    def _items(self, kind: str) -> list[BenchmarkItem]:
        tables = [pq.ParquetFile(path).read() for path in self._files(kind, kind)]
        return [benchmark_from_row(row) for table in tables for row in table.to_pylist()]

    def _files(self, kind: str, split: str) -> list[Path]:
        found = [s["file"] for s in self._shards if s["kind"] == kind and s["split"] == split]
        if not found:
            known = sorted({s["split"] for s in self._shards if s["kind"] == kind})
            raise ValueError(f"{self.folder} has no {kind} of split {split!r}; known: {', '.join(known)}")
        return [self.folder / file for file in found]


class _Rows:
    """Rows of several Parquet files by one running number; loaded row groups are kept up to CACHE_BYTES."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = list(files)
        self._groups: list[tuple[Path, int]] = []
        self._starts: list[int] = []
        self._cache: ByteCache[int, pa.Table] = ByteCache(CACHE_BYTES, attrgetter("nbytes"))
        self._opened: ByteCache[Path, pq.ParquetFile] = ByteCache(OPEN_FILES, _each)
        count = 0
        for path in self._files:
            metadata = pq.read_metadata(path)
            for group in range(metadata.num_row_groups):
                self._groups.append((path, group))
                self._starts.append(count)
                count += metadata.row_group(group).num_rows
        self._count = count

    def __len__(self) -> int:
        return self._count

    def row(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self._count:
            raise IndexError(f"row {index} of {self._count}")
        group = bisect_right(self._starts, index) - 1
        return self._table(group).slice(index - self._starts[group], 1).to_pylist()[0]

    def columns(self, names: Sequence[str]) -> pa.Table:
        return pa.concat_tables([pq.ParquetFile(path).read(columns=list(names)) for path in self._files])

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The columns, BATCH_ROWS rows at a time."""
        for path in self._files:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(BATCH_ROWS, columns=list(names), use_threads=False)

    def _table(self, group: int) -> pa.Table:
        path, number = self._groups[group]
        return self._cache.get_or_make(group, lambda: self._open(path).read_row_group(number, use_threads=False))

    def _open(self, path: Path) -> pq.ParquetFile:
        return self._opened.get_or_make(path, lambda: pq.ParquetFile(path))


def _each(_: pq.ParquetFile) -> int:
    return 1


Layout = tuple[Text | Clinical | ImageShape, ...]
"""The pieces of a conversation in order, each image as its shape: enough to count tokens."""


class SampleIndex:
    """Conversations by number, in the order of their ids; a column is read when it is asked for, without an image."""

    _LAYOUT = ("kind", "text", "supervised", "fields", "role", "width", "height")

    def __init__(self, files: Sequence[Path]) -> None:
        self._rows = _Rows(files)

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return self.column("id")

    def read(self, index: int) -> Sample:
        """The whole conversation, images included."""
        return sample_from_row(self._rows.row(index))

    def read_with_layout(self, index: int) -> tuple[Sample, Layout]:
        """The whole conversation, and its layout."""
        row = self._rows.row(index)
        return sample_from_row(row), tuple(map(_piece_layout, row["pieces"]))

    def __iter__(self) -> Iterator[Sample]:
        return (self.read(index) for index in range(len(self)))

    def layouts(self) -> Iterator[tuple[str, str, str, Layout]]:
        """Id, group, source and layout of every conversation in order; a few are in memory at a time, no image is read."""
        names = ["id", "group", "source", *(f"pieces.list.element.{name}" for name in self._LAYOUT)]
        for batch in self._rows.batches(names):
            for row in batch.to_pylist():
                yield row["id"], row["group"], row["source"], tuple(map(_piece_layout, row["pieces"]))

    def column(self, name: str) -> tuple[str, ...]:
        """A column of texts: id, group, task, source, modality, patient_key or split of every conversation."""
        return tuple(self._rows.columns((name,)).column(name).to_pylist())


class ImageIndex:
    """Distinct stored images by number, in the order of their records' ids."""

    def __init__(self, files: Sequence[Path], splits: Sequence[str] = ()) -> None:
        self._rows = _Rows(files)
        known = {split.value for split in Split}
        if unknown := sorted(set(splits) - known):
            raise ValueError(f"unknown splits {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        table = self._rows.columns(("id", "split"))
        chosen = [
            (number, identity)
            for number, (identity, split) in enumerate(
                zip(table.column("id").to_pylist(), table.column("split").to_pylist(), strict=True)
            )
            if not splits or split in splits
        ]
        self._numbers = [number for number, _ in chosen]
        self.ids: tuple[str, ...] = tuple(identity for _, identity in chosen)

    def __len__(self) -> int:
        return len(self._numbers)

    def read(self, index: int) -> LabelledImage:
        """The image with its facts and targets."""
        row = self._rows.row(self._numbers[index])
        typed = {"split": Split(row["split"]), "modality": Modality(row["modality"])}
        return LabelledImage(**{**row, **typed, "facts": dict(row["facts"]), "targets": dict(row["targets"])})

    def __iter__(self) -> Iterator[LabelledImage]:
        return (self.read(index) for index in range(len(self)))


def _piece_layout(row: dict[str, Any]) -> Text | Clinical | ImageShape:
    match row["kind"]:
        case "text":
            return Text(text=row["text"], supervised=row["supervised"])
        case "clinical":
            return Clinical(fields=dict(row["fields"]))
    return ImageShape(role=ImageRole(row["role"]), width=row["width"], height=row["height"])
