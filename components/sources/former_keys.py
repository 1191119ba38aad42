"""The keys that stood for a patient before its namespace, padding or issuer was changed: data/patients/keys.jsonl.

A line is one change, {"source", "old", "new"}. A key that also stood for the patient in a source that was not changed
takes its own place there: old and new are the same.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from components.storage.atomic import write_text

NAME = "keys.jsonl"


@dataclass(frozen=True, slots=True)
class Change:
    """One key that took the place of another."""

    source: str
    old: str
    new: str


class FormerKeys:
    """Which keys stand for one patient, as far as `unimed data patients` wrote it down."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._first: dict[str, frozenset[str]] = {}
        self._names: dict[str, set[str]] = {}
        self._now: dict[str, str] = {}
        for change in changes:
            self._add(change.old, change.new)

    @classmethod
    def read(cls, folder: Path) -> "FormerKeys":
        """Those of a workspace's data/patients; none without the file. Raises ValueError naming the line that is none."""
        return cls(read_changes(folder))

    def first(self, key: str) -> frozenset[str]:
        """The keys by which the patient's side was drawn first: on it the patient stays."""
        return self._first.get(key, frozenset((key,)))

    def names(self, key: str) -> frozenset[str]:
        """Every key that ever stood for the patient of this one, itself among them."""
        now = self.now(key)
        return frozenset({key, now, *self._names.get(now, ())})

    def now(self, key: str) -> str:
        """The key that stands in this one's place now."""
        return self._now.get(key, key)

    def knows(self, key: str) -> bool:
        """Whether the key stood for a patient once."""
        return key in self._now or key in self._names

    def _add(self, old: str, new: str) -> None:
        before = {old, *self._names.pop(old, ())} if old != new else {old}
        self._first[new] = (self._first.get(new) or frozenset()) | self.first(old)
        self._names[new] = self._names.get(new, set()) | before
        self._now.pop(new, None)
        for key in self._names[new] - {new}:
            self._now[key] = new


def read_changes(folder: Path) -> list[Change]:
    """Every change of a key, in order. Raises ValueError naming the line that is none."""
    path = folder / NAME
    changes = []
    for number, line in enumerate(path.read_text().splitlines() if path.is_file() else (), start=1):
        try:
            changes.append(Change(**json.loads(line)))
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(
                f"{path} line {number} is no change of a key ({error}); `unimed data patients` writes them"
            ) from None
    return changes


def write_changes(folder: Path, changes: Iterable[Change]) -> None:
    """Append the changes to the file, atomically."""
    path = folder / NAME
    before = path.read_text() if path.is_file() else ""
    lines = (json.dumps({"source": one.source, "old": one.old, "new": one.new}) + "\n" for one in changes)
    write_text(path, before + "".join(lines))
