"""Label maps among images: files whose values name structures and measure nothing. As images they would be nonsense."""

import re
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError, LeftOutError
from components.sources.delivery_folder import Delivery

_FOLDERS = re.compile(r"(labels?(tr|ts|val)?|masks?|segmentations?|seg|label_?maps?|ground_?truth|gt)", re.IGNORECASE)
_NAME = re.compile(r"(.*[-_. ])?([ad]?seg|segmentation|masks?(_\d+)?|labels?|label_?map|ground_?truth)", re.IGNORECASE)
_SUFFIX = re.compile(r"(\.nii)?\.[A-Za-z]+$")
_MOST_LABELS = 128
_LARGEST_LABEL = 65_535
"""FreeSurfer numbers its regions to 14 175."""
_NEARLY = 1e-4
"""How far off a whole number a label may be that was scaled, or predicted."""
_EVEN = 0.8
"""Share of a label map's labelled voxels whose neighbours have the same label, at least."""


def is_label_name(name: str) -> bool:
    """Whether a file is called as label maps are: `labelsTr/…`, `masks/…`, `…_seg.nii.gz`, `…-label.nrrd`."""
    path = PurePosixPath(name)
    folders, stem = path.parts[:-1], _SUFFIX.sub("", path.name)
    return any(_FOLDERS.fullmatch(folder) for folder in folders) or bool(_NAME.fullmatch(stem))


def refuse_label_name(delivery: Delivery, name: str) -> None:
    """Raise LeftOutError, 'label map', for a file that is called as one, unless labels.csv says `kind,image` of it."""
    if is_label_name(name) and delivery.labels.of(name).get("kind") != "image":
        raise LeftOutError(
            "label map", "its name says that it labels an image; `kind,image` in labels.csv reads it as one"
        )


def refuse_labels(delivery: Delivery, name: str, values: NDArray) -> None:
    """Raise ImageError, 'label map', for values that are one, unless labels.csv says `kind,image` of the file."""
    if delivery.labels.of(name).get("kind") != "image" and looks_like_labels(values):
        raise ImageError(
            "label map",
            "its values are few whole numbers in even areas; remove it, or say `kind,image` in labels.csv if it is an image",
        )


def looks_like_labels(values: NDArray) -> bool:
    """Whether a volume (x, y, z) holds a few whole numbers, most of them beside their like."""
    values = np.asarray(values)
    if values.min() < 0 or not 0 < values.max() <= _LARGEST_LABEL:
        return False
    if values.dtype.kind == "f" and not np.allclose(values, np.rint(values), rtol=0, atol=_NEARLY):
        return False
    labels = np.rint(values).astype(np.uint16)
    if np.count_nonzero(np.bincount(labels.ravel())) > _MOST_LABELS:
        return False
    even, labelled = 0, 0
    for axis in range(labels.ndim):
        along = np.moveaxis(labels, axis, 0)
        first, second = along[1:], along[:-1]
        even += int(np.count_nonzero((first == second) & (first > 0)))
        labelled += int(np.count_nonzero(first))
    return labelled > 0 and even >= _EVEN * labelled
