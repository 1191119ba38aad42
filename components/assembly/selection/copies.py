"""Records of one side that say nothing new: copies, and labels that contradict each other. The first by id is kept."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from components.assembly.corpus import Entry
from components.assembly.selection.conflicts import CONFLICT, channel, completed, find_conflicts
from components.assembly.selection.decision import Decision
from components.assembly.selection.lookalikes import Gallery, Neighbours
from components.assembly.selection.near_texts import NearTexts
from components.assembly.selection.words import says_again, texts, words
from components.records.vocabulary import HELD_OUT, Bin
from components.storage.keys import keyed_hash

SAME = ("same pixels", "same image and text")
"""Reasons of copies whose image is the kept one's, pixel by pixel."""
LOOKS_THE_SAME = "looks the same"
COMPLETED = ", what it adds is merged"
"""Behind the reason of a copy whose facts or paired images the kept record has taken over."""


def settle(entries: Sequence[Entry], neighbours: Neighbours, near: NearTexts) -> dict[str, Decision]:
    """The end of each record of one side, by id, in the order of ids: kept or held out, a copy, or in conflict.

    What a copy knows beyond the record that is kept goes over to that one.
    """
    conflicts = find_conflicts(entries, neighbours)
    seen = _Seen(neighbours, near)
    found: dict[str, Decision] = {}
    for entry in entries:
        if against := conflicts.get(entry.id):
            found[entry.id] = Decision(
                entry=entry, bin=Bin.FILTERED, reason=CONFLICT, other=against.other, detail=against.detail
            )
            continue
        copy = seen.copy_of(entry)
        if copy is None:
            found[entry.id] = Decision(entry=entry, bin=Bin.HELDOUT if entry.split in HELD_OUT else Bin.KEPT)
            continue
        reason, other = copy
        found[entry.id] = Decision(entry=entry, bin=Bin.DUPLICATE, reason=reason, other=other)
        if reason in (*SAME, LOOKS_THE_SAME) and _complete(found, other, entry, same_pixels=reason in SAME):
            found[entry.id] = replace(found[entry.id], reason=reason + COMPLETED)
    return found


def _complete(found: dict[str, Decision], other: str, copy: Entry, *, same_pixels: bool) -> bool:
    """Give what the copy knows to the record that is kept in its place; whether there was anything."""
    while found[other].bin is Bin.DUPLICATE:
        same_pixels = same_pixels and found[other].reason.removesuffix(COMPLETED) in SAME
        other = found[other].other
    kept = found[other].entry
    whole = completed(kept, copy, same_pixels=same_pixels)
    if whole is kept:
        return False
    found[other] = replace(found[other], entry=whole)
    return True


class _Seen:
    """What was met so far on one side."""

    def __init__(self, neighbours: Neighbours, near: NearTexts) -> None:
        self._near = near
        self._gallery = Gallery(neighbours)
        self._content: dict[str, list[Entry]] = defaultdict(list)
        self._said: dict[str, dict[str, Entry]] = defaultdict(dict)

    def copy_of(self, entry: Entry) -> tuple[str, str] | None:
        """(reason, id of the first record that this one repeats); None for a new one, which is met from now on."""
        same = [other for other in self._content[_content(entry)] if _one_channel(entry, other)]
        if same:
            return SAME[bool(entry.turns)], same[0].id
        self._content[_content(entry)].append(entry)
        said, all_words = self._said[_image(entry)], words(entry)
        again = sorted({other.id: other for text in self._near.of(all_words) if (other := said.get(text))}.items())
        if first := next((identity for identity, other in again if says_again(entry, other)), None):
            return "same image, nearly the same text" if entry.has_image else "nearly the same text", first
        if other := self._lookalike(entry):
            return LOOKS_THE_SAME, other
        if all_words:
            said[all_words] = entry
        return None

    def _lookalike(self, entry: Entry) -> str | None:
        """The record whose image hangs in the gallery under another patient's name; else this one's is hung there."""
        if len(entry.looks) != 1:
            return None
        known = {"patient": entry.patient_key, "text": keyed_hash(*texts(entry)), "channel": channel(entry)}
        if other := self._gallery.find(entry.looks[0], **known):
            return other
        self._gallery.add(entry.looks[0], **known, identity=entry.id)
        return None


def _content(entry: Entry) -> str:
    """What makes a record worth having: its pixels, and with turns what they ask and answer as well."""
    if not entry.turns:
        return entry.pixels
    return keyed_hash(entry.pixels, *entry.more_pixels, *texts(entry))


def _image(entry: Entry) -> str:
    return keyed_hash(entry.pixels, *entry.more_pixels) if entry.has_image else ""


def _one_channel(one: Entry, other: Entry) -> bool:
    """Whether two images of the same pixels are one: those of one patient in two known channels are not."""
    channels = {channel(one), channel(other)} - {""}
    return len(channels) < 2 or one.patient_key != other.patient_key
