"""Records that say of one image, or of two that look the same, what cannot both be true; and records that add to each other.

What a record claims is a set of (about what, what) with one value each: two values about one thing of one image conflict.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from components.assembly.corpus import Entry, normal_text
from components.assembly.selection.deciding import deciding
from components.assembly.selection.lookalikes import Gallery, Neighbours
from components.records.record import Turn
from components.records.vocabulary import MICRONS, Modality, TurnKind
from components.validation.vocabulary import FACTS, LIST_FACTS

CONFLICT = "label conflict"
"""The reason of both records."""
CHANNELS = ("contrast", "map", "stain")
"""Facts that make another image of one place: of one patient they differ without a conflict."""
_DERIVED = ("colour", "level", "window", MICRONS)
"""What the pixels, the extent of the scan, the scanner or the reader's window say, and no label."""
_SHORT = 3
"""Words of an open answer that is compared by its numbers and sides; a longer one may say both."""
_SHOWN_CHARACTERS = 80


class About(NamedTuple):
    """What is claimed of an image."""

    name: str
    """Of the fact or finding, or the question."""
    options: tuple[str, ...] = ()
    """Of a choice: among others another one may be right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """What stands against a record."""

    other: str
    """The id of the first record that says otherwise."""
    detail: str
    """Both labels, in words."""


def channel(entry: Entry) -> str:
    """The contrast or stain of the record's image, or the tissue that it maps, where it is known."""
    return next((entry.facts[name] for name in CHANNELS if entry.facts.get(name)), "")


def find_conflicts(entries: Iterable[Entry], neighbours: Neighbours) -> dict[str, Conflict]:
    """Record id -> what stands against it. Entries are those of one side, in the order of their ids."""
    said: dict[tuple[str, About], dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for image, entry in _by_image(entries, neighbours):
        for about, value in _claims(entry):
            said[image, about][value].append(entry)
    found: dict[str, Conflict] = {}
    for (_, about), values in said.items():
        for value, claiming in values.items() if len(values) > 1 else ():
            others = [(told, claims) for told, claims in values.items() if told != value]
            for entry in claiming:
                if entry.id not in found and (conflict := _against(entry, about, value, others)):
                    found[entry.id] = conflict
    return found


def completed(kept: Entry, repeated: Entry, *, same_pixels: bool) -> Entry:
    """The kept entry with what only its copy knows: facts, findings and, where the pixels are the same, paired images."""
    facts = dict(kept.facts)
    for name, value in repeated.facts.items():
        if name in _DERIVED and not same_pixels:
            continue
        if name in LIST_FACTS and facts.get(name):
            facts[name] = ";".join(dict.fromkeys([*facts[name].split(";"), *value.split(";")]))
        elif value and not facts.get(name):
            facts[name] = value
    maps = set(repeated.targets) - set(kept.targets) if same_pixels else set()
    modality = repeated.modality if kept.modality is Modality.UNKNOWN else kept.modality
    anatomy = repeated.anatomy if kept.anatomy == "unknown" else kept.anatomy
    if (facts, maps, modality, anatomy) == (kept.facts, set(), kept.modality, kept.anatomy):
        return kept
    return replace(
        kept,
        facts=facts,
        origins={**repeated.origins, **kept.origins},
        modality=modality,
        anatomy=anatomy,
        targets=tuple(sorted({*kept.targets, *maps})),
        borrowed=(*kept.borrowed, *((name, repeated.id) for name in sorted(maps))),
    )


def _by_image(entries: Iterable[Entry], neighbours: Neighbours) -> Iterator[tuple[str, Entry]]:
    """The entries that show something, each with a name for its image: that of the first that looks the same."""
    gallery, names = Gallery(neighbours), dict[str, str]()
    for entry in entries:
        if not entry.has_image:
            continue
        pixels = " ".join((entry.pixels, *entry.more_pixels))
        if pixels not in names:
            names[pixels] = pixels
            if len(entry.looks) == 1:
                known = {"patient": entry.patient_key, "channel": channel(entry)}
                like = gallery.find(entry.looks[0], **known)
                names[pixels] = like or pixels
                gallery.add(entry.looks[0], **known, identity=names[pixels])
        yield names[pixels], entry


def _claims(entry: Entry) -> Iterator[tuple[About, str]]:
    """What the record says, as far as it has one value: labels of a kind, findings, answers to questions."""
    if entry.modality is not Modality.UNKNOWN:
        yield About("modality"), entry.modality.value
    for name in FACTS:
        if name not in _DERIVED and entry.facts.get(name):
            yield About(name), entry.facts[name]
    for name, value in (("findings", "present"), ("absent_findings", "absent")):
        yield from ((About(finding), value) for finding in entry.facts.get(name, "").split(";") if finding)
    for turn in entry.turns:
        if answer := _decided(turn):
            yield About(normal_text(turn.prompt), tuple(sorted(map(normal_text, turn.options)))), answer


def _decided(turn: Turn) -> str:
    """The answer as far as another one contradicts it; "" where both could be true."""
    said = normal_text(turn.answer)
    if not normal_text(turn.prompt) or not said:
        return ""
    first = said.split()[0]
    if turn.kind is TurnKind.CHOICE:
        return said
    if turn.kind in (TurnKind.CLOSED, TurnKind.OPEN) and first in ("yes", "no"):
        return first
    if turn.kind is TurnKind.CLOSED:
        return said
    if turn.kind is TurnKind.OPEN and len(said.split()) <= _SHORT:
        return " ".join(deciding(said)[0])
    return ""


def _against(entry: Entry, about: About, value: str, others: Iterable[tuple[str, Sequence[Entry]]]) -> Conflict | None:
    """The first record, by id, that says otherwise of the entry's image; in another channel one patient's is no other claim."""
    against = (
        (other.id, told)
        for told, claims in others
        for other in claims
        if about.name not in CHANNELS or entry.patient_key != other.patient_key
    )
    first = min(against, default=None)
    if first is None:
        return None
    return Conflict(other=first[0], detail=f"{about.name[:_SHOWN_CHARACTERS]}: {value} here, {first[1]} in {first[0]}")
