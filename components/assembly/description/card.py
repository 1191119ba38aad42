"""`README.md` of the data set: a card with the front matter that Hugging Face reads and what a reader must know first."""

from collections.abc import Iterable, Mapping
from typing import Any

from components.records.vocabulary import Bin
from components.sources.private import FACES, PIXELS, WORDS
from components.storage.yaml_files import dump_yaml

TITLE = "UniMed-5M, assembled here"
WHAT = (
    "Medical images with conversations about them, in the layout of UniMed-5M (arXiv 2510.15710): questions and answers, "
    "captions and reports, drawing from text, editing of images, text alone. Assembled by UniMed from the sources listed."
)
PREPARATION = (
    "Each record is validated by a suite of expectations; what fails is quarantined with its reason.",
    "Whole patients are held out; a patient keeps its split whatever is added later.",
    "What shows a held-out image, its text or its patient is taken out of training as contaminating.",
    "Exact and near duplicates are kept once, the first by id.",
)
LIMITS = ("Not for clinical use: no answer, caption or drawing that a model learns from it is a diagnosis.",)
_PUBLIC = (
    "No DICOM header is kept. Public sources are used as their publishers de-identified them; their texts are searched for "
    "identifiers by form alone. Ages stay."
)
_NO_PRIVATE = "No source is private."
_PRIVATE = (
    "Of private sources no file name, record or patient id is kept: ids are hashes keyed by a secret that stays in the "
    "workspace where it was assembled. Dates in texts are moved by one span a patient. What was done about the rest is listed "
    "by source; what is held is quarantined."
)
_LEFT = (
    "No search finds everything. What may be left: names that no rule knows, faint or handwritten text, faces in pictures "
    "that were delivered one by one, outer slices of a head too, or in what an owner called defaced, and a rare finding, a "
    "place or a time that tells a person to those who were there. Handle it as patient data."
)
NOT_PASSED_ON = (
    "Sources that were lent to whoever assembled this and may not be passed on: whoever reads these files must have signed "
    "the same agreement. `unimed data export` leaves them out, and the pages show none of their images or words."
)
_TASKS = {
    "vqa": "visual-question-answering",
    "caption": "image-to-text",
    "report": "image-to-text",
    "t2i": "text-to-image",
    "text": "text-generation",
}
_COLUMNS = ("raw", *(b.value for b in Bin))
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(manifest: Mapping[str, Any]) -> str:
    """The card of the data set of this manifest, in Markdown."""
    train = sum(counts.get("train", 0) for counts in manifest["tasks"].values())
    licences = [f"- {name}: {'; '.join(texts)}" for name, texts in manifest["licences"].items()]
    lines = [
        "---",
        dump_yaml(_front_matter(manifest, train)).rstrip(),
        "---",
        "",
        f"# {TITLE}",
        "",
        WHAT,
        "",
        f"Data set `{manifest['dataset_id']}`: {train} training conversations. The id is a hash of its content; "
        "`manifest.json` lists every file with its sha256, `decisions-*.parquet` what became of every record that "
        "passed validation, `report.html` what did not pass, with examples, `croissant.json` describes the columns.",
        "",
        "## Records by source",
        "",
        *_table(["source", *_COLUMNS], _account_rows(manifest)),
        "",
        "## Conversations by task",
        "",
        *_table(["task", "train", "val"], _task_rows(manifest)),
        "",
        *_hospitals(manifest),
        f"The benchmark `{manifest['benchmark']['id']}` asks {_items(manifest, 'benchmark')} questions about validation "
        f"images, to choose on; the exam `{manifest['exam']['id']}` asks {_items(manifest, 'exam')} about held-out ones.",
        "",
        "## How it was made",
        "",
        *(f"- {text}" for text in PREPARATION),
        *(f"- {text[0].upper()}{text[1:]}." for text in manifest["provenance"].values()),
        "",
        "## Personal data and use",
        "",
        *(line for text in personal(manifest) for line in (text, "")),
        *_private(manifest),
        *LIMITS,
        "",
        "## Licences",
        "",
        "Each source keeps its own; a record carries it in `licence`.",
        "",
        *licences,
        "",
        *_lent(manifest),
        "## Use",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'conversations = load_dataset("parquet", data_files="train-*.parquet")["train"]',
        "```",
        "",
    ]
    return "\n".join(lines)


def personal(manifest: Mapping[str, Any]) -> list[str]:
    """What is done about people in the data, and what may be left, a sentence or two each."""
    return [_PUBLIC, _PRIVATE if manifest["private"] else _NO_PRIVATE, _LEFT]


def _private(manifest: Mapping[str, Any]) -> list[str]:
    """The table of private sources; nothing without one."""
    if not (listed := manifest["private"]):
        return []
    heads = [PIXELS, WORDS, FACES]
    return [*_table(["private source", *heads], ([name, *(did[h] for h in heads)] for name, did in listed.items())), ""]


def _front_matter(manifest: Mapping[str, Any], train: int) -> dict[str, Any]:
    kinds = {(shard["kind"], shard["split"]) for shard in manifest["shards"]}
    splits = [("train", "train"), ("val", "validation"), ("heldout", "test")]
    files = [{"split": ours, "path": f"{name}-*.parquet"} for name, ours in splits if ("samples", name) in kinds]
    return {
        "pretty_name": TITLE,
        "language": list(manifest["languages"]),
        "license": "other",
        "license_name": "per-record",
        "task_categories": sorted({_TASKS.get(task, "image-to-image") for task in manifest["tasks"]}),
        "tags": ["medical", "croissant"],
        "size_categories": [next((name for most, name in _SIZES if train < most), "n>1M")],
        "configs": [{"config_name": "conversations", "data_files": files}],
    }


def _account_rows(manifest: Mapping[str, Any]) -> Iterable[list[object]]:
    accounts = {**manifest["sources"], "all": manifest["total"]}
    return ([name, *(account[column] for column in _COLUMNS)] for name, account in accounts.items())


def _task_rows(manifest: Mapping[str, Any]) -> Iterable[list[object]]:
    return ([task, counts.get("train", 0), counts.get("val", 0)] for task, counts in manifest["tasks"].items())


def _hospitals(manifest: Mapping[str, Any]) -> list[str]:
    """One paragraph where sources name the hospital; no question asks about it."""
    named = "; ".join(f"{name}: {count}" for name, count in manifest["use"]["hospitals"].items())
    return [f"Records by hospital, where the source names one: {named}.", ""] if named else []


def _lent(manifest: Mapping[str, Any]) -> list[str]:
    """A section where sources may not be passed on."""
    if not manifest["lent"]:
        return []
    return [
        "## Lent",
        "",
        NOT_PASSED_ON,
        "",
        *(f"- {source}: {terms}" for source, terms in manifest["lent"].items()),
        "",
    ]


def _items(manifest: Mapping[str, Any], name: str) -> int:
    return sum(cell["items"] for cell in manifest[name]["counts"].values())


def _table(heads: list[str], rows: Iterable[list[object]]) -> list[str]:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *([str(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]
