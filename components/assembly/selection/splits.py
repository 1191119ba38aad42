"""On which side a record stands: a function of the record and the recipe, never of what else is in the corpus."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.assembly.corpus import Entry
from components.recipes.assembly import Slab, SplitSettings
from components.records.vocabulary import Split
from components.storage.keys import patient_key, public_secret, unit_interval


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPlan:
    """The recipe's readable names as patient keys."""

    test: Mapping[str, str]
    """Patient key -> `source/subject` of the held-out ones."""
    slabs: tuple[tuple[str, Slab], ...]
    """(patient key, slab)."""
    test_share: float
    val_share: float

    @classmethod
    def from_settings(cls, settings: SplitSettings) -> "SplitPlan":
        """The plan; a subject that is both held out and cut into slabs is an error."""
        test = {
            _key(source, subject): f"{source}/{subject}"
            for source, subjects in settings.test.items()
            for subject in subjects
        }
        slabs = tuple((_key(slab.source, slab.subject), slab) for slab in settings.slabs)
        for key, slab in slabs:
            if key in test:
                raise ValueError(
                    f"{test[key]} is held out as test, so assembly.splits.slabs must not cut {slab.subject}"
                )
        return cls(test=test, slabs=slabs, test_share=settings.test_share, val_share=settings.val_share)

    def split_of(self, entry: Entry) -> Split:
        """The delivered split where there is one, else test by name, slab or guard by position, else a share of the
        patients by the hash of their key: test, val, train."""
        if entry.delivered_split:
            return entry.delivered_split
        if entry.patient_key in self.test:
            return Split.TEST
        beside = False
        for key, slab in self.slabs:
            if key != entry.patient_key or entry.facts.get("plane", "tile") != slab.plane or entry.position is None:
                continue
            if slab.low <= entry.position <= slab.high:
                return Split.WITHIN_SUBJECT
            beside = beside or slab.low - slab.guard <= entry.position <= slab.high + slab.guard
        if beside:
            return Split.GUARD
        is_cut = any(key == entry.patient_key for key, _ in self.slabs)
        if not is_cut and unit_interval("test", entry.patient_key) < self.test_share:
            return Split.TEST
        return Split.VAL if unit_interval("val", entry.patient_key) < self.val_share else Split.TRAIN

    def absent(self, entries: Iterable[Entry]) -> tuple[str, ...]:
        """Held-out subjects and slabs that no record belongs to: a typing error, or their files are not there."""
        entries = tuple(entries)
        patients = {entry.patient_key for entry in entries}
        missing = [name for key, name in self.test.items() if key not in patients]
        for key, slab in self.slabs:
            if not any(
                entry.patient_key == key
                and entry.facts.get("plane", "tile") == slab.plane
                and entry.position is not None
                and slab.low <= entry.position <= slab.high
                for entry in entries
            ):
                missing.append(f"{slab.source}/{slab.subject} {slab.plane} {slab.low:g} to {slab.high:g}")
        return tuple(sorted(missing))


def _key(source: str, subject: str) -> str:
    """The key of a patient by name; what has the form of a key is one, as `unimed data show` prints it of a private
    source, whose names nobody sees."""
    return subject if _KEY.fullmatch(subject) else patient_key(public_secret(source), subject)


_KEY = re.compile(r"[0-9a-f]{24}")
