"""Images that look alike under two patients' names: encoded again, scaled, cropped a little, shown in another window.

Within one patient nothing is looked for: neighbouring slices and frames of one examination look alike as they should.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from components.images.hashes import near_pairs, thumbnail, thumbnail_hashes

ALIKE = 0.95
"""Correlation of two thumbnails from which on two images with near hashes are taken for one; hashes of two patients'
chest X-rays can be near by chance, their thumbnails then correlate at about 0.75."""

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
        """Whether the thumbnails correlate: brightness and contrast do not count."""
        one, two = (np.frombuffer(look.thumbnail, np.uint8).astype(np.float64) for look in (self, other))
        one, two = one - one.mean(), two - two.mean()
        size = np.sqrt((one @ one) * (two @ two))
        return bool(size > 0 and one @ two >= ALIKE * size)


def look_of(pixels: np.ndarray) -> Look:
    """The look of (H, W) or (H, W, 3) uint8 pixels."""
    small = thumbnail(pixels)
    # Four means in sixteenths of a grey level become one in whole ones.
    grey = small.reshape(SIDE, 2, SIDE, 2).sum(axis=(1, 3)) // (4 * 16)
    return Look(int(thumbnail_hashes(small[None])[0]), grey.astype(np.uint8).tobytes())


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
