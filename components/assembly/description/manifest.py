"""The manifest: what the data set is, by content; where every raw record went; what the benchmark asks."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from components.assembly.alignment.account import AlignmentAccount
from components.assembly.benchmark.item import NotTestable, item_hash
from components.assembly.selection.decision import Decision
from components.records.accounting import Account, total
from components.records.benchmark import BenchmarkItem
from components.records.schema import SCHEMA_VERSION
from components.records.shards import Shard
from components.records.vocabulary import Bin
from components.storage.atomic import read_json
from components.storage.keys import keyed_hash

NOTES = {
    "template": "questions, answers and captions are template sentences over labels, headers and geometry",
    "as delivered": "where a source brings its own questions, captions or reports, they stand as it words them; "
    "what a redaction mark belongs to, and sentences that say whom findings were told to, are left out of what is learnt",
    "organ labels": "organ labels of TotalSegmentator volumes are that tool's own output, not an expert's",
    "averages": "the MNI152 volumes and the average CT head are averages over many people, not patients",
    "degraded": "super-resolution starts from images that we degraded ourselves (bicubic down and up)",
    "derived": "haematoxylin targets are computed by colour deconvolution, not a second staining",
}


def account_sources(
    validated: Path, sources: Iterable[str], decisions: Sequence[Decision]
) -> dict[str, dict[str, object]]:
    """Source -> raw and the six bins, which add up, with the reasons. Raises ValueError when a record got lost."""
    by_source: dict[str, list[Decision]] = {source: [] for source in sorted(sources)}
    for decision in decisions:
        by_source[decision.entry.source].append(decision)
    return {source: _account(validated / source, source, found) for source, found in by_source.items()}


def question_manifest(items: Sequence[BenchmarkItem], gaps: Iterable[NotTestable]) -> dict[str, object]:
    """The identity of benchmark or exam, by part, how many items, over how many answers and patients, and its gaps."""
    parts: dict[str, list[str]] = {}
    cells: dict[str, list[BenchmarkItem]] = {}
    for item in items:
        parts.setdefault(f"{item.benchmark}/{item.split.value}", []).append(item_hash(item))
        form = "" if item.benchmark != "vqa" else f"/{item.answer_type}"
        cells.setdefault(f"{item.benchmark}/{item.split.value}/{item.question_type}{form}", []).append(item)
    hashes = {name: keyed_hash(*sorted(found), digest_bytes=32) for name, found in sorted(parts.items())}
    return {
        "id": keyed_hash(*(f"{name}@{value}" for name, value in hashes.items()), digest_bytes=16),
        "parts": hashes,
        "counts": {name: _cell(found) for name, found in sorted(cells.items())},
        "not_testable": [
            {"question_type": gap.question_type, "form": gap.form, "split": gap.split, "reason": gap.reason}
            for gap in gaps
        ],
    }


def manifest(
    *,
    dataset_id: str,
    shards: Sequence[tuple[str, str, Shard]],
    sources: Mapping[str, Mapping[str, object]],
    tasks: Mapping[str, Counter[str]],
    groups: Counter[str],
    delivered: Mapping[str, Counter[str]],
    licences: Mapping[str, Sequence[str]],
    lent: Mapping[str, str],
    private: Mapping[str, Mapping[str, str]],
    languages: Counter[str],
    benchmark: Mapping[str, object],
    exam: Mapping[str, object],
    taught: Mapping[str, object],
    alignment: AlignmentAccount,
    notices: Sequence[str],
    left_out: Mapping[str, Mapping[str, int]],
    use: Mapping[str, object],
    start: Mapping[str, object] | None,
) -> dict[str, object]:
    """manifest.json as plain values. `shards`: (kind, split, shard); `lent`: source -> how it was lent;
    `private`: source -> what was done about the people in it; `start`: finished weights of ours that the run begins with,
    whose training records are in no comparison."""
    return {
        "schema": SCHEMA_VERSION,
        "dataset_id": dataset_id,
        "shards": [
            {
                "kind": kind,
                "split": split,
                "file": shard.file,
                "rows": shard.rows,
                "bytes": shard.bytes,
                "md5": shard.md5,
                "sha256": shard.sha256,
            }
            for kind, split, shard in shards
        ],
        "sources": {name: dict(account) for name, account in sources.items()},
        "total": total(sources),
        "groups": dict(sorted(groups.items())),
        "tasks": {task: dict(sorted(counts.items())) for task, counts in sorted(tasks.items())},
        "delivered": {source: dict(sorted(counts.items())) for source, counts in sorted(delivered.items())},
        "licences": {name: sorted(texts) for name, texts in sorted(licences.items())},
        "lent": dict(sorted(lent.items())),
        "private": {name: dict(done) for name, done in sorted(private.items())},
        "left_out": {source: dict(counts) for source, counts in left_out.items()},
        "languages": dict(sorted(languages.items())),
        "use": dict(use),
        "alignment": alignment.to_json(),
        "provenance": {**NOTES, "alignment": alignment.note},
        "benchmark": dict(benchmark),
        "exam": dict(exam),
        "taught": dict(taught),
        "notices": list(notices),
        **({"start": dict(start)} if start else {}),
    }


def _cell(items: Sequence[BenchmarkItem]) -> dict[str, object]:
    counts: dict[str, object] = {
        "items": len(items),
        "images": len({item.record_id for item in items}),
        "patients": len({item.patient_key for item in items}),
    }
    if items[0].benchmark != "vqa":
        return counts
    return counts | {"answers": dict(sorted(Counter(item.reference for item in items).items()))}


def _account(folder: Path, source: str, decisions: Sequence[Decision]) -> dict[str, object]:
    delivered: dict = read_json(folder / "accounting.json")  # type: ignore[assignment]
    if delivered["kept"] != len(decisions):
        raise ValueError(
            f"source {source}: validation kept {delivered['kept']} records but {folder} holds {len(decisions)}; "
            f"remove {folder} and run `unimed retrain`"
        )
    account = Account(source=source)
    for decision in decisions:
        account.count(decision.bin, decision.reason)
    for name in (Bin.FILTERED, Bin.QUARANTINED, Bin.DUPLICATE):
        count = int(delivered.get(name.value, 0))
        account.raw += count
        account.bins[name] += count
    for reason, count in delivered.get("reasons", {}).items():
        account.reasons[reason] += count
    if account.raw != delivered["raw"]:
        raise ValueError(
            f"source {source}: {delivered['raw']} raw records were delivered but {account.raw} are accounted for; "
            f"remove {folder} and run `unimed retrain`"
        )
    return account.to_json()
