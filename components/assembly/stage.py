"""`assemble`: validated records to sealed shards, benchmark, manifest and report: facts decide, then images are read once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from components.assembly.alignment.account import account_alignment
from components.assembly.alignment.filter import open_scorer
from components.assembly.benchmark.question_set import QuestionSet, set_benchmark, set_exam
from components.assembly.conversations.answer_balance import surplus_answers
from components.assembly.conversations.definitions import LICENCE, SOURCE
from components.assembly.conversations.plan import RecordPlan, plan_samples
from components.assembly.corpus import Corpus, Entry, first_of_image
from components.assembly.dataset import IMAGE_SCHEMA
from components.assembly.description.card import card
from components.assembly.description.croissant import croissant
from components.assembly.description.manifest import account_sources, manifest, question_manifest
from components.assembly.description.use import account_taught, account_use, left_out
from components.assembly.sealing.chunks import Chunks
from components.assembly.sealing.seal import Images, Job, seal
from components.assembly.selection.bins import select
from components.assembly.selection.decision import Decision
from components.assembly.selection.large_takes import large_takes
from components.assembly.selection.splits import SplitPlan, check_listed
from components.assembly.selection.started import beside_start, known_notices
from components.cluster import has_cluster, in_order
from components.context import StageContext
from components.recipes.assembly import AssemblySettings
from components.records.schema import BENCHMARK_SCHEMA, SAMPLE_SCHEMA, SCHEMA_VERSION
from components.records.shards import payload_bytes, write_shards
from components.records.vocabulary import VALIDATION, Bin, Split
from components.sources.former_keys import FormerKeys
from components.sources.patients import Patients
from components.sources.private import handling
from components.sources.sharing import lent_sources
from components.storage.atomic import atomic_folder, write_json, write_text
from components.storage.keys import keyed_hash
from components.storage.recorded_code import recorded_code
from components.validation.validated import readers, refused_patients

DECISION_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "source", "patient_key", "split", "bin", "reason", "other", "detail")]
    + [("alignment", pa.float64())],
    metadata={"unimed_schema": SCHEMA_VERSION},
)
"""One row for each validated record: where it went and why."""
CHUNK_RECORDS, CHUNK_BYTES = 1024, 64 * 2**20
"""A chunk is sealed when it has so many records, or images of so many bytes: what a kill may cost, and what is in memory."""
SCHEMAS = {
    "samples": SAMPLE_SCHEMA,
    "images": IMAGE_SCHEMA,
    "benchmark": BENCHMARK_SCHEMA,
    "exam": BENCHMARK_SCHEMA,
    "decisions": DECISION_SCHEMA,
}
"""Kind of shard -> its columns."""


def assemble(ctx: StageContext) -> None:
    """Write data/unimed whole, or not at all."""
    recipe, settings = ctx.recipe, ctx.recipe.assembly
    scorer = open_scorer(settings.alignment, ctx.workspace.alignment, recipe.sources)
    ctx.progress.say("reading validated records")
    corpus = Corpus(ctx.workspace.validated, list(recipe.sources), square=settings.square)
    patients = Patients(recipe.sources, FormerKeys.read(ctx.workspace.patients))
    refused = refused_patients(ctx.workspace.validated, recipe.sources)
    waiting = check_listed(corpus.entries, settings.excluded_patients, settings.splits, patients, refused)
    lent = lent_sources(recipe.sources)
    decisions, start = beside_start(
        select(corpus.entries, settings, scorer, patients, lent), ctx.workspace, recipe, patients.former
    )
    sources = account_sources(ctx.workspace.validated, recipe.sources, decisions)
    alignment = account_alignment(decisions, settings.alignment.keep, scorer)
    notices = [*waiting, *_notices(corpus.entries, settings, patients), *alignment.notices(), *large_takes(decisions)]
    notices += known_notices(decisions)
    for notice in notices:
        ctx.progress.say(notice)
    kept = [decision.entry for decision in decisions if decision.bin is Bin.KEPT]
    held_out = [decision.entry for decision in decisions if decision.bin is Bin.HELDOUT]
    training = [entry for entry in kept if entry.split is Split.TRAIN]
    if not training:
        raise ValueError("no record is left for training; see assembly.splits in params.yaml")
    validation = [entry for entry in kept if entry.split in VALIDATION]
    ctx.raise_if_stopped()
    ctx.progress.say(f"planning conversations about {len(kept)} records")
    benchmark, exam = set_benchmark(training, validation, settings), set_exam(held_out, settings)
    plans = plan_samples(training, settings, recipe.seed, 1.0)
    plans |= plan_samples(validation, settings, recipe.seed, len(validation) / len(training))
    surplus = surplus_answers(training, recipe.seed)
    silent = frozenset[str]().union(*surplus.values())
    spoken = [replace(entry, turns=()) if entry.id in silent else entry for entry in kept]
    used = sorted([*spoken, *held_out], key=lambda entry: entry.id)
    chunks = Chunks(ctx.workspace.private / "assembly", _key(ctx, corpus, used))
    _seal(ctx, corpus, used, benchmark.with_(exam), plans, chunks)
    with atomic_folder(ctx.workspace.dataset) as folder:
        tally = chunks.tally()
        shards, items = chunks.publish(folder, settings.max_shard_bytes)
        ends = write_shards(
            map(_decision_row, decisions), DECISION_SCHEMA, folder, "decisions", settings.max_shard_bytes
        )
        shards += [("decisions", "all", shard) for shard in ends]
        described = manifest(
            dataset_id=tally.content.hexdigest(),
            shards=sorted(shards, key=lambda item: item[2].file),
            sources=sources,
            tasks=tally.tasks,
            groups=tally.groups,
            delivered=tally.delivered,
            licences=_licences(used),
            lent=lent,
            private=handling(recipe.sources, readers(ctx.workspace.validated, recipe.sources)),
            languages=Counter(entry.language for entry in used),
            benchmark=question_manifest(items["benchmark"], benchmark.not_testable),
            exam=question_manifest(items["exam"], exam.not_testable),
            taught=account_taught(training, settings.questions),
            alignment=alignment,
            notices=notices,
            left_out=left_out(kept, surplus),
            use=account_use(used, plans),
            start=start.described if start else None,
        )
        write_text(folder / "README.md", card(described))
        write_json(folder / "croissant.json", croissant(described, SCHEMAS))
        write_text(folder / "report.html", tally.report.render(described, decisions, ctx.workspace.validated))
        write_json(folder / "manifest.json", described)
    chunks.forget()
    ctx.progress.say(f"data set {described['dataset_id']}")


def _seal(
    ctx: StageContext,
    corpus: Corpus,
    used: Sequence[Entry],
    asked: QuestionSet,
    plans: Mapping[str, RecordPlan],
    chunks: Chunks,
) -> None:
    """Seal what is not sealed yet: as Ray tasks where a cluster is named, else here."""
    start, message = chunks.records, "records to conversations"
    if start:
        ctx.progress.say(f"{start} of {len(used)} records were sealed before this start")

    def seen(count: int) -> None:
        ctx.raise_if_stopped()
        ctx.progress.update(chunks.records + count, len(used), message)

    jobs = _jobs(ctx, corpus, used, start, asked, plans)
    sealed = (
        in_order(seal, jobs, ctx.recipe.compute.threads, ctx.raise_if_stopped)
        if has_cluster()
        else (seal(job, seen) for job in jobs)
    )
    for chunk in sealed:
        chunks.put(chunk)
        seen(0)


def _jobs(
    ctx: StageContext,
    corpus: Corpus,
    used: Sequence[Entry],
    start: int,
    asked: QuestionSet,
    plans: Mapping[str, RecordPlan],
) -> Iterator[Job]:
    """The records from `start` on, cut where their images fill a chunk: at the same places wherever one begins."""
    lent = frozenset(lent_sources(ctx.recipe.sources))
    shown = {entry.id for entry in first_of_image(used)}
    questions = asked.by_record()
    taken: list[tuple[Entry, Images | None]] = []
    size = 0
    for number, entry in enumerate(used[start:], start=start + 1):
        images = corpus.images(entry) if entry.has_image else None
        taken.append((replace(entry, looks=()), images))  # what it looks like is decided on; looks stay on this machine
        size += payload_bytes(images)
        is_last = number == len(used)
        if size >= CHUNK_BYTES or len(taken) == CHUNK_RECORDS or is_last:
            ids = [entry.id for entry, _ in taken]
            items = tuple(item for identity in ids for item in questions.get(identity, ()))
            edits = {item.item_id: asked.edits[item.item_id] for item in items if item.item_id in asked.edits}
            yield Job(
                entries=tuple(taken),
                plans={identity: plans[identity] for identity in ids if identity in plans},
                asked=QuestionSet(items=items, edits=edits, not_testable=()),
                shown=frozenset(shown.intersection(ids)),
                settings=ctx.recipe.assembly,
                lent=lent,
                with_texts=is_last,
            )
            taken, size = [], 0


def _key(ctx: StageContext, corpus: Corpus, used: Sequence[Entry]) -> str:
    """Changes with anything that the shards are made of."""
    made_by = recorded_code(ctx.workspace, "assembly")
    files = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in corpus.files]
    records = (f"{entry.id} {entry.split.value}" for entry in used)
    lent = repr(sorted(lent_sources(ctx.recipe.sources)))
    return keyed_hash("assembly", made_by, str(ctx.recipe.seed), repr(ctx.recipe.assembly), lent, *files, *records)


def _notices(entries: Iterable[Entry], settings: AssemblySettings, patients: Patients) -> list[str]:
    missing = SplitPlan.from_settings(settings.splits, patients).absent(entries)
    return [f"assembly.splits names {name}, but no validated record belongs to it" for name in missing]


def _licences(entries: Iterable[Entry]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        found[entry.source].add(entry.licence)
    return {SOURCE: [LICENCE], **{source: sorted(texts) for source, texts in found.items()}}


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
        "detail": decision.detail,
        "alignment": decision.alignment,
    }
