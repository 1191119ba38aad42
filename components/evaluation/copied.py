"""Whether a drawing is a training image over again: the nearest-neighbour rule."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.assembly.dataset import LabelledImage
from components.evaluation.images import decode
from components.evaluation.predictions import PLAIN
from components.evaluation.scores import Score, score_of
from components.images.hashes import DISTANCE, image_hashes, near_between

FRESH_SCORER = "fresh.phash@1"
"""1 where no training image lies within the distance at which the corpus calls two images one picture."""


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """Perceptual hashes of what was trained on. Shape: (N,)."""

    hashes: NDArray[np.uint64]

    @classmethod
    def of(cls, images: Iterable[LabelledImage]) -> "TrainingImages":
        """Of training images, each hash once; those of one colour have none."""
        found = np.unique(image_hashes(decode(image.image) for image in images))
        return cls(found[found != 0])

    def score(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[Score]:
        """The score of each plain drawing, in the order of the rows."""
        plain = [row for row in rows if row["variant"] == PLAIN]
        hashes = image_hashes(decode(row["response_image"]) for row in plain)
        copies = set(near_between(hashes, self.hashes, DISTANCE).first.tolist())
        for at, row in enumerate(plain):
            copied = at in copies and hashes[at] != 0
            yield score_of(row, FRESH_SCORER, parsed="a training image" if copied else "", correct=int(not copied))
