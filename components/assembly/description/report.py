"""report.html of the data set: what was kept, what was not and why, and what the samples look like."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.assembly.conversations.samples import Pictures
from components.assembly.corpus import Entry
from components.assembly.selection.decision import Decision
from components.images.stored import data_uri
from components.records.origins import with_origins
from components.records.sample import Clinical, Image, Sample, Text
from components.records.vocabulary import Bin
from components.storage.keys import keyed_hash
from components.validation.search_box import search_box
from components.validation.validated import refused

IMAGES_PER_SOURCE, SAMPLES_PER_TASK, IDS_PER_REASON = 12, 6, 8
TEMPLATE = Path(__file__).parent / "report.html"

Kept = list[tuple[str, dict[str, object]]]
"""(keyed hash of a name, what is shown), in the order of the hashes."""


@dataclass(slots=True)
class Report:
    """Keeps a keyed handful of what passes by, lent sources apart; the same handful whatever the order."""

    lent: frozenset[str] = frozenset()
    """Sources of which neither images nor words are shown: the page goes to people who signed nothing."""
    _images: dict[str, Kept] = field(default_factory=lambda: defaultdict(list))
    _samples: dict[str, Kept] = field(default_factory=lambda: defaultdict(list))

    def see_image(self, entry: Entry, pictures: Pictures) -> None:
        """Offer a stored image of a source."""
        if entry.source in self.lent:
            return
        shown: dict[str, object] = {
            "uri": data_uri(pictures.own.data),
            "id": entry.id,
            "split": entry.split.value,
            "facts": with_origins(entry.facts, entry.origins),
        }
        _keep(self._images[entry.source], IMAGES_PER_SOURCE, entry.id, shown)

    def see_sample(self, split: str, sample: Sample, heading: str) -> None:
        """Offer a training conversation to be shown under a heading."""
        if split != "train" or sample.source in self.lent:
            return
        kept = self._samples[heading]
        mark = keyed_hash(sample.id)
        if len(kept) < SAMPLES_PER_TASK or mark < kept[-1][0]:
            shown: dict[str, object] = {
                "id": sample.id,
                "source": sample.source,
                "method": sample.provenance.method,
                "pieces": [_piece(p) for p in sample.pieces],
            }
            _keep(kept, SAMPLES_PER_TASK, sample.id, shown)

    def to_json(self) -> dict[str, Any]:
        """What is kept; `join` takes it."""
        return {"images": self._images, "samples": self._samples}

    def join(self, kept: Mapping[str, Any]) -> None:
        """Offer what another report kept."""
        for mine, theirs, limit in (
            (self._images, kept["images"], IMAGES_PER_SOURCE),
            (self._samples, kept["samples"], SAMPLES_PER_TASK),
        ):
            for name, shown in theirs.items():
                mine[name] = sorted([*mine[name], *((mark, what) for mark, what in shown)], key=_mark)[:limit]

    def render(self, manifest: Mapping[str, Any], decisions: Sequence[Decision], validated: Path) -> str:
        """The page, self-contained. What validation refused is read from `validated`."""
        from jinja2 import Environment, StrictUndefined

        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        return environment.from_string(TEMPLATE.read_text()).render(
            manifest=manifest,
            find=search_box(),
            bins=[b.value for b in Bin],
            images={source: [shown for _, shown in kept] for source, kept in sorted(self._images.items())},
            samples={task: [shown for _, shown in kept] for task, kept in sorted(self._samples.items())},
            reasons=_reasons(decisions),
            quarantined=[group for source in sorted(manifest["sources"]) for group in _quarantined(validated, source)],
        )


def _mark(item: tuple[str, object]) -> str:
    return item[0]


def _keep(kept: Kept, limit: int, name: str, shown: dict[str, object]) -> None:
    kept.append((keyed_hash(name), shown))
    kept.sort(key=_mark)
    del kept[limit:]


def _reasons(decisions: Sequence[Decision]) -> list[dict[str, object]]:
    """Rule by rule, source by source: how many records it took out, and the first of them with their files."""
    found: dict[tuple[str, str, str], list[Decision]] = defaultdict(list)
    for decision in decisions:
        if decision.reason:
            found[decision.entry.source, decision.bin.value, decision.reason].append(decision)
    return [
        {
            "source": source,
            "bin": where,
            "reason": reason,
            "count": len(listed),
            "records": [
                {
                    "id": d.entry.id,
                    "file": d.entry.provenance.file,
                    "locator": d.entry.provenance.locator,
                    "other": d.other,
                }
                for d in listed[:IDS_PER_REASON]
            ],
        }
        for (source, where, reason), listed in sorted(found.items())
    ]


def _quarantined(validated: Path, source: str) -> list[dict[str, Any]]:
    """What validation refused of a source, by reason: {source, reason, count, records}; a few records, one a file first."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in refused(validated / source):
        found[row["reason"]].append(row)
    groups = []
    for reason, rows in sorted(found.items()):
        rows.sort(key=lambda row: row["id"])
        first_of_file = {row["file"]: row["id"] for row in reversed(rows)}
        rows.sort(key=lambda row: (first_of_file[row["file"]] != row["id"], row["id"]))
        groups.append({"source": source, "reason": reason, "count": len(rows), "records": rows[:IDS_PER_REASON]})
    return groups


def _piece(piece: Text | Clinical | Image) -> dict[str, str]:
    match piece:
        case Image():
            return {"kind": "image", "uri": data_uri(piece.data), "role": piece.role.value}
        case Text():
            return {"kind": "answer" if piece.supervised else "text", "text": piece.text}
        case Clinical():
            return {"kind": "text", "text": piece.render()}
