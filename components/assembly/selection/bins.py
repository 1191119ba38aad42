"""Every validated record into its bin: split, then the recipe's filters, then decontaminate, then deduplicate."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from components.assembly.alignment.filter import UNSCORED, Scorer, rank
from components.assembly.conversations.delivered import TOLD, said
from components.assembly.conversations.questions.captions import caption
from components.assembly.corpus import Entry, normal_text
from components.assembly.selection.lookalikes import Gallery, Neighbours
from components.assembly.selection.near_texts import RUN, NearTexts, shared_runs
from components.assembly.selection.splits import SplitPlan
from components.recipes.assembly import AssemblySettings
from components.records.vocabulary import Bin, Split, TurnKind
from components.sources.patients import Patients
from components.storage.keys import keyed_hash

HELD_OUT = (Split.TEST, Split.WITHIN_SUBJECT)
MISALIGNED = "alignment"
"""The reason of a record whose captions are below their source's top share."""
NO_SOURCES = Patients()
"""Every source's patients in a namespace of their own, as their files name them."""
LEAST_WORDS = 8
"""Shorter texts are compared whole: two patients' short answers are alike by nature."""


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
    alignment: float | None = None
    """The score by which its captions were ranked, in [0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """What training must not show: images and patients of the records on the other side."""

    name: str
    pixels: Mapping[str, str]
    """Hash -> record id."""
    patients: Mapping[str, str]
    """Patient key -> record id."""
    gallery: Gallery
    words: Mapping[str, str]
    """What its records say that no second image says by nature -> record id."""
    near: NearTexts
    runs: Mapping[str, str]
    """Text of the other records -> the text of this side with which it shares a long run of words."""

    @classmethod
    def of(
        cls,
        name: str,
        entries: Iterable[Entry],
        whole_patients: tuple[Split, ...],
        *,
        neighbours: Neighbours,
        telling: Mapping[str, str],
        near: NearTexts,
    ) -> "_Side":
        """The side of these entries; patients count where they are held out whole."""
        ordered = sorted(entries, key=lambda entry: entry.id, reverse=True)
        gallery = Gallery(neighbours)
        for entry in reversed(ordered):
            for look in entry.looks:
                gallery.add(look, patient=entry.patient_key, text="", identity=entry.id)
        words = {telling[entry.id]: entry.id for entry in ordered if telling[entry.id]}
        return cls(
            name=name,
            gallery=gallery,
            words=words,
            near=near,
            runs=shared_runs(sorted(set(telling.values())), list(words)),
            pixels={pixels: entry.id for entry in ordered for pixels in (entry.pixels, *entry.more_pixels)},
            patients={entry.patient_key: entry.id for entry in ordered if entry.split in whole_patients},
        )

    @property
    def article(self) -> str:
        """a or an."""
        return "an" if self.name[0] in "aeiou" else "a"

    def leak(self, entry: Entry, words: str) -> Decision | None:
        """The decision on an entry that would give this side away by its image, its telling words or its patient."""
        for pixels in (entry.pixels, *entry.more_pixels):
            if other := self.pixels.get(pixels):
                what = "image" if entry.has_image else "text"
                seen = "pixels" if entry.has_image else "text"
                reason = f"same {seen} as {self.article} {self.name} {what}"
                return Decision(entry=entry, bin=Bin.CONTAMINATING, reason=reason, other=other)
        for look in entry.looks:
            if other := self.gallery.find(look, patient=entry.patient_key, text=""):
                reason = f"looks like {self.article} {self.name} image"
                return Decision(entry=entry, bin=Bin.CONTAMINATING, reason=reason, other=other)
        if other := self.near.find(words, self.words):
            reason = f"nearly the text of {self.article} {self.name} record"
            return Decision(entry=entry, bin=Bin.CONTAMINATING, reason=reason, other=other)
        if run := self.runs.get(words):
            reason = f"{RUN} words in a row of {self.article} {self.name} text"
            return Decision(entry=entry, bin=Bin.CONTAMINATING, reason=reason, other=self.words[run])
        if other := self.patients.get(entry.patient_key):
            reason = f"patient has {self.name} images"
            return Decision(entry=entry, bin=Bin.CONTAMINATING, reason=reason, other=other)
        return None


def select(
    entries: Iterable[Entry],
    settings: AssemblySettings,
    scorer: Scorer = UNSCORED,
    patients: Patients = NO_SOURCES,
) -> tuple[Decision, ...]:
    """One decision for each record, in the order of ids. The held-out side never moves, and training never shows what
    a held-out or validation record shows.

    Captions are ranked before duplicates are looked for: a record that falls out takes no better worded copy with it.
    """
    plan = SplitPlan.from_settings(settings.splits, patients)
    excluded = {key for listed in settings.excluded_patients for key in (listed, patients.former.now(listed))}
    placed = [entry.on(plan.split_of(entry)) for entry in sorted(entries, key=lambda entry: entry.id)]
    words = {entry.id: _words(entry) for entry in placed}
    telling = {entry.id: words[entry.id] if _tells_images_apart(entry) else "" for entry in placed}
    neighbours, near = Neighbours(look for entry in placed for look in entry.looks), NearTexts(words.values())
    side_of = partial(_Side.of, neighbours=neighbours, telling=telling, near=near)
    used = [entry for entry in placed if entry.patient_key not in excluded]
    taken_out = side_of("excluded", (e for e in placed if e.patient_key in excluded), ())
    held_out = side_of("held-out", (e for e in used if e.split in HELD_OUT), (Split.TEST,))
    validation = side_of("validation", (e for e in used if e.split is Split.VAL), (Split.VAL,))
    ruled = {entry.id: decision for entry in placed if (decision := _rule(entry, settings, excluded))}
    ranked = (entry for entry in placed if entry.split not in HELD_OUT and entry.id not in ruled)
    ranking = rank(ranked, settings.alignment.keep, scorer)
    decisions, seen = [], dict[tuple[str, str], str]()
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    galleries = {side: Gallery(neighbours) for side in (*(split.value for split in HELD_OUT), "kept")}
    for entry in placed:
        decision = ruled.get(entry.id)
        if decision is None and entry.id in ranking.dropped:
            decision = Decision(entry=entry, bin=Bin.FILTERED, reason=MISALIGNED)
        decision = decision or _excluded(entry, taken_out)
        if decision is None and entry.split not in HELD_OUT:
            decision = held_out.leak(entry, telling[entry.id])
        if decision is None and entry.split is Split.TRAIN:
            decision = validation.leak(entry, telling[entry.id])
        if decision is None:
            side = entry.split.value if entry.split in HELD_OUT else "kept"
            first = seen.setdefault((side, _content(entry)), entry.id)
            of_image = said[side, keyed_hash(entry.pixels, *entry.more_pixels) if entry.has_image else ""]
            decision = (
                _repeat(entry, first)
                or _says_again(entry, near.find(words[entry.id], of_image))
                or _lookalike(entry, galleries[side])
                or _used(entry)
            )
            if words[entry.id] and decision.bin is not Bin.DUPLICATE:
                of_image[words[entry.id]] = entry.id
        decisions.append(replace(decision, alignment=ranking.scores.get(entry.id)))
    return tuple(decisions)


def _rule(entry: Entry, settings: AssemblySettings, excluded: Collection[str]) -> Decision | None:
    if entry.patient_key in excluded:
        return Decision(entry=entry, bin=Bin.FILTERED, reason="excluded-patient")
    if entry.split is Split.GUARD:
        return Decision(entry=entry, bin=Bin.FILTERED, reason="guard-band")
    if entry.split in HELD_OUT:
        return None
    if any(turn.answer and not said(turn) for turn in entry.turns):
        return Decision(entry=entry, bin=Bin.FILTERED, reason="redacted")
    shortest, longest = settings.caption_characters
    told = [said(turn) for turn in entry.turns if turn.kind in TOLD] if entry.turns else [caption(entry)]
    if not all(shortest <= len(text) <= longest for text in told):
        return Decision(entry=entry, bin=Bin.FILTERED, reason="caption-length")
    return None


def _excluded(entry: Entry, taken_out: _Side) -> Decision | None:
    """An excluded patient's image under another patient's name goes as well."""
    same = taken_out.leak(entry, "")
    return replace(same, bin=Bin.FILTERED) if same else None


def _words(entry: Entry) -> str:
    """What the source says of the record as words between single blanks, each Chinese character one; "" for little."""
    text = " ".join(_texts(entry))
    words = _CHARACTERS.sub(r" \g<0> ", text).split()
    return " ".join(words) if len(words) >= LEAST_WORDS else ""


_CHARACTERS = re.compile(r"[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]")


def _tells_images_apart(entry: Entry) -> bool:
    """Whether its words belong to it alone: those of text without an image, and captions. Questions and reports of
    different patients are alike by nature."""
    return not entry.has_image or any(turn.kind is TurnKind.CAPTION for turn in entry.turns)


def _content(entry: Entry) -> str:
    """What makes a record worth having: its pixels, and with turns what they ask and answer as well."""
    if not entry.turns:
        return entry.pixels
    return keyed_hash(entry.pixels, *entry.more_pixels, *_texts(entry))


def _texts(entry: Entry) -> list[str]:
    return [normal_text(text) for turn in entry.turns for text in (turn.prompt, turn.answer)]


def _repeat(entry: Entry, first: str) -> Decision | None:
    if first == entry.id:
        return None
    reason = "same image and text" if entry.turns else "same pixels"
    return Decision(entry=entry, bin=Bin.DUPLICATE, reason=reason, other=first)


def _says_again(entry: Entry, other: str | None) -> Decision | None:
    if other is None:
        return None
    reason = "same image, nearly the same text" if entry.has_image else "nearly the same text"
    return Decision(entry=entry, bin=Bin.DUPLICATE, reason=reason, other=other)


def _lookalike(entry: Entry, gallery: Gallery) -> Decision | None:
    """The decision on a record whose image hangs in the gallery under another patient's name; else it is hung there."""
    if len(entry.looks) != 1:
        return None
    known = {"patient": entry.patient_key, "text": keyed_hash(*_texts(entry))}
    if other := gallery.find(entry.looks[0], **known):
        return Decision(entry=entry, bin=Bin.DUPLICATE, reason="looks the same", other=other)
    gallery.add(entry.looks[0], **known, identity=entry.id)
    return None


def _used(entry: Entry) -> Decision:
    return Decision(entry=entry, bin=Bin.HELDOUT if entry.split in HELD_OUT else Bin.KEPT)
