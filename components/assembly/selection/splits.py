"""On which side a record stands: a function of the record and the recipe, never of what else is in the corpus."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from components.assembly.corpus import Entry
from components.recipes.assembly import Slab, SplitSettings
from components.records.vocabulary import Split
from components.sources.patients import Patients
from components.storage.keys import unit_interval

SITE = "hospital"
"""The fact that names a record's site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPlan:
    """The recipe's readable names as patient keys."""

    test: Mapping[str, str]
    """Patient key -> `source/subject` of the held-out ones."""
    val: Mapping[str, str]
    """The same of those to choose on."""
    slabs: tuple[tuple[str, Slab], ...]
    """(patient key, slab)."""
    test_share: float
    val_share: float
    by: Literal["patient", "site"]
    patients: Patients

    @classmethod
    def from_settings(cls, settings: SplitSettings, patients: Patients) -> "SplitPlan":
        """The plan; a subject that stands whole on one side and is cut into slabs is an error."""
        test, val = (_named(listed, patients) for listed in (settings.test, settings.val))
        slabs = tuple(
            (key, slab) for slab in settings.slabs for key in sorted(_keys(slab.source, slab.subject, patients))
        )
        for key, slab in slabs:
            if whole := test.get(key):
                raise ValueError(f"{whole} is held out as test, so assembly.splits.slabs must not cut {slab.subject}")
            if whole := val.get(key):
                raise ValueError(f"{whole} is val, so assembly.splits.slabs must not cut {slab.subject}")
        return cls(
            test=test,
            val=val,
            slabs=slabs,
            test_share=settings.test_share,
            val_share=settings.val_share,
            by=settings.by,
            patients=patients,
        )

    def split_of(self, entry: Entry) -> Split:
        """The delivered split where there is one, else test or val by name, slab or guard by position, else a share of
        the patients (or sites) by the hash of their key: test, val, train. A slice in a slab's plane that does not say where it
        lies is guard: it may lie in the slab."""
        if entry.delivered_split:
            return entry.delivered_split
        if entry.patient_key in self.test:
            return Split.TEST
        if entry.patient_key in self.val:
            return Split.VAL
        beside = False
        for key, slab in self.slabs:
            if (key, slab.source) != (entry.patient_key, entry.source) or not _is_cut(entry, slab):
                continue
            if entry.position is None:
                beside = True
            elif slab.low <= entry.position <= slab.high:
                return Split(slab.split)
            else:
                beside = beside or slab.low - slab.guard <= entry.position <= slab.high + slab.guard
        if beside:
            return Split.GUARD
        is_cut = any(key == entry.patient_key for key, _ in self.slabs)
        return (None if is_cut else self.side_of_site(entry.facts)) or self.side_of(entry.patient_key)

    def side_of_site(self, facts: Mapping[str, str]) -> Split | None:
        """The side of the site that the facts name, the same in every source; None where sites are not what is drawn, or
        none is named."""
        site = " ".join(facts.get(SITE, "").casefold().split())
        return self._drawn([f"site/{site}"]) if self.by == "site" and site else None

    def side_of(self, key: str) -> Split:
        """The side of a patient whose records do not say theirs. Whoever was drawn under a former key stays where it was;
        of several that are one patient now, the side of the one that is trained on least."""
        if key in self.test:
            return Split.TEST
        if key in self.val:
            return Split.VAL
        is_cut = any(key == cut for cut, _ in self.slabs)
        return Split.TRAIN if is_cut else self._drawn(self.patients.former.first(key))

    def _drawn(self, keys: Collection[str]) -> Split:
        if any(unit_interval("test", key) < self.test_share for key in keys):
            return Split.TEST
        if any(unit_interval("val", key) < self.val_share for key in keys):
            return Split.VAL
        return Split.TRAIN

    def absent(self, entries: Iterable[Entry]) -> tuple[str, ...]:
        """Subjects and slabs off the training side that no record belongs to: a typing error, or their files are not
        there."""
        entries = tuple(entries)
        patients = {entry.patient_key for entry in entries}
        missing = [name for key, name in {**self.val, **self.test}.items() if key not in patients]
        for key, slab in self.slabs:
            if not any(
                (entry.patient_key, entry.source) == (key, slab.source)
                and _is_cut(entry, slab)
                and entry.position is not None
                and slab.low <= entry.position <= slab.high
                for entry in entries
            ):
                missing.append(f"{slab.source}/{slab.subject} {slab.plane} {slab.low:g} to {slab.high:g}")
        return tuple(sorted(missing))


def check_listed(
    entries: Iterable[Entry],
    excluded: Iterable[str],
    splits: SplitSettings,
    patients: Patients,
    refused: Collection[str] = (),
) -> list[str]:
    """What is to be said of keys in the recipe's lists that no record belongs to now because all that their patients have
    is in quarantine (`refused`): they stay. Raises ValueError, naming each, for keys that stand for no patient: nobody
    would be taken out, nobody held out."""
    present = {entry.patient_key for entry in entries}
    listed = dict.fromkeys(excluded, "assembly.excluded_patients")
    for side, sources in (("val", splits.val), ("test", splits.test)):
        for source, subjects in sources.items():
            listed |= {key: f"assembly.splits.{side}.{source}" for key in subjects if _KEY.fullmatch(key)}
    absent = {
        key: f"{key} ({place})"
        for key, place in listed.items()
        if key not in present and not patients.former.knows(key)
    }
    lost = [said for key, said in absent.items() if key not in refused]
    if lost:
        raise ValueError(
            f"the recipe lists patients whom no record belongs to: {', '.join(lost)}. Where the patients of their source "
            "were given another namespace by hand, set it back and let `unimed data patients` change it; where their "
            "files cannot be read (`unimed data check`), mend them; only where their files are gone for good, take the "
            "keys out of params.yaml"
        )
    return [
        f"all records of patient {said} are in quarantine (`unimed data review` shows them); the key stays in params.yaml, "
        "it counts again when they pass"
        for said in absent.values()
    ]


def _is_cut(entry: Entry, slab: Slab) -> bool:
    return entry.facts.get("plane", "tile") == slab.plane


def _named(listed: Mapping[str, Iterable[str]], patients: Patients) -> dict[str, str]:
    """Patient key -> `source/subject`."""
    return {
        key: f"{source}/{subject}"
        for source, subjects in listed.items()
        for subject in subjects
        for key in _keys(source, subject, patients)
    }


def _keys(source: str, subject: str, patients: Patients) -> set[str]:
    """The keys of a patient by name; what has the form of a key is one, as `unimed data show` prints it of a private
    source, whose names nobody sees. It counts for the key that has taken its place as well."""
    if not _KEY.fullmatch(subject):
        return {patients.key(source, subject)}
    return {subject, patients.former.now(subject)}


_KEY = re.compile(r"[0-9a-f]{24}")
