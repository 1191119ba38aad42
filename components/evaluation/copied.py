"""Whether a drawing is a training image over again: the nearest-neighbour rule."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.assembly.dataset import ImageIndex, LabelledImage
from components.evaluation.images import decode
from components.evaluation.predictions import PLAIN
from components.evaluation.scores import Score, score_of
from components.images.hashes import DISTANCE, image_hashes, near_between, thumbnail
from components.records.benchmark import BenchmarkItem

FRESH_SCORER = "fresh.phash@1"
"""1 where no training image lies within the distance at which the corpus calls two images one picture."""


REMEMBERED = "More than 5 %: take these pictures for training images remembered, not for new ones."
NEAR = 0.05
"""Share of drawings nearer to a training image than all but a hundredth of held-out images are, above which the page
says so."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The training image beside each drawing, and how near drawings are beside real images that were not trained on."""

    images: Mapping[str, bytes]
    """Item id -> the training image that is nearest to its drawing."""
    distances: Mapping[str, float]
    """Item id -> root mean square difference of the thumbnails, in grey levels."""
    limit: float
    """The first percentile of the same of held-out images."""

    @property
    def near(self) -> float:
        """Share of drawings below the limit."""
        return float(np.mean([distance < self.limit for distance in self.distances.values()]))

    @property
    def is_remembered(self) -> bool:
        """Whether more than NEAR of the drawings are."""
        return self.near > NEAR

    @property
    def said(self) -> str:
        """What the page says of it."""
        found = (
            f"{100 * self.near:.1f} % of the drawings are nearer to a training image than {self.limit:.1f} grey levels, "
            "the first percentile of what real images that were not trained on are."
        )
        return f"{found} {REMEMBERED}" if self.is_remembered else found


def nearest_to_drawings(
    rows: Iterable[Mapping[str, Any]], items: Mapping[str, BenchmarkItem], images: ImageIndex
) -> Nearest | None:
    """The nearest training image of each drawing from text, by the grey levels of thumbnails; None where nothing was drawn
    or no real image of the items is there to compare with."""
    drawn = {r["item_id"]: r["response_image"] for r in rows if (r["benchmark"], r["variant"]) == ("t2i", PLAIN)}
    real = sorted({data for name in drawn if (data := items[name].reference_image)})
    if not (drawn and real and len(images)):
        return None
    trained = _greys(image.image for image in images)
    names = sorted(drawn)
    found, distances = _nearest(_greys(drawn[name] for name in names), trained)
    limit = float(np.quantile(_nearest(_greys(real), trained)[1], 0.01))
    return Nearest(
        images={name: images.read(int(at)).image for name, at in zip(names, found, strict=True)},
        distances=dict(zip(names, distances.tolist(), strict=True)),
        limit=limit,
    )


def _greys(images: Iterable[bytes]) -> NDArray[np.float64]:
    """Thumbnails as grey levels in a row each. Shape: (N, S * S)."""
    return np.stack([thumbnail(decode(data)).ravel() / 16 for data in images])


def _nearest(some: NDArray[np.float64], trained: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Of each the place of the nearest training image and its root mean square difference. Shapes: (M, D), (N, D) -> (M,), (M,)."""
    squares = (some**2).sum(1)[:, None] + (trained**2).sum(1)[None] - 2 * some @ trained.T
    at = squares.argmin(axis=1)
    return at, np.sqrt(np.maximum(0, squares[np.arange(len(some)), at]) / some.shape[1])


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
