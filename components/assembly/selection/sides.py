"""What training must not show: the images, words and patients of the records on another side."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.assembly.corpus import Entry
from components.assembly.selection.lookalikes import Gallery, Neighbours
from components.assembly.selection.near_texts import NearTexts
from components.assembly.selection.wording import RUN, Wording, is_said_of_few
from components.records.vocabulary import Split


@dataclass(frozen=True, kw_only=True, slots=True)
class Leak:
    """Why a record would give a side away, and which record of that side it is about."""

    reason: str
    other: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What all records say that belongs to them alone, and which of it is nearly the same."""

    by_record: Mapping[str, Sequence[str]]
    """Record id -> its telling texts."""
    images: Mapping[str, Collection[str]]
    """Text -> the images that it is said of."""
    near: NearTexts


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One side as the others look at it."""

    name: str
    pixels: Mapping[str, str]
    """Hash -> record id."""
    patients: Mapping[str, str]
    """Patient key -> record id."""
    gallery: Gallery
    words: Mapping[str, str]
    """What its records say that no second image says by nature -> record id."""
    own: frozenset[str]
    """Those of them that have words of their own, beside phrases that many images share."""
    told: Told
    runs: Mapping[str, str]
    """Text of any record -> the text of this side with which it shares a long run of words."""

    @classmethod
    def of(
        cls,
        name: str,
        entries: Iterable[Entry],
        whole_patients: tuple[Split, ...],
        *,
        neighbours: Neighbours,
        told: Told,
    ) -> "Side":
        """The side of these entries; patients count where they are held out whole."""
        ordered = sorted(entries, key=lambda entry: entry.id, reverse=True)
        gallery = Gallery(neighbours)
        for entry in reversed(ordered):
            for look in entry.looks:
                gallery.add(look, patient=entry.patient_key, identity=entry.id)
        words = {text: entry.id for entry in ordered for text in told.by_record[entry.id]}
        wording = Wording(told.images, list(words))
        return cls(
            name=name,
            gallery=gallery,
            words=words,
            told=told,
            own=frozenset(wording.own_texts()),
            runs=wording.shared_runs(),
            pixels={pixels: entry.id for entry in ordered for pixels in (entry.pixels, *entry.more_pixels)},
            patients={entry.patient_key: entry.id for entry in ordered if entry.split in whole_patients},
        )

    @property
    def article(self) -> str:
        """a or an."""
        return "an" if self.name[0] in "aeiou" else "a"

    def leak(self, entry: Entry, words: Iterable[str]) -> Leak | None:
        """What of the entry would give this side away: its image, its telling words or its patient."""
        for pixels in (entry.pixels, *entry.more_pixels):
            if other := self.pixels.get(pixels):
                what, seen = ("image", "pixels") if entry.has_image else ("text", "text")
                return Leak(reason=f"same {seen} as {self.article} {self.name} {what}", other=other)
        for look in entry.looks:
            if other := self.gallery.find(look, patient=entry.patient_key):
                return Leak(reason=f"looks like {self.article} {self.name} image", other=other)
        for text in words:
            if other := self._nearly(text):
                return Leak(reason=f"nearly the text of {self.article} {self.name} record", other=other)
            if run := self.runs.get(text):
                reason = f"{RUN} words in a row of {self.article} {self.name} text"
                return Leak(reason=reason, other=self.words[run])
        if other := self.patients.get(entry.patient_key):
            return Leak(reason=f"patient has {self.name} images", other=other)
        return None

    def _nearly(self, text: str) -> str | None:
        """The first record, by id, of this side that says nearly this, where few images have it said of them."""
        near = self.told.near.of(text)
        mine = [other for other in near if other in self.own]
        if not mine or not is_said_of_few(near, self.told.images):
            return None
        few = [other for other in mine if is_said_of_few(self.told.near.of(other), self.told.images)]
        return min((self.words[other] for other in few), default=None)
