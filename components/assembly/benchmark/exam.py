"""The exam: questions about held-out records that are frozen once asked. A later version contains the earlier one, and an
item leaves by name and reason only: when its record is no longer held out."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from components.assembly.benchmark.item import item_hash
from components.records.benchmark import BenchmarkItem
from components.records.schema import BENCHMARK_SCHEMA, benchmark_from_row, benchmark_row
from components.records.shards import write_shards
from components.storage.atomic import atomic_folder, read_object, write_json
from components.storage.keys import keyed_hash

MANIFEST = "manifest.json"
SCHEMA = 1
PREFIX = "exam"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exam:
    """One version. Version 0 asks nothing: no model was registered yet."""

    version: int = 0
    items: tuple[BenchmarkItem, ...] = ()
    """By id, each as it was when it came in."""
    since: Mapping[str, int]
    """Item id -> the version that it came in with."""
    records: frozenset[str] = frozenset()
    """Held-out records that were looked at, whether or not something is asked about them."""
    cells: frozenset[str] = frozenset()
    """Kinds of questions that were looked at: `vqa/modality/choice`."""
    lost: Mapping[str, str]
    """Item id -> why it left."""
    versions: tuple[Mapping[str, object], ...] = ()
    """{version, id, items} of each version, the first one first."""

    @property
    def id(self) -> str:
        """Hash of its items' hashes."""
        return exam_id(self.items)

    @property
    def parts(self) -> dict[str, str]:
        """Benchmark/split -> hash of its sorted items."""
        found: dict[str, list[str]] = {}
        for item in self.items:
            found.setdefault(f"{item.benchmark}/{item.split.value}", []).append(item_hash(item))
        return {name: keyed_hash(*sorted(hashes), digest_bytes=32) for name, hashes in sorted(found.items())}


NONE = Exam(since={}, lost={})


def exam_id(items: Iterable[BenchmarkItem]) -> str:
    """Hash of the items' hashes, whatever their order."""
    return keyed_hash(*sorted(map(item_hash, items)), digest_bytes=16)


def cell(item: BenchmarkItem) -> str:
    """The kind of question that an item is."""
    return f"{item.benchmark}/{item.question_type}/{item.answer_type}"


def grown(
    before: Exam,
    candidates: Collection[BenchmarkItem],
    held_out: Collection[str],
    why_gone: Callable[[str], str],
) -> Exam:
    """The exam that follows: what `before` asks about records that are still held out, as it was frozen, and the
    candidates about records or of kinds that it did not know. The same exam where nothing comes or goes.

    `held_out` are the ids of today's held-out records; `why_gone` says of another record where it went.
    """
    now = frozenset(held_out)
    stay = [item for item in before.items if item.record_id in now]
    gone = {item.item_id: why_gone(item.record_id) for item in before.items if item.record_id not in now}
    known = before.records & now  # a record that comes back is a new one: its old items are gone
    new = [item for item in candidates if item.record_id not in known or cell(item) not in before.cells]
    kept = {item.item_id for item in stay}
    new = [item for item in new if item.item_id not in kept]
    if not new and not gone:
        return before
    version = before.version + 1
    items = tuple(sorted([*stay, *new], key=lambda item: item.item_id))
    lost = {**before.lost, **gone}
    return Exam(
        version=version,
        items=items,
        since={item.item_id: before.since[item.item_id] if item.item_id in kept else version for item in items},
        records=now,
        cells=before.cells | {cell(item) for item in candidates},
        lost={name: why for name, why in sorted(lost.items()) if name not in {item.item_id for item in new}},
        versions=(*before.versions, {"version": version, "id": exam_id(items), "items": len(items)}),
    )


def read_exam(folder: Path) -> Exam:
    """The frozen exam in the folder, NONE where there is none yet. Raises ValueError, naming the item, where one is not
    what it was when it came in."""
    if not (folder / MANIFEST).is_file():
        return NONE
    manifest = read_object(folder / MANIFEST)
    if manifest.get("schema") != SCHEMA:
        raise ValueError(f"{folder} holds an exam of schema {manifest.get('schema')}, this code reads {SCHEMA}")
    rows = [row for file in manifest["files"] for row in pq.ParquetFile(folder / file).read().to_pylist()]
    items = tuple(map(benchmark_from_row, rows))
    found = {item.item_id: item_hash(item) for item in items}
    frozen = {name: known["hash"] for name, known in manifest["items"].items()}
    if found != frozen:
        wrong = min(name for name in {**found, **frozen} if found.get(name) != frozen.get(name))
        raise ValueError(
            f"{folder}: item {wrong} is not what it was when it was frozen; bring the folder back from a copy of the "
            "workspace, or remove it: the exam then begins anew, and no earlier figure compares with it"
        )
    return Exam(
        version=manifest["version"],
        items=items,
        since={name: known["since"] for name, known in manifest["items"].items()},
        records=frozenset(manifest["records"]),
        cells=frozenset(manifest["cells"]),
        lost=manifest["lost"],
        versions=tuple(manifest["versions"]),
    )


def write_exam(folder: Path, exam: Exam, max_shard_bytes: int) -> None:
    """Put the exam in the place of the one before, whole or not at all; an item that left leaves no byte behind."""
    with atomic_folder(folder) as out:
        shards = write_shards(map(benchmark_row, exam.items), BENCHMARK_SCHEMA, out, PREFIX, max_shard_bytes)
        manifest = {
            "schema": SCHEMA,
            "version": exam.version,
            "id": exam.id,
            "files": [shard.file for shard in shards],
            "items": {i.item_id: {"hash": item_hash(i), "since": exam.since[i.item_id]} for i in exam.items},
            "records": sorted(exam.records),
            "cells": sorted(exam.cells),
            "lost": dict(exam.lost),
            "versions": [dict(one) for one in exam.versions],
        }
        write_json(out / MANIFEST, manifest)
