"""Keyed choices: pure functions of what is chosen from and a key, so that input order and machine do not matter."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log
from typing import TypeVar

from components.assembly.corpus import Entry
from components.storage.keys import keyed_hash, unit_interval

T = TypeVar("T")
_ROUNDS = 16
"""Of filling up what is full already; whatever is left after them goes by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """How often one image, and one patient, is used for one thing at most: one form of a question, captions, one edit."""

    image: int
    patient: int

    def room(self, images: int) -> int:
        """How often a patient with so many images is used at most."""
        return min(self.patient, self.image * images)


UNCAPPED = Caps(image=2**40, patient=2**40)


def by_key(items: Iterable[T], *key: object, text: Callable[[T], str] = str) -> list[T]:
    """The items in the order of a keyed hash of their texts (which must differ)."""
    return sorted(items, key=lambda item: keyed_hash(*key, text(item)))


def by_weight(names: Iterable[str], weights: Mapping[str, float], *key: object) -> list[str]:
    """The names in keyed order, those of more weight earlier as often as their weight says; without weights any."""
    return sorted(names, key=lambda name: -log(1 - unit_interval(*key, name)) / max(weights.get(name, 1.0), 1e-9))


def pick(items: Sequence[T], *key: object) -> T:
    """One of the items (in sorted order), all equally likely."""
    return items[int(unit_interval(*key) * len(items))]


def shares(count: int, weights: Mapping[str, float], most: Mapping[str, int] | None = None) -> dict[str, int]:
    """`count` in whole numbers by weight (largest remainder, ties by name), none above its `most`: what one cannot take
    goes to the others. The sum is `count`, or what all can take, or 0 without weight."""
    return _filled(count, weights, most or dict.fromkeys(weights, count), _largest_remainders)


def spread(count: int, weights: Mapping[str, float], most: Mapping[str, int], *key: object) -> dict[str, int]:
    """As `shares`, but whose share is no whole number is rounded by the key: of a million equal patients it is not
    always the same who is used. Names without a share are left out."""

    def systematic(rest: int, open_ones: Mapping[str, float]) -> dict[str, int]:
        # A hair below one at most: what floats round off must not make one draw more.
        whole, place, given = sum(open_ones.values()), unit_interval(*key, rest) * (1 - 1e-6), 0
        found: dict[str, int] = {}
        for name in sorted(open_ones):
            place += rest * open_ones[name] / whole
            found[name] = floor(place) - given
            given += found[name]
        found[name] += rest - given
        return found

    return {name: number for name, number in _filled(count, weights, most, systematic).items() if number}


def draw(groups: Mapping[str, Sequence[T]], count: int, caps: Caps, *key: object, text: Callable[[T], str]) -> list[T]:
    """`count` draws under the caps, fewer where they leave no more: patients by the square root of their items, then
    every item of a patient once before any twice, in keyed order."""
    weights = {patient: len(items) ** 0.5 for patient, items in groups.items()}
    most = {patient: caps.room(len(items)) for patient, items in groups.items()}
    drawn: list[T] = []
    for patient, number in sorted(spread(count, weights, most, "patients", *key).items()):
        items = by_key(groups[patient], "draw", *key, text=text)
        drawn += [items[k % len(items)] for k in range(number)]
    return drawn


def draw_by_family(entries: Iterable[Entry], count: int, *key: object, caps: Caps = UNCAPPED) -> list[Entry]:
    """`count` draws under the caps: families and, inside them, patients by the square root of their images; then every
    image of a patient once before any twice, in keyed order."""
    families: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        families["\x1f".join(entry.family)][entry.patient_key].append(entry)
    sizes = {name: sum(map(len, patients.values())) ** 0.5 for name, patients in families.items()}
    room = {name: sum(caps.room(len(images)) for images in patients.values()) for name, patients in families.items()}
    drawn: list[Entry] = []
    for family, share in sorted(shares(count, sizes, room).items()):
        drawn += draw(families[family], share, caps, family, *key, text=lambda entry: entry.id)
    return drawn


def round_robin(groups: Mapping[str, Sequence[T]]) -> Iterable[T]:
    """One item of each group in turn until all are used up; groups in the order of their names."""
    for turn in range(max(map(len, groups.values()), default=0)):
        for name in sorted(groups):
            if turn < len(groups[name]):
                yield groups[name][turn]


def _largest_remainders(count: int, weights: Mapping[str, float]) -> dict[str, int]:
    whole = sum(weights.values())
    exact = {name: count * weight / whole for name, weight in weights.items()}
    found = {name: int(value) for name, value in exact.items()}
    rest = sorted(exact, key=lambda name: (found[name] - exact[name], name))
    for name in rest[: count - sum(found.values())]:
        found[name] += 1
    return found


def _filled(
    count: int,
    weights: Mapping[str, float],
    most: Mapping[str, int],
    divide: Callable[[int, Mapping[str, float]], dict[str, int]],
) -> dict[str, int]:
    """`count` divided by weight, round by round among those who can take more."""
    found = dict.fromkeys(weights, 0)
    for left in range(_ROUNDS, -1, -1):
        rest = count - sum(found.values())
        open_ones = {name: weight for name, weight in weights.items() if weight > 0 and found[name] < most[name]}
        if not open_ones or rest <= 0:
            break
        for name, share in divide(rest, open_ones).items():
            # The last round gives each what it can take until nothing is left.
            take = min(share if left else rest, most[name] - found[name])
            found[name] += take
            rest -= take
    return found
