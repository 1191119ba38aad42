"""Rows and images as somebody delivers them, brought through reading and validation; and what selection found of them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations
from pathlib import Path

from components.assembly.corpus import Corpus, Entry
from components.assembly.selection.bins import select
from components.assembly.selection.lookalikes import Neighbours
from components.recipes.assembly import AssemblySettings, SplitSettings
from components.recipes.recipe import Recipe
from components.recipes.shipped import read_shipped
from components.recipes.sources import SourceSettings
from components.records.vocabulary import Bin, Modality
from components.sources.table import read_source
from components.storage.atomic import write_bytes, write_text
from components.validation.judging import judge
from components.validation.stage import write_judged

FOUND = (Bin.DUPLICATE, Bin.CONTAMINATING)


@dataclass(slots=True)
class Delivery:
    """One source of JSON lines with images; each row says the same as those of its truth, and as no other."""

    work: Path
    source: str
    truths: dict[str, str] = field(default_factory=dict)
    """Record id -> what it is a copy of; two records are of one truth or they are not copies of each other."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Record id -> the kind of copy."""
    _rows: list[str] = field(default_factory=list)
    _entries: tuple[Entry, ...] = ()

    def add(
        self,
        truth: str,
        image: bytes = b"",
        *,
        kind: str = "",
        patient: str = "",
        modality: Modality = Modality.TEXT,
        split: str = "train",
        **said: str,
    ) -> None:
        """A row; `said` are its columns of text."""
        number = len(self._rows)
        row = {"split": split, "licence": "CC0-1.0", **said}
        if image:
            name = f"images/{number:07d}.{_suffix(image)}"
            write_bytes(self._raw / name, image)
            row |= {"image": name, "patient_id": patient, "modality": modality.value}
        self._rows.append(json.dumps(row))
        identity = f"{self.source}/rows-{number:07d}"
        self.truths[identity], self.kinds[identity] = truth, kind

    def entries(self) -> tuple[Entry, ...]:
        """What validation keeps of it; nothing is added afterwards. Raises ValueError where that is not all: the benchmark would measure less."""
        if self._entries:
            return self._entries

        write_text(self._raw / "rows.jsonl", "\n".join(self._rows) + "\n")
        items = read_source(self._raw, self.source, SourceSettings(path=self.source, format="jsonl"))
        judged = judge(self.source, items, recipe().validation, decisions={}, accepted={})
        if judged.quarantine:
            worst = judged.quarantine[0]
            raise ValueError(f"{len(judged.quarantine)} rows of {self.source} were quarantined, the first: {worst}")
        write_judged(self.work / "validated" / self.source, judged)
        self._entries = Corpus(self.work / "validated", [self.source]).entries
        return self._entries

    @property
    def _raw(self) -> Path:
        return self.work / "raw" / self.source


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What selection made of the copies that were planted beside their originals."""

    planted: int
    found: int
    """Copies that ended in the bin where they belong, by reason of a record of the same truth."""
    missed: tuple[str, ...]
    """The other copies, and where each ended."""
    mistaken: tuple[str, ...]
    """Records taken out by reason of a record of another truth."""

    @property
    def recall(self) -> float:
        return self.found / max(1, self.planted)

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + len(self.mistaken))


def outcomes(base: Delivery, copies: Delivery) -> dict[str, Outcome]:
    """What came of each kind of copies, each kind planted alone beside all originals."""
    originals, planted = base.entries(), copies.entries()
    kinds = dict.fromkeys(copies.kinds.values())
    alone = {kind: [entry for entry in planted if copies.kinds[entry.id] == kind] for kind in kinds}
    return {kind: outcome(originals, entries, base.truths | copies.truths) for kind, entries in alone.items()}


def outcome(originals: Sequence[Entry], copies: Sequence[Entry], truths: Mapping[str, str]) -> Outcome:
    """A copy of what is held out is contaminating, any other a duplicate."""
    decisions = select([*originals, *copies], settings_with(SplitSettings(test={}, slabs=(), val_share=0.0)))
    held_out = {truths[d.entry.id] for d in decisions if d.bin is Bin.HELDOUT}
    planted = {entry.id for entry in copies}
    found, missed, mistaken = 0, [], []
    for decision in decisions:
        truth = truths[decision.entry.id]
        told = f"{decision.entry.id} of {truth}: {decision.bin} {decision.reason} {decision.other}".strip()
        is_same = truths.get(decision.other) == truth
        if decision.entry.id in planted:
            if is_same and decision.bin is (Bin.CONTAMINATING if truth in held_out else Bin.DUPLICATE):
                found += 1
            else:
                missed.append(told)
        if decision.bin in FOUND and not is_same:
            mistaken.append(told)
    return Outcome(planted=len(planted), found=found, missed=tuple(missed), mistaken=tuple(mistaken))


def false_matches(entries: Sequence[Entry], patients: Mapping[str, str]) -> tuple[list[str], int]:
    """(pairs of images of different patients that the rule takes for one, number of all such pairs); patients by id."""
    by_hash: dict[int, list[Entry]] = {}
    for entry in entries:
        by_hash.setdefault(entry.looks[0].hash, []).append(entry)
    neighbours = Neighbours(entry.looks[0] for entry in entries)
    matched: set[tuple[str, str]] = set()
    for entry in entries:
        near = (other for value in neighbours.of(entry.looks[0].hash) for other in by_hash.get(value, ()))
        matched |= {
            (f"{entry.id} of {patients[entry.id]}", f"{other.id} of {patients[other.id]}")
            for other in near
            if entry.id < other.id
            and patients[entry.id] != patients[other.id]
            and entry.looks[0].is_like(other.looks[0])
        }
    size = Counter(patients[entry.id] for entry in entries)
    return [f"{one}, {other}" for one, other in sorted(matched)], sum(a * b for a, b in combinations(size.values(), 2))


def settings_with(splits: SplitSettings) -> AssemblySettings:
    """The recipe's rules with these splits."""
    return replace(recipe().assembly, splits=splits)


@cache
def recipe() -> Recipe:
    """What is planted is judged and selected by this one."""
    return read_shipped("tiny-scratch")


def _suffix(image: bytes) -> str:
    starts = {b"\x89PNG": "png", b"\xff\xd8": "jpg", b"BM": "bmp", b"II*\0": "tif", b"MM\0*": "tif"}
    return next(suffix for start, suffix in starts.items() if image.startswith(start))
