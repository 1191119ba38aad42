"""The training images as the beginning sees them: squares of one size, drawn so that small families are not lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from components.assembly.dataset import ImageIndex
from components.images.resize import fit_image
from components.images.stored import decode_stored
from components.records.targets import LABEL_TARGETS
from components.storage.byte_cache import ByteCache
from components.training.pixels import CACHE_BYTES

# Shapes: S pixels a side.


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored image, or one of the images paired with it."""

    number: int
    """Place in the image index."""
    target: str
    """Name of the paired image; empty for the image itself."""
    family: str
    facts: Mapping[str, str]


class PictureSet:
    """Pictures by number, their pixels on demand; draws favour small families by the square root of their size."""

    def __init__(self, index: ImageIndex, side: int, *, with_targets: bool, capacity_bytes: int = CACHE_BYTES) -> None:
        """Raises ValueError when there is no image at all."""
        self.side = side
        self._index = index
        self._kept: ByteCache[int, np.ndarray] = ByteCache(capacity_bytes, attrgetter("nbytes"))
        self.pictures: tuple[Picture, ...] = tuple(_pictures(index, with_targets))
        if not self.pictures:
            raise ValueError("the data set has no training image; add a source whose subjects are not all held out")
        families: dict[str, list[int]] = {}
        for number, picture in enumerate(self.pictures):
            families.setdefault(picture.family, []).append(number)
        self._members = [families[name] for name in sorted(families)]
        weights = np.sqrt([len(members) for members in self._members])
        self._limits = np.cumsum(weights / weights.sum())

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, generator: np.random.Generator, count: int) -> list[int]:
        """Numbers of `count` pictures: a family by the square root of its size, then any of its pictures."""
        at = generator.uniform(size=(count, 2))
        chosen = np.minimum(np.searchsorted(self._limits, at[:, 0], side="right"), len(self._members) - 1)
        return [self._members[f][int(u * len(self._members[f]))] for f, u in zip(chosen, at[:, 1], strict=True)]

    def pixels(self, number: int) -> np.ndarray:
        """RGB uint8 [S, S, 3] of the picture, padded to a square with its border's colour; not to be written to."""
        return self._kept.get_or_make(number, lambda: self._decode(self.pictures[number]))

    def batch(self, numbers: Sequence[int]) -> list[np.ndarray]:
        """Pixels of several pictures."""
        return [self.pixels(number) for number in numbers]

    def _decode(self, picture: Picture) -> np.ndarray:
        image = self._index.read(picture.number)
        array = decode_stored(image.targets[picture.target] if picture.target else image.image)
        square = fit_image(array, self.side, square=True, labels=picture.target in LABEL_TARGETS)
        rgb = square if square.ndim == 3 else np.repeat(square[:, :, None], 3, axis=2)
        rgb.flags.writeable = False
        return rgb


def _pictures(index: ImageIndex, with_targets: bool) -> list[Picture]:
    found = []
    for number, image in enumerate(index):
        family = f"{image.source}/{image.modality.value}/{image.anatomy}"
        facts = {**image.facts, "modality": image.modality.value, "anatomy": image.anatomy}
        found.append(Picture(number, "", family, facts))
        if with_targets:
            found += [Picture(number, name, f"{family}/{name}", {}) for name in sorted(image.targets)]
    return found
