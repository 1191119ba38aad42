"""Keyed choices: pure functions of what is chosen from and a key, so that input order and machine do not matter."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from components.assembly.corpus import Entry
from components.storage.keys import keyed_hash, unit_interval

T = TypeVar("T")


def by_key(items: Iterable[T], *key: object, text: Callable[[T], str] = str) -> list[T]:
    """The items in the order of a keyed hash of their texts (which must differ)."""
    return sorted(items, key=lambda item: keyed_hash(*key, text(item)))


def pick(items: Sequence[T], *key: object) -> T:
    """One of the items (in sorted order), all equally likely."""
    return items[int(unit_interval(*key) * len(items))]


class Weights:
    """Names drawn by weight; a draw among a million patients takes as long as one among ten."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        """`weights` are positive; none at all is an error of the caller."""
        self._names = sorted(weights)
        self._limits = list(accumulate(weights[name] for name in self._names))

    def pick(self, *key: object) -> str:
        """One of the names."""
        place = bisect_right(self._limits, unit_interval(*key) * self._limits[-1])
        return self._names[min(place, len(self._names) - 1)]


def shares(count: int, weights: Mapping[str, float]) -> dict[str, int]:
    """`count` in whole numbers by weight (largest remainder, ties by name); the sum is `count`, or 0 without weight."""
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    exact = {name: count * weight / whole for name, weight in weights.items()}
    found = {name: int(value) for name, value in exact.items()}
    rest = sorted(exact, key=lambda name: (found[name] - exact[name], name))
    for name in rest[: count - sum(found.values())]:
        found[name] += 1
    return found


def draw_by_family(entries: Iterable[Entry], count: int, *key: object) -> list[Entry]:
    """`count` draws: families and, inside them, patients by the square root of their images; then every image of a
    patient once before any twice, in keyed order."""
    families: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        families["\x1f".join(entry.family)][entry.patient_key].append(entry)
    drawn: list[Entry] = []
    sizes = {name: sum(map(len, patients.values())) ** 0.5 for name, patients in families.items()}
    for family, share in sorted(shares(count, sizes).items()):
        weights = {name: len(images) ** 0.5 for name, images in families[family].items()}
        for patient, number in sorted(shares(share, weights).items()):
            images = by_key(families[family][patient], "draw", *key, text=lambda entry: entry.id)
            drawn += [images[k % len(images)] for k in range(number)]
    return drawn


def round_robin(groups: Mapping[str, Sequence[T]]) -> Iterable[T]:
    """One item of each group in turn until all are used up; groups in the order of their names."""
    for turn in range(max(map(len, groups.values()), default=0)):
        for name in sorted(groups):
            if turn < len(groups[name]):
                yield groups[name][turn]
