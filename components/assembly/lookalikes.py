"""Images that look alike under two patients' names: encoded again, scaled, cropped a little, shown in another window.

Within one patient nothing is looked for: neighbouring slices and frames of one examination look alike as they should.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from components.images.hashes import near_pairs
from components.images.looks import Look

LONGEST_LIST = 64
"""Images of one hash that are compared one by one."""


class Neighbours:
    """Which hashes of a corpus are near each other."""

    def __init__(self, looks: Iterable[Look]) -> None:
        hashes = np.array(sorted({look.hash for look in looks} - {0}), np.uint64)
        self._near: dict[int, list[int]] = defaultdict(list)
        for first, second, _ in zip(*near_pairs(hashes), strict=True):
            one, other = int(hashes[first]), int(hashes[second])
            self._near[one].append(other)
            self._near[other].append(one)

    def of(self, value: int) -> Sequence[int]:
        """The hash itself, then those near it; nothing for an image of one colour."""
        return (value, *self._near.get(value, ())) if value else ()


class Gallery:
    """Images put in one by one, found again by their look under another patient's name."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._hung: dict[int, list[tuple[Look, str, str, str]]] = defaultdict(list)

    def add(self, look: Look, *, patient: str, text: str, identity: str) -> None:
        """Hang an image; `text` is what is said of it, where that matters."""
        hung = self._hung[look.hash]
        if len(hung) < LONGEST_LIST:
            hung.append((look, patient, text, identity))

    def find(self, look: Look, *, patient: str, text: str) -> str | None:
        """The id of the first image, by id, of another patient and with this text that looks the same."""
        found = [
            identity
            for value in self._neighbours.of(look.hash)
            for other, owner, said, identity in self._hung.get(value, ())
            if owner != patient and said == text and look.is_like(other)
        ]
        return min(found, default=None)
