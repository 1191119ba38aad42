"""`assemble`: validated records to sealed shards, benchmark, manifest and report, in two passes over the images."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from components.assembly.alignment import open_scorer
from components.assembly.alignment_account import account_alignment
from components.assembly.benchmark import Exam, set_exam
from components.assembly.card import card
from components.assembly.conversation import Pictures, fit_pictures, heldout_sample, make_samples
from components.assembly.corpus import Corpus, Entry, first_of_image
from components.assembly.croissant import croissant
from components.assembly.dataset import IMAGE_SCHEMA
from components.assembly.definitions import LICENCE, SOURCE, text_samples
from components.assembly.delivered import delivered_samples
from components.assembly.manifest import ContentHash, account_sources, benchmark_manifest, manifest
from components.assembly.plan import RecordPlan, plan_samples
from components.assembly.report import Report
from components.assembly.selection import HELD_OUT, Decision, select
from components.assembly.settings import AssemblySettings
from components.assembly.shards import Shard, ShardWriter
from components.assembly.splits import SplitPlan
from components.context import StageContext
from components.records.benchmark import BenchmarkItem
from components.records.sample import Sample
from components.records.schema import BENCHMARK_SCHEMA, SAMPLE_SCHEMA, SCHEMA_VERSION, benchmark_row, sample_row
from components.records.vocabulary import Bin, Split
from components.storage.atomic import atomic_folder, write_json, write_text

DECISION_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "source", "patient_key", "split", "bin", "reason", "other")]
    + [("alignment", pa.float64())],
    metadata={"unimed_schema": SCHEMA_VERSION},
)
"""One row for each validated record: where it went and why."""
SCHEMAS = {
    "samples": SAMPLE_SCHEMA,
    "images": IMAGE_SCHEMA,
    "benchmark": BENCHMARK_SCHEMA,
    "decisions": DECISION_SCHEMA,
}
"""Kind of shard -> its columns."""


def assemble(ctx: StageContext) -> None:
    """Write data/unimed whole, or not at all."""
    recipe, settings = ctx.recipe, ctx.recipe.assembly
    scorer = open_scorer(settings.alignment, ctx.workspace.alignment, recipe.sources)
    ctx.progress.say("reading validated records")
    corpus = Corpus(ctx.workspace.validated, list(recipe.sources))
    decisions = select(corpus.entries, settings, scorer)
    sources = account_sources(ctx.workspace.validated, recipe.sources, decisions)
    alignment = account_alignment(decisions, settings.alignment.keep, scorer)
    notices = [*_notices(corpus.entries, settings), *alignment.notices()]
    for notice in notices:
        ctx.progress.say(notice)
    kept = [decision.entry for decision in decisions if decision.bin is Bin.KEPT]
    held_out = [decision.entry for decision in decisions if decision.bin is Bin.HELDOUT]
    training = [entry for entry in kept if entry.split is Split.TRAIN]
    if not training:
        raise ValueError("no record is left for training; see assembly.splits in params.yaml")
    validation = [entry for entry in kept if entry.split is Split.VAL]
    ctx.raise_if_stopped()
    ctx.progress.say(f"planning conversations about {len(kept)} records")
    exam = set_exam(training, held_out, settings)
    plans = plan_samples(training, settings, recipe.seed, 1.0)
    plans |= plan_samples(validation, settings, recipe.seed, len(validation) / len(training))
    with atomic_folder(ctx.workspace.dataset) as folder:
        used = sorted([*kept, *held_out], key=lambda entry: entry.id)
        shown = {entry.id for entry in first_of_image(used)}
        sealing = _Sealing(folder, settings, exam, plans, shown)
        for number, entry in enumerate(used):
            ctx.raise_if_stopped()
            sealing.add(entry, fit_pictures(*corpus.images(entry.id), settings) if entry.has_image else None)
            ctx.progress.update(number + 1, len(used), "records to conversations")
        sealing.add_texts()
        shards = sealing.close(decisions)
        described = manifest(
            dataset_id=sealing.content.hexdigest(),
            shards=shards,
            sources=sources,
            tasks=sealing.tasks,
            groups=sealing.groups,
            delivered=sealing.delivered,
            licences=_licences(used),
            benchmark=benchmark_manifest(sealing.items, exam),
            alignment=alignment,
            notices=notices,
        )
        write_text(folder / "README.md", card(described))
        write_json(folder / "croissant.json", croissant(described, SCHEMAS))
        write_text(folder / "report.html", sealing.report.render(described, decisions, ctx.workspace.validated))
        write_json(folder / "manifest.json", described)
    ctx.progress.say(f"data set {described['dataset_id']}")


@dataclass(slots=True)
class _Sealing:
    """The open shards of one assembly; records come in the order of their ids."""

    folder: Path
    settings: AssemblySettings
    exam: Exam
    plans: dict[str, RecordPlan]
    shown: set[str]
    """Records whose image is written: several may have the same."""
    content: ContentHash = field(default_factory=ContentHash)
    tasks: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Task -> split -> conversations."""
    groups: Counter[str] = field(default_factory=Counter)
    """Group -> training conversations."""
    delivered: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Source -> kind -> turns of its own."""
    items: list[BenchmarkItem] = field(default_factory=list)
    report: Report = field(default_factory=Report)
    _writers: dict[str, ShardWriter] = field(init=False)
    _asked: dict[str, list[BenchmarkItem]] = field(init=False)

    def __post_init__(self) -> None:
        schemas = {"train": SAMPLE_SCHEMA, "val": SAMPLE_SCHEMA, "heldout": SAMPLE_SCHEMA, "images": IMAGE_SCHEMA}
        self._writers = {name: self._writer(schema, name) for name, schema in schemas.items()}
        self._asked = self.exam.by_record()

    def add(self, entry: Entry, pictures: Pictures | None) -> None:
        """Write everything that is made of one record; without pictures it is text alone."""
        shard = "heldout" if entry.split in HELD_OUT else entry.split.value
        for sample in delivered_samples(entry, pictures):
            self._write(shard, sample, f"{sample.task}, as {entry.source} words it")
        for turn in entry.turns:
            self.delivered[entry.source][turn.kind.value] += 1
        if pictures is None:
            return
        if entry.id in self.shown:
            row = _image_row(entry, pictures)
            self._writers["images"].add(row)
            self.content.add("images", row)
            self.report.see_image(entry, pictures)
        if entry.split in HELD_OUT and not entry.turns:
            self._write("heldout", heldout_sample(entry, pictures))
        for sample in make_samples(entry, self.plans.get(entry.id, RecordPlan()), pictures):
            self._write(entry.split.value, sample)
        self.items += [self.exam.with_pictures(item, pictures) for item in self._asked.get(entry.id, ())]

    def add_texts(self) -> None:
        """Write the conversations without images; they train."""
        for sample in text_samples():
            self._write("train", sample)

    def close(self, decisions: Iterable[Decision]) -> list[tuple[str, str, Shard]]:
        """(kind, split, shard) of everything written, sealed."""
        self.items.sort(key=lambda item: item.item_id)
        exam = self._writer(BENCHMARK_SCHEMA, "benchmark")
        for item in self.items:
            row = benchmark_row(item)
            exam.add(row)
            self.content.add("benchmark", row)
        ends = self._writer(DECISION_SCHEMA, "decisions")
        for decision in decisions:
            ends.add(_decision_row(decision))
        kinds = {name: ("images", "all") if name == "images" else ("samples", name) for name in self._writers}
        sealed = [(*kinds[name], shard) for name, writer in self._writers.items() for shard in writer.close()]
        sealed += [("benchmark", "benchmark", shard) for shard in exam.close()]
        sealed += [("decisions", "all", shard) for shard in ends.close()]
        return sorted(sealed, key=lambda item: item[2].file)

    def _writer(self, schema: pa.Schema, prefix: str) -> ShardWriter:
        return ShardWriter(schema, self.folder, prefix, self.settings.max_shard_bytes)

    def _write(self, shard: str, sample: Sample, heading: str = "") -> None:
        row = sample_row(sample)
        self._writers[shard].add(row)
        self.content.add(shard, row)
        self.tasks[sample.task][shard] += 1
        if shard == "train":
            self.groups[sample.group.value] += 1
        self.report.see_sample(shard, sample, heading or sample.task)


def _notices(entries: Iterable[Entry], settings: AssemblySettings) -> list[str]:
    missing = SplitPlan.from_settings(settings.splits).absent(entries)
    return [f"assembly.splits names {name}, but no validated record belongs to it" for name in missing]


def _licences(entries: Iterable[Entry]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        found[entry.source].add(entry.licence)
    return {SOURCE: [LICENCE], **{source: sorted(texts) for source, texts in found.items()}}


def _image_row(entry: Entry, pictures: Pictures) -> dict[str, object]:
    return {
        "id": entry.id,
        "source": entry.source,
        "split": entry.split.value,
        "patient_key": entry.patient_key,
        "modality": entry.modality.value,
        "anatomy": entry.anatomy,
        "facts": sorted(entry.facts.items()),
        "png": pictures.own.png,
        "sha256": pictures.own.sha256,
        "targets": [(name, picture.png) for name, picture in sorted(pictures.targets.items())],
    }


def _decision_row(decision: Decision) -> dict[str, object]:
    entry = decision.entry
    return {
        "id": entry.id,
        "source": entry.source,
        "patient_key": entry.patient_key,
        "split": entry.split.value,
        "bin": decision.bin.value,
        "reason": decision.reason,
        "other": decision.other,
        "alignment": decision.alignment,
    }
