"""The mean image: what a machine would draw that knows what kind of picture is asked for and never looks at this one."""
# Shapes: images are uint8 (h, w, 3); means are kept at S x S.

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from components.assembly.conversations.edits import EDITS
from components.assembly.dataset import LabelledImage
from components.evaluation.edit_names import metric_name
from components.evaluation.images import Rgb, decode
from components.images.resize import scale_image

SIDE = 64
"""Means are smooth: more pixels would hold nothing more."""

FEWEST = 8
"""Training images that a mean is made of, at least; with fewer the next wider kind is taken."""

Kind = tuple[str, ...]


@dataclass(slots=True)
class MeanImages:
    """Sums of the training targets of each edit, per kind: (modality, region, plane), (modality, region), (modality), ()."""

    _sums: dict[tuple[str, Kind], NDArray[np.float64]] = field(default_factory=dict)
    _counts: dict[tuple[str, Kind], int] = field(default_factory=dict)

    @classmethod
    def of(cls, images: Iterable[LabelledImage]) -> "MeanImages":
        """The means of training images and of their paired targets."""
        means = cls()
        for image in images:
            for name, edit in EDITS.items():
                if edit.applies(image):
                    data = image.targets[edit.target] if edit.target else image.image
                    pixels = scale_image(decode(data), SIDE, SIDE).astype(np.float64)
                    for kind in kinds(image.modality.value, image.anatomy, image.facts):
                        key = metric_name(name), kind
                        means._sums[key] = means._sums.get(key, 0.0) + pixels
                        means._counts[key] = means._counts.get(key, 0) + 1
        return means

    def image(self, edit: str, modality: str, anatomy: str, facts: Mapping[str, str], like: Rgb) -> Rgb | None:
        """The mean training target of the narrowest kind with enough images, in the size of `like`; None if none is known."""
        for kind in kinds(modality, anatomy, facts):
            key = metric_name(edit), kind
            count = self._counts.get(key, 0)
            if count >= FEWEST or (kind == () and count):
                mean = np.rint(self._sums[key] / count).astype(np.uint8)
                return scale_image(mean, like.shape[0], like.shape[1])
        return None


def kinds(modality: str, anatomy: str, facts: Mapping[str, str]) -> tuple[Kind, ...]:
    """From narrow to wide. Super-resolution of a slice is compared with the mean slice of its plane and contrast."""
    plane = (facts.get("plane", ""), facts.get("contrast") or facts.get("map", ""))
    return (modality, anatomy, *plane), (modality, anatomy), (modality,), ()
