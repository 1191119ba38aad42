"""Consecutive records to sealed shards: a pure function of what it is given, so that it runs anywhere with the same bytes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.assembly.benchmark.question_set import QuestionSet
from components.assembly.conversations.definitions import text_samples
from components.assembly.conversations.delivered import asked, delivered_samples
from components.assembly.conversations.plan import RecordPlan
from components.assembly.conversations.samples import Pictures, fit_pictures, heldout_sample, make_samples
from components.assembly.corpus import Entry
from components.assembly.dataset import IMAGE_SCHEMA
from components.assembly.description.report import Report
from components.assembly.sealing.content_hash import ContentHash
from components.recipes.assembly import AssemblySettings
from components.records.sample import Sample
from components.records.schema import BENCHMARK_SCHEMA, SAMPLE_SCHEMA, benchmark_row, sample_row
from components.records.shards import Sealed, ShardWriter, payload_bytes
from components.records.vocabulary import HELD_OUT, VALIDATION

Images = tuple[bytes, Mapping[str, bytes], Sequence[bytes]]
"""A record's image, its paired ones by name and its further ones."""
COLUMNS = {
    "train": SAMPLE_SCHEMA,
    "val": SAMPLE_SCHEMA,
    "heldout": SAMPLE_SCHEMA,
    "images": IMAGE_SCHEMA,
    "benchmark": BENCHMARK_SCHEMA,
    "exam": BENCHMARK_SCHEMA,
}
"""What a shard's name begins with -> its columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Records in the order of their ids with all that is to be made of them."""

    entries: Sequence[tuple[Entry, Images | None]]
    """Without images it is text alone."""
    plans: Mapping[str, RecordPlan]
    asked: QuestionSet
    shown: frozenset[str]
    """Records whose image is written: several may have the same."""
    settings: AssemblySettings
    lent: frozenset[str]
    """Sources whose images and words no page shows."""
    with_texts: bool
    """Whether the conversations without images go behind them."""


@dataclass(slots=True)
class Tally:
    """What the manifest and the report say of shards."""

    content: ContentHash = field(default_factory=ContentHash)
    tasks: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Task -> split -> conversations."""
    groups: Counter[str] = field(default_factory=Counter)
    """Group -> training conversations."""
    delivered: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Source -> kind -> turns of its own."""
    report: Report = field(default_factory=Report)

    def to_json(self) -> dict[str, Any]:
        """Plain values that `join` takes."""
        return {
            "content": self.content.to_json(),
            "tasks": self.tasks,
            "groups": self.groups,
            "delivered": self.delivered,
            "report": self.report.to_json(),
        }

    def join(self, other: Mapping[str, Any]) -> None:
        """Add what another tally counted."""
        self.content.join(other["content"])
        self.report.join(other["report"])
        self.groups.update(other["groups"])
        for mine, theirs in ((self.tasks, other["tasks"]), (self.delivered, other["delivered"])):
            for name, counts in theirs.items():
                mine[name].update(counts)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The shards of a job."""

    records: int
    shards: Mapping[str, Sequence[Sealed]]
    """By what their names begin with; items of benchmark and exam are in the order of their records."""
    tally: Tally


def seal(job: Job, seen: Callable[[int], None] = lambda count: None) -> Chunk:
    """Everything that is made of the job's records; `seen` hears after each how many are done."""
    sealing = _Sealing(job)
    for number, (entry, images) in enumerate(job.entries):
        sealing.add(entry, None if images is None else fit_pictures(*images, job.settings))
        seen(number + 1)
    if job.with_texts:
        for sample in text_samples():
            sealing.write("train", sample, sample.task)
    return Chunk(len(job.entries), sealing.close(), sealing.tally)


class _Sealing:
    """The open shards of one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._asked = job.asked.by_record()
        self._writers = {name: ShardWriter(schema, job.settings.max_shard_bytes) for name, schema in COLUMNS.items()}
        self.tally = Tally(report=Report(lent=job.lent))

    def add(self, entry: Entry, pictures: Pictures | None) -> None:
        """Write everything that is made of one record; without pictures it is text alone."""
        job, shard = self._job, _shard_of(entry)
        for sample in delivered_samples(entry, pictures):
            self.write(shard, sample, f"{sample.task}, as {entry.source} words it")
        for turn in entry.turns:
            self.tally.delivered[entry.source][turn.kind.value] += asked(entry, turn) is not None
        questions = "exam" if entry.split in HELD_OUT else "benchmark"
        for item in self._asked.get(entry.id, ()):
            shown = item if pictures is None else job.asked.with_pictures(item, pictures)
            self._add(questions, benchmark_row(shown))
        if pictures is None:
            return
        if entry.id in job.shown:
            self._add("images", _image_row(entry, pictures))
            self.tally.report.see_image(entry, pictures)
        if entry.split in HELD_OUT and not entry.turns:
            sample = heldout_sample(entry, pictures)
            self.write("heldout", sample, sample.task)
        for sample in make_samples(entry, job.plans.get(entry.id, RecordPlan()), pictures):
            self.write(shard, sample, sample.task)

    def write(self, shard: str, sample: Sample, heading: str) -> None:
        """Write one conversation; the report may show it under the heading."""
        self._add(shard, sample_row(sample))
        self.tally.tasks[sample.task][shard] += 1
        if shard == "train":
            self.tally.groups[sample.group.value] += 1
        self.tally.report.see_sample(shard, sample, heading)

    def close(self) -> dict[str, list[Sealed]]:
        """The shards by what their names begin with."""
        return {name: writer.close() for name, writer in self._writers.items()}

    def _add(self, shard: str, row: dict[str, object]) -> None:
        size, limit = payload_bytes(row), self._job.settings.max_shard_bytes
        if size > limit:
            raise ValueError(
                f"sample {row.get('id') or row.get('item_id')} is {size} bytes, over the shard limit {limit}; "
                "raise assembly.max_shard_bytes or lower assembly.image_side"
            )
        self._writers[shard].add(row)
        self.tally.content.add(shard, row)


def _shard_of(entry: Entry) -> str:
    """What the names of the shards begin with that the entry's conversations are written to."""
    if entry.split in HELD_OUT:
        return "heldout"
    return "val" if entry.split in VALIDATION else "train"


def _image_row(entry: Entry, pictures: Pictures) -> dict[str, object]:
    return {
        "id": entry.id,
        "source": entry.source,
        "split": entry.split.value,
        "patient_key": entry.patient_key,
        "modality": entry.modality.value,
        "anatomy": entry.anatomy,
        "facts": sorted(entry.facts.items()),
        "image": pictures.own.data,
        "sha256": pictures.own.sha256,
        "targets": [(name, picture.data) for name, picture in sorted(pictures.targets.items())],
    }
