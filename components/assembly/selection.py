"""Every validated record into its bin: split, then decontaminate, then deduplicate, then the recipe's filters."""

from collections.abc import Iterable
from dataclasses import dataclass

from components.assembly.corpus import Entry
from components.assembly.questions.captions import caption
from components.assembly.settings import AssemblySettings
from components.assembly.splits import SplitPlan
from components.records.vocabulary import Bin, Split

HELD_OUT = (Split.TEST, Split.WITHIN_SUBJECT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Where one record ends, why, and which other record is the reason."""

    entry: Entry
    """With its split."""
    bin: Bin
    reason: str = ""
    """The rule, as the accounting counts it."""
    other: str = ""
    """The id of the record it repeats or would give away."""


def select(entries: Iterable[Entry], settings: AssemblySettings) -> tuple[Decision, ...]:
    """One decision for each record, in the order of ids. The held-out side never moves."""
    plan = SplitPlan.from_settings(settings.splits)
    placed = [entry.on(plan.split_of(entry)) for entry in sorted(entries, key=lambda entry: entry.id)]
    held_out = [e for e in placed if e.split in HELD_OUT and e.patient_key not in settings.excluded_patients]
    held_pixels = {entry.pixels: entry.id for entry in reversed(held_out)}
    test_patients = {entry.patient_key: entry.id for entry in reversed(held_out) if entry.split is Split.TEST}
    decisions, seen = [], dict[tuple[str, str], str]()
    for entry in placed:
        decision = _rule(entry, settings) or _leak(entry, held_pixels, test_patients)
        if decision is None:
            side = entry.split.value if entry.split in HELD_OUT else "kept"
            first = seen.setdefault((side, entry.pixels), entry.id)
            decision = _repeat(entry, first)
        decisions.append(decision)
    return tuple(decisions)


def _rule(entry: Entry, settings: AssemblySettings) -> Decision | None:
    if entry.patient_key in settings.excluded_patients:
        return Decision(entry=entry, bin=Bin.FILTERED, reason="excluded-patient")
    if entry.split is Split.GUARD:
        return Decision(entry=entry, bin=Bin.FILTERED, reason="guard-band")
    shortest, longest = settings.caption_characters
    if entry.split not in HELD_OUT and not shortest <= len(caption(entry)) <= longest:
        return Decision(entry=entry, bin=Bin.FILTERED, reason="caption-length")
    return None


def _leak(entry: Entry, held_pixels: dict[str, str], test_patients: dict[str, str]) -> Decision | None:
    if entry.split in HELD_OUT:
        return None
    if other := held_pixels.get(entry.pixels):
        return Decision(entry=entry, bin=Bin.CONTAMINATING, reason="same pixels as a held-out image", other=other)
    if other := test_patients.get(entry.patient_key):
        return Decision(entry=entry, bin=Bin.CONTAMINATING, reason="patient has held-out images", other=other)
    return None


def _repeat(entry: Entry, first: str) -> Decision:
    if first != entry.id:
        return Decision(entry=entry, bin=Bin.DUPLICATE, reason="same pixels", other=first)
    return Decision(entry=entry, bin=Bin.HELDOUT if entry.split in HELD_OUT else Bin.KEPT)
