"""Images that look alike under two patients' names: encoded again, scaled, cropped a little, shown in another window.

Within one patient nothing is looked for: neighbouring slices and frames of one examination look alike as they should.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from components.images.hashes import near_pairs, thumbnail, thumbnail_hashes

ALIKE = 0.95
"""Correlation of two thumbnails from which on two images with near hashes are taken for one; hashes of two patients'
chest X-rays can be near by chance, their thumbnails then correlate at about 0.75."""

CLOSE, VERY_ALIKE = 4, 0.99
"""Hashes that differ in more bits than these ask for more: views of two patients' eyes came within 5 bits at 0.987."""
MAY_BE_CROPPED = 0.7
"""Correlation below which no crop is tried: real crops of 5 % of a side stay above 0.75, but for one in a hundred."""
CROP = 0.05
"""Share of a side that a copy may lack."""
SIDE = 16
LONGEST_LIST = 64
"""Images of one hash that are compared one by one."""


@dataclass(frozen=True, slots=True)
class Look:
    """What an image looks like from afar."""

    hash: int
    """64 bits; 0 for an image of one colour, which looks like nothing."""
    thumbnail: bytes
    """16 x 16 grey levels."""

    def is_like(self, other: "Look") -> bool:
        """Whether the thumbnails correlate, as they are or one with a window of the other: brightness and contrast do
        not count, nor does a small crop."""
        one, two = (np.frombuffer(look.thumbnail, np.uint8).astype(np.float64) for look in (self, other))
        one, two = one.reshape(SIDE, SIDE), two.reshape(SIDE, SIDE)
        least = ALIKE if (self.hash ^ other.hash).bit_count() <= CLOSE else VERY_ALIKE
        as_they_are = float(_correlation(one[None], two)[0])
        if not MAY_BE_CROPPED <= as_they_are < least:
            return as_they_are >= least
        return any(_correlation(_windows(a), b).max() >= least for a, b in ((one, two), (two, one)))


def look_of(pixels: np.ndarray) -> Look:
    """The look of (H, W) or (H, W, 3) uint8 pixels."""
    small = thumbnail(pixels)
    # Four means in sixteenths of a grey level become one in whole ones.
    grey = small.reshape(SIDE, 2, SIDE, 2).sum(axis=(1, 3)) // (4 * 16)
    return Look(int(thumbnail_hashes(small[None])[0]), grey.astype(np.uint8).tobytes())


def _correlation(thumbnails: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each of the thumbnails with the other one; 0 for one colour. Shapes: (N, S, S), (S, S) -> (N,)."""
    one = thumbnails - thumbnails.mean(axis=(1, 2), keepdims=True)
    two = other - other.mean()
    size = np.sqrt((one**2).sum(axis=(1, 2)) * (two**2).sum())
    return (one * two).sum(axis=(1, 2)) / np.where(size > 0, size, np.inf)


def _windows(thumbnail: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the thumbnail would be without up to CROP of each side. Shape: (S, S) -> (N, S, S)."""
    cuts = _cuts()
    return ((cuts @ thumbnail)[:, None] @ cuts.transpose(0, 2, 1)).reshape(-1, SIDE, SIDE)


@lru_cache
def _cuts() -> NDArray[np.float64]:
    """Means over a side's cells after each cut, as matrices. Shape: (N, S, S)."""
    cuts = []
    for less in (0, CROP / 2, CROP):
        for start in sorted({0, less / 4, less / 2, 3 * less / 4, less} if less == CROP else {0, less / 2, less}):
            edges = SIDE * np.linspace(start, 1 - less + start, SIDE + 1)
            low, high = np.maximum(edges[:-1, None], np.arange(SIDE)), np.minimum(edges[1:, None], np.arange(SIDE) + 1)
            shares = np.maximum(0, high - low)
            cuts.append(shares / shares.sum(axis=1, keepdims=True))
    return np.stack(cuts)


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
