"""Any folder of NIfTI or NRRD volumes; labels.csv says what they show."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from components.images.limits import ImageError
from components.images.volume import PLANES, Volume, read_volume, usable_slices
from components.images.windows import BRAIN, LUNG, SOFT_TISSUE, percentile_limits, window
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.levels import level

_WINDOWS = {"brain": BRAIN, "chest": LUNG}
_TISSUE_SHARE = 0.15
_LARGEST_RATIO = 1.5
"""A slice whose pixels are more oblong than this would be shown distorted, so its plane is left out."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per slice with enough tissue, in every plane whose pixels are nearly square."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _slices(delivery, n, p))


def _slices(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    volume = read_volume(path)
    labels = delivery.labels.of(name)
    modality = labels.get("modality")
    if modality is None:
        raise ImageError("unknown modality", "say what it is in labels.csv, e.g. `*,modality,CT` for every file")
    anatomy = labels.get("anatomy") or "unknown"
    low, high = _limits(volume, modality, anatomy)
    body = np.asarray(volume.data) > low + (high - low) * 0.1
    planes = [plane for plane in PLANES if max(volume.spacing(plane)) / min(volume.spacing(plane)) <= _LARGEST_RATIO]
    if not planes:
        raise ImageError("oblong voxels", "no plane has nearly square pixels; resample the volume")
    for plane in planes:
        indices = usable_slices(volume, body, plane, _TISSUE_SHARE)
        for index in indices:
            facts = {"plane": plane, **({"level": level(index, indices)} if plane == "axial" else {})}
            yield delivery.record(
                f"{name}-{plane}-{index:03d}",
                window(volume.slice(plane, index), low, high),
                subject=labels.get("subject") or name,
                modality=Modality.TEXT,  # replaced by the label
                anatomy=anatomy,
                file=name,
                licence=labels.get("licence", "unknown"),
                locator=f"{plane} {index}",
                facts=facts,
                position=volume.position(plane, index),
            )


def _limits(volume: Volume, modality: str, anatomy: str) -> tuple[float, float]:
    if modality == Modality.CT.value:
        return _WINDOWS.get(anatomy, SOFT_TISSUE)
    return percentile_limits(volume.data, 1.0, 99.5)
