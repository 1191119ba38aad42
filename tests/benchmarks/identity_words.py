"""Names in words: how much of what identifies somebody is held or moved, how many clean sentences and reports are held, and
how fast. The first sentences were written without sight of the rules, the second by who mended these, before what was missed of
either was looked at (`identity_sentences/README.md`)."""

import json
import os
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from components.sources.names.screening import screened
from components.validation.identifiers import identifier_kinds
from tests.benchmarks.contest import rate
from tests.benchmarks.figures import Figure, plain, share

SENTENCES = Path(__file__).parent / "identity_sentences"
SURE = 0.99
"""Goal: of dates, numbers, titled and cued names, the share that is held or moved."""
RECALL: dict[str, float] = dict.fromkeys(("date", "number", "titled name", "cued name"), SURE)
BARE: dict[str, float] = {"english": 0.85, "spanish": 0.85}
"""Language -> goal for names that nothing announces; German as reached."""
HELD: dict[str, float] = {"english": 0.03, "spanish": 0.03, "german": 0.10}
"""Language -> the most of clean sentences that may be held."""
CLEAN, BARE_NAME = "clean", "bare name"
Row = dict[str, Any]
"""`text`, `kind`, and `identifier` or, where there may be several, `identifiers`."""
_SHIFT = timedelta(days=1002)
"""No whole number of weeks: a weekday that is moved is another one."""
_SAMPLED = 5
"""The small form: one sentence of so many."""


def words(full: bool) -> Iterator[Figure]:
    """Recall and held clean sentences by language, clean reports held, texts a second."""
    every = 1 if full else _SAMPLED
    texts: list[str] = []
    for path in sorted(SENTENCES.rglob("*.jsonl")):
        which = path.relative_to(SENTENCES).with_suffix("").as_posix().replace("/", ".")
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        by_kind = defaultdict[str, list[Row]](list)
        for row in rows:
            by_kind[row["kind"]].append(row)
        for kind, of_kind in by_kind.items():
            chosen = of_kind[::every]
            texts += [row["text"] for row in chosen]
            yield _held(which, path.stem, chosen) if kind == CLEAN else _recall(which, path.stem, kind, chosen)
    reports = list(_clean_reports())
    if reports:
        yield _right(
            "reports.clean", "pass", "reports of a public set", reports, [t for t in reports if _kinds(t)], None
        )
    yield from _speed(texts, reports)


def _recall(which: str, language: str, kind: str, rows: Iterable[Row]) -> Figure:
    """Of sentences that identify somebody those that are held, or whose date is another one."""
    rows = list(rows)
    missed = [row["text"] for row in rows if not _is_gone(row)]
    goal = BARE.get(language) if kind == BARE_NAME else RECALL.get(kind)
    return _right(
        f"{which}.{plain(kind)}", "found", "sentences that hold one", [row["text"] for row in rows], missed, goal
    )


def _held(which: str, language: str, rows: Iterable[Row]) -> Figure:
    texts = [row["text"] for row in rows]
    held = [f"{kinds}: {text}" for text in texts if (kinds := _kinds(text))]
    return _right(f"{which}.clean", "pass", "clean sentences", texts, held, 1 - HELD[language])


def _right(name: str, unit: str, peer: str, texts: list[str], wrong: list[str], goal: float | None) -> Figure:
    return share(f"identity.words.{name}", len(texts) - len(wrong), unit, peer, len(texts), goal, wrong)


def _is_gone(row: Row) -> bool:
    """Whether the sentence is held, or passes without what identifies."""
    found = screened(row["text"], shift=_SHIFT)
    said = row["identifiers"] if "identifiers" in row else [row["identifier"]]
    return bool(found.kinds) or not any(each in found.text for each in said)


def _kinds(text: str) -> tuple[str, ...]:
    return screened(text, shift=_SHIFT).kinds


def _clean_reports() -> Iterator[str]:
    """Reports of Open-i, from which names were taken before they were published, where a folder of public samples has them."""
    folder = os.environ.get("UNIMED_PUBLIC_SAMPLES", "")
    for path in sorted(Path(folder).glob("**/ecgen-radiology/*.xml")) if folder else ():
        parts = ElementTree.parse(path).iter("AbstractText")
        yield "\n".join(f"{part.get('Label', '').capitalize()}: {part.text}" for part in parts if part.text)


def _speed(sentences: list[str], reports: list[str]) -> Iterator[Figure]:
    """Texts a second of CPU time, the lists being loaded, beside the search by form that public sources get."""
    for name, texts in (("sentences", sentences), ("reports", reports)):
        if texts:
            ours = rate(len(texts), lambda texts=texts: [_kinds(text) for text in texts], time.process_time)
            peer = rate(len(texts), lambda texts=texts: [identifier_kinds([text]) for text in texts], time.process_time)
            yield Figure(
                name=f"identity.words.{name}_per_second",
                value=ours,
                unit="texts/s",
                peer="the search by form alone",
                peer_value=peer,
                ratio=ours / peer,
                goal=None,
            )
