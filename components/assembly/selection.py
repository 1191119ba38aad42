"""Every validated record into its bin: split, then decontaminate, then deduplicate, then the recipe's filters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from components.assembly.corpus import Entry, normal_text
from components.assembly.delivered import TOLD, said
from components.assembly.lookalikes import Gallery, Neighbours
from components.assembly.questions.captions import caption
from components.assembly.settings import AssemblySettings
from components.assembly.splits import SplitPlan
from components.records.keys import keyed_hash
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """What training must not show: images and patients of the records on the other side."""

    name: str
    pixels: Mapping[str, str]
    """Hash -> record id."""
    patients: Mapping[str, str]
    """Patient key -> record id."""
    gallery: Gallery

    @classmethod
    def of(
        cls, name: str, entries: Iterable[Entry], whole_patients: tuple[Split, ...], neighbours: Neighbours
    ) -> "_Side":
        """The side of these entries; patients count where they are held out whole."""
        ordered = sorted(entries, key=lambda entry: entry.id, reverse=True)
        gallery = Gallery(neighbours)
        for entry in reversed(ordered):
            for look in entry.looks:
                gallery.add(look, patient=entry.patient_key, text="", identity=entry.id)
        return cls(
            name=name,
            gallery=gallery,
            pixels={pixels: entry.id for entry in ordered for pixels in (entry.pixels, *entry.more_pixels)},
            patients={entry.patient_key: entry.id for entry in ordered if entry.split in whole_patients},
        )

    @property
    def article(self) -> str:
        """a or an."""
        return "an" if self.name[0] in "aeiou" else "a"

    def leak(self, entry: Entry) -> Decision | None:
        """The decision on an entry that would give this side away, else None."""
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
        if other := self.patients.get(entry.patient_key):
            reason = f"patient has {self.name} images"
            return Decision(entry=entry, bin=Bin.CONTAMINATING, reason=reason, other=other)
        return None


def select(entries: Iterable[Entry], settings: AssemblySettings) -> tuple[Decision, ...]:
    """One decision for each record, in the order of ids. The held-out side never moves, and training never shows what
    a held-out or validation record shows."""
    plan = SplitPlan.from_settings(settings.splits)
    placed = [entry.on(plan.split_of(entry)) for entry in sorted(entries, key=lambda entry: entry.id)]
    neighbours = Neighbours(look for entry in placed for look in entry.looks)
    gone = (entry for entry in placed if entry.patient_key in settings.excluded_patients)
    taken_out = _Side.of("excluded", gone, (), neighbours)
    used = [entry for entry in placed if entry.patient_key not in settings.excluded_patients]
    held_out = _Side.of("held-out", (e for e in used if e.split in HELD_OUT), (Split.TEST,), neighbours)
    validation = _Side.of("validation", (e for e in used if e.split is Split.VAL), (Split.VAL,), neighbours)
    decisions, seen = [], dict[tuple[str, str], str]()
    galleries = {side: Gallery(neighbours) for side in (*(split.value for split in HELD_OUT), "kept")}
    for entry in placed:
        decision = _rule(entry, settings) or _excluded(entry, taken_out)
        if decision is None and entry.split not in HELD_OUT:
            decision = held_out.leak(entry)
        if decision is None and entry.split is Split.TRAIN:
            decision = validation.leak(entry)
        if decision is None:
            side = entry.split.value if entry.split in HELD_OUT else "kept"
            first = seen.setdefault((side, _content(entry)), entry.id)
            decision = _repeat(entry, first) or _lookalike(entry, galleries[side]) or _used(entry)
        decisions.append(decision)
    return tuple(decisions)


def _rule(entry: Entry, settings: AssemblySettings) -> Decision | None:
    if entry.patient_key in settings.excluded_patients:
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
    same = taken_out.leak(entry)
    return replace(same, bin=Bin.FILTERED) if same else None


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
