"""Every validated record into its bin: split, then the recipe's filters, then decontaminate, then deduplicate."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

from components.assembly.alignment.filter import UNSCORED, Scorer, rank
from components.assembly.conversations.delivered import TOLD, said
from components.assembly.conversations.questions.captions import caption
from components.assembly.corpus import Entry
from components.assembly.selection.copies import settle
from components.assembly.selection.decision import Decision
from components.assembly.selection.lookalikes import Neighbours
from components.assembly.selection.near_texts import NearTexts
from components.assembly.selection.sides import Leak, Side, Told
from components.assembly.selection.splits import SplitPlan
from components.assembly.selection.words import told, words
from components.recipes.assembly import AssemblySettings
from components.records.licences import refused_word
from components.records.vocabulary import HELD_OUT, VALIDATION, Bin, Split
from components.sources.patients import Patients

MISALIGNED = "alignment"
"""The reason of a record whose captions are below their source's top share."""
EXCLUDED = "excluded-patient"
NO_SOURCES = Patients()
"""Every source's patients in a namespace of their own, as their files name them."""


def select(
    entries: Iterable[Entry],
    settings: AssemblySettings,
    scorer: Scorer = UNSCORED,
    patients: Patients = NO_SOURCES,
    lent: Collection[str] = (),
) -> tuple[Decision, ...]:
    """One decision for each record, in the order of ids. The held-out side never moves, and training never shows what
    a held-out or validation record shows.

    Captions are ranked before duplicates are looked for: a record that falls out takes no better worded copy with it.
    `lent` are the sources that may not be passed on.
    """
    plan = SplitPlan.from_settings(settings.splits, patients)
    excluded = {key for listed in settings.excluded_patients for key in (listed, patients.former.now(listed))}
    placed = [entry.on(plan.split_of(entry)) for entry in sorted(entries, key=lambda entry: entry.id)]
    telling = _telling(placed)
    neighbours = Neighbours(look for entry in placed for look in entry.looks)
    side_of = partial(Side.of, neighbours=neighbours, told=telling)
    used = [entry for entry in placed if entry.patient_key not in excluded]
    taken_out = side_of("excluded", (e for e in placed if e.patient_key in excluded), ())
    held_out = side_of("held-out", (e for e in used if e.split in HELD_OUT), (Split.TEST,))
    validation = side_of("validation", (e for e in used if e.split in VALIDATION), (Split.VAL,))
    ruled = {entry.id: decision for entry in placed if (decision := _rule(entry, settings, excluded, lent))}
    ranked = (entry for entry in placed if entry.split not in HELD_OUT and entry.id not in ruled)
    ranking = rank(ranked, settings.alignment.keep, scorer)
    decided: dict[str, Decision] = {}
    for entry in placed:
        decision = ruled.get(entry.id)
        if decision is None and entry.id in ranking.dropped:
            decision = Decision(entry=entry, bin=Bin.FILTERED, reason=MISALIGNED)
        decision = decision or _leaking(entry, taken_out.leak(entry, ()), Bin.FILTERED)
        if decision is None and entry.split not in HELD_OUT:
            decision = _leaking(entry, held_out.leak(entry, telling.by_record[entry.id]))
        if decision is None and entry.split is Split.TRAIN:
            decision = _leaking(entry, validation.leak(entry, telling.by_record[entry.id]))
        if decision is not None:
            decided[entry.id] = decision
    left = [entry for entry in placed if entry.id not in decided]
    for side in Split:
        decided |= settle([entry for entry in left if entry.split is side], neighbours, telling.near)
    return tuple(replace(decided[entry.id], alignment=ranking.scores.get(entry.id)) for entry in placed)


def _telling(placed: Sequence[Entry]) -> Told:
    """What each record tells of its image alone, and which of all texts are near each other."""
    by_record = {entry.id: told(entry) for entry in placed}
    images: dict[str, set[str]] = defaultdict(set)
    for entry in placed:
        for text in by_record[entry.id]:
            images[text].add(entry.pixels)
    near = NearTexts([*(words(entry) for entry in placed), *images])
    return Told(by_record=by_record, images=images, near=near)


def _leaking(entry: Entry, leak: Leak | None, where: Bin = Bin.CONTAMINATING) -> Decision | None:
    """The decision on an entry that would give a side away. An excluded patient's image under another patient's name is
    filtered as that patient is."""
    return leak and Decision(entry=entry, bin=where, reason=leak.reason, other=leak.other)


def _rule(
    entry: Entry, settings: AssemblySettings, excluded: Collection[str], lent: Collection[str]
) -> Decision | None:
    if entry.patient_key in excluded:
        return Decision(entry=entry, bin=Bin.FILTERED, reason=EXCLUDED)
    if word := refused_word(entry.licence, settings.licences.refuse, is_lent=entry.source in lent):
        return Decision(entry=entry, bin=Bin.FILTERED, reason=f"licence {word}")
    if entry.split is Split.GUARD:
        return Decision(entry=entry, bin=Bin.FILTERED, reason="guard-band")
    if entry.split in HELD_OUT:
        return None
    if any(turn.answer and not said(turn) for turn in entry.turns):
        return Decision(entry=entry, bin=Bin.FILTERED, reason="redacted")
    shortest, longest = settings.caption_characters
    captions = [said(turn) for turn in entry.turns if turn.kind in TOLD] if entry.turns else [caption(entry)]
    if not all(shortest <= len(text) <= longest for text in captions):
        return Decision(entry=entry, bin=Bin.FILTERED, reason="caption-length")
    return None
