"""pyradiomics' test cases: heads with a tumour mask, chests with a nodule mask, a breast."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.images.limits import ImageError
from components.images.volume import Volume, read_volume, same_grid
from components.images.windows import LUNG, percentile_limits, window
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item

LICENCE = "BSD-3-Clause (pyradiomics 3.1.0)"
_PRESENT_PIXELS = 20
_SIDE_MM = 8.0
"""A lesion this near to the head's middle has no side."""


@dataclass(frozen=True, slots=True)
class _Case:
    modality: Modality
    anatomy: str
    lesion: str
    limits: tuple[float, float] | None = None


_HEAD = _Case(Modality.MRI, "brain", "tumour")
_CHEST = _Case(Modality.CT, "chest", "nodule", LUNG)
_CASES = {
    "brain1": _HEAD,
    "brain2": _HEAD,
    "breast1": _Case(Modality.MRI, "breast", ""),
    "lung1": _CHEST,
    "lung2": _CHEST,
}


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per axial slice of each case; tumour or nodule yes/no, and its side, from the mask."""
    paths = dict(delivery.files())
    for name, path in paths.items():
        case = name.removesuffix("_image.nrrd")
        if name.endswith("_image.nrrd") and case in _CASES:
            mask = f"{case}_label.nrrd"
            yield from delivery.read(
                name, path, lambda p, n=name, c=case, m=mask: _slices(delivery, n, p, c, m, paths.get(m))
            )
        elif not (name.endswith("_label.nrrd") and name.removesuffix("_label.nrrd") in _CASES):
            known = ", ".join(f"{c}_image.nrrd" for c in sorted(_CASES))
            yield delivery.unknown(name, f"this source holds {known} and their label files")


def _slices(
    delivery: Delivery, name: str, path: Path, subject: str, mask_name: str, mask_path: Path | None
) -> Iterator[Item]:
    case = _CASES[subject]
    mask: Volume | None = None
    volume = read_volume(path)
    if mask_path is not None and case.lesion:
        try:
            delivery.check(mask_path)
            mask = read_volume(mask_path)
            if not same_grid(volume, mask):
                raise ImageError("grids differ", f"shape or affine is not that of {name}")
        except ImageError as error:
            mask = None
            yield delivery.unreadable(mask_name, error)
    limits = case.limits or percentile_limits(volume.data, 1.0, 99.7)
    middle = _middle(volume)
    for index in range(volume.count("axial")):
        facts = {"plane": "axial"}
        if mask is not None:
            facts |= _lesion_facts(mask, index, case, middle)
        yield delivery.record(
            f"{subject}-axial-{index:03d}",
            window(volume.slice("axial", index), *limits),
            subject=subject,
            modality=case.modality,
            anatomy=case.anatomy,
            file=name,
            licence=LICENCE,
            locator=f"axial {index}",
            facts=facts,
            position=volume.position("axial", index),
        )


def _lesion_facts(mask: Volume, index: int, case: _Case, middle: float) -> dict[str, str]:
    """yes with at least 20 pixels, no without any; in between nothing is claimed. Side: +x is the patient's right."""
    cut = np.asarray(mask.data)[:, :, index] > 0
    pixels = int(cut.sum())
    if pixels == 0:
        return {case.lesion: "no"}
    if pixels < _PRESENT_PIXELS:
        return {}
    facts = {case.lesion: "yes"}
    offset = float(mask.affine[0, 0] * np.flatnonzero(cut.any(axis=1)).mean() + mask.affine[0, 3]) - middle
    if case.anatomy == "brain" and abs(offset) >= _SIDE_MM:
        facts["laterality"] = "right" if offset > 0 else "left"
    return facts


def _middle(volume: Volume) -> float:
    """x in millimetres of the middle between the head's outer edges."""
    data = np.asarray(volume.data)
    inside = np.flatnonzero((data > np.percentile(data, 60)).mean(axis=(1, 2)) > 0.05)
    centre = float(inside.mean()) if inside.size else (data.shape[0] - 1) / 2
    return float(volume.affine[0, 0] * centre + volume.affine[0, 3])
