"""Images that look alike under two patients' names: encoded again, scaled, cropped a little, shown in another window.

Within one patient nothing is looked for: neighbouring slices and frames of one examination look alike as they should.
"""
# Shapes: N = looks or hashes, V = views of an image, P = pairs.

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from components.images.hashes import VIEWS, near_between
from components.images.looks import Look

LONGEST_LIST = 64
"""Images of one hash that are compared one by one, and hashes near to one, the nearest first."""


class Neighbours:
    """Which hashes of a corpus are near each other: one of them to a view of the other one's image."""

    def __init__(self, looks: Iterable[Look]) -> None:
        data = b"".join(look.views for look in looks if look.hash)
        distinct = np.unique(np.frombuffer(data, ">u8").astype(np.uint64).reshape(-1, VIEWS), axis=0)
        hashes, views = distinct[:, 0], distinct.ravel()
        values = np.unique(hashes)
        first, second, distance = near_between(values, views)
        one, other = values[first], hashes[second // VIEWS]
        apart = one != other
        one, other, distance = one[apart], other[apart], distance[apart]
        one, other = np.concatenate([one, other]), np.concatenate([other, one])
        order = np.lexsort((other, np.tile(distance, 2), one))
        self._one, self._other = _longest_lists(one[order], other[order])

    def of(self, value: int) -> Sequence[int]:
        """The hash itself, then those near it; nothing for an image of one colour."""
        start, stop = (np.searchsorted(self._one, np.uint64(value), side) for side in ("left", "right"))
        return (value, *self._other[start:stop].tolist()) if value else ()


class Gallery:
    """Images put in one by one, found again by their look under another patient's name."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._hung: dict[int, list[tuple[Look, str, str, str, str]]] = defaultdict(list)

    def add(self, look: Look, *, patient: str, identity: str, text: str = "", channel: str = "") -> None:
        """Hang an image; `text` is what is said of it and `channel` its contrast or stain, where they matter."""
        hung = self._hung[look.hash]
        if len(hung) < LONGEST_LIST:
            hung.append((look, patient, text, channel, identity))

    def find(self, look: Look, *, patient: str, text: str = "", channel: str = "") -> str | None:
        """The id of the first image, by id, of another patient and with this text that looks the same; another known
        channel is another image, however alike: a map of a head's tissue is no copy of its T1."""
        near = [
            (identity, other)
            for value in self._neighbours.of(look.hash)
            for other, owner, said, seen_in, identity in self._hung.get(value, ())
            if owner != patient and said == text and (not channel or not seen_in or channel == seen_in)
        ]
        near.sort(key=itemgetter(0))
        return next((identity for identity, other in near if look.is_like(other)), None)


def _longest_lists(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Each pair once, and of each hash the first LONGEST_LIST, of pairs that are sorted by the one. Shapes: (P,), (P,)."""
    pairs = np.stack([one, other], axis=1)
    _, once = np.unique(pairs, axis=0, return_index=True)
    one, other = (part[np.sort(once)] for part in (one, other))
    rank = np.arange(len(one)) - np.searchsorted(one, one)
    return one[rank < LONGEST_LIST], other[rank < LONGEST_LIST]
