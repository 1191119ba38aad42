"""TotalSegmentator's example volumes: abdomen CT and MR with label maps, an average CT head, a CT series as DICOM.

The label maps are the tool's own output, not an expert's; `method` of each organ map says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.dicom import DicomImage, open_dicom, series_order
from components.images.limits import ImageError
from components.images.png import encode_png
from components.images.volume import PLANES, Volume, read_volume, same_grid, usable_slices
from components.images.windows import BRAIN, SOFT_TISSUE, percentile_limits, window
from components.records.origins import TOOL
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.levels import levels
from components.sources.reading.structures import CT_STRUCTURES, MR_STRUCTURES, palette, visible_and_unclear

LICENCE = "Apache-2.0 (TotalSegmentator 2.18.0)"
SERIES = "example_ct_dicom/"
SERIES_LABELS = "example_seg_dicom.nii.gz"
_METHOD = "as delivered; organs and organ map: output of TotalSegmentator, not an expert's"
_VISIBLE_MM2 = 180.0
"""20 pixels of 3 mm: a structure counts as visible from this area on."""

_PELVIC = {"urinary bladder", "prostate", "left femur", "right femur"}
_ABDOMINAL = {
    "liver",
    "spleen",
    "left kidney",
    "right kidney",
    "stomach",
    "pancreas",
    "gallbladder",
    "duodenum",
    "small bowel",
    "colon",
    "left adrenal gland",
    "right adrenal gland",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scan:
    subject: str
    modality: Modality
    anatomy: str
    labels: str = ""
    structures: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    body_above: float = -300.0
    planes: tuple[str, ...] = PLANES
    share: float = 0.15


_SCANS = {
    "example_ct.nii.gz": _Scan(
        subject="ct-abdomen",
        modality=Modality.CT,
        anatomy="abdomen",
        labels="example_seg_fast_force_split.nii.gz",
        structures=CT_STRUCTURES,
        limits=SOFT_TISSUE,
    ),
    "example_mr_sm.nii.gz": _Scan(
        subject="mr-abdomen",
        modality=Modality.MRI,
        anatomy="abdomen",
        labels="example_seg_mr.nii.gz",
        structures=MR_STRUCTURES,
        body_above=60.0,
        planes=("axial",),
    ),
    "ct_brain_atlas_1mm.nii.gz": _Scan(
        subject="ct-brain", modality=Modality.CT, anatomy="brain", limits=BRAIN, body_above=0.0
    ),
}
_LABEL_FILES = {scan.labels for scan in _SCANS.values() if scan.labels} | {SERIES_LABELS}
_BY_TOOL = {"organs": TOOL, "unclear_organs": TOOL}


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per usable slice of each scan, with the visible organs and an organ map where labels exist."""
    paths = dict(delivery.files())
    series = {name: path for name, path in paths.items() if name.startswith(SERIES)}
    maps: dict[str, Volume] = {}
    for name in sorted(_LABEL_FILES & set(paths)):
        try:
            delivery.check(paths[name])
            maps[name] = read_volume(paths[name])
        except ImageError as error:
            yield delivery.unreadable(name, error)
    for name, path in paths.items():
        if name in _SCANS:
            scan = _SCANS[name]
            yield from delivery.read(name, path, lambda p, n=name, s=scan: _scan(delivery, n, p, s, maps.get(s.labels)))
        elif name not in _LABEL_FILES and name not in series:
            yield delivery.unknown(
                name, f"this source holds {', '.join(sorted(_SCANS))}, their label maps and {SERIES}"
            )
    yield from _series(delivery, series, maps.get(SERIES_LABELS))


def _scan(delivery: Delivery, name: str, path: Path, scan: _Scan, labels: Volume | None) -> Iterator[Item]:
    volume = read_volume(path)
    if labels is not None and not same_grid(volume, labels):
        yield delivery.unreadable(scan.labels, ImageError("grids differ", f"shape or affine is not that of {name}"))
        labels = None
    body = np.asarray(volume.data) > scan.body_above
    limits = scan.limits or percentile_limits(np.asarray(volume.data)[body], 0.5, 99.5)
    for plane in scan.planes:
        indices = usable_slices(volume, body, plane, scan.share)
        heights = levels(body, indices) if plane == "axial" else {}
        for index in indices:
            image = window(volume.slice(plane, index), *limits)
            down, across = volume.spacing(plane)
            organs, targets = _organs(
                labels, scan.structures, plane, index, pixels=round(_VISIBLE_MM2 / (down * across))
            )
            facts = {"plane": plane, **organs}
            if index in heights:
                facts["level"] = heights[index]
            yield delivery.record(
                f"{scan.subject}-{plane}-{index:03d}",
                image,
                subject=scan.subject,
                modality=scan.modality,
                anatomy=_region(scan.anatomy, plane, organs),
                file=name,
                licence=LICENCE,
                locator=f"{plane} {index}",
                facts=facts,
                origins=_BY_TOOL,
                targets=targets,
                position=volume.position(plane, index),
                method=_METHOD if targets else "as delivered",
            )


def _region(anatomy: str, plane: str, organs: dict[str, str]) -> str:
    """The scan's region. An axial slice of an abdomen scan through bladder, prostate or thigh bones shows the pelvis, and
    a slice without any organ of the belly (through an arm, the hip's side, the back) none that could be named."""
    seen = set(organs.get("organs", "").split(";"))
    if anatomy != "abdomen" or "organs" not in organs:
        return anatomy
    if plane == "axial" and seen & _PELVIC:
        return "pelvis"
    return anatomy if seen & _ABDOMINAL else "unknown"


def _organs(
    labels: Volume | None, structures: tuple[str, ...], plane: str, index: int, *, pixels: int
) -> tuple[dict[str, str], dict[str, bytes]]:
    if labels is None:
        return {}, {}
    cut = labels.slice(plane, index)
    shown, unclear = visible_and_unclear(cut, structures, pixels=pixels)
    facts = {"organs": ";".join(shown), **({"unclear_organs": ";".join(unclear)} if unclear else {})}
    return facts, {"organ_map": _organ_map(cut, structures)}


def _organ_map(labels: NDArray, structures: tuple[str, ...]) -> bytes:
    return encode_png(palette(structures)[np.asarray(labels, np.int64).clip(0, 255)])


def _series(delivery: Delivery, files: dict[str, Path], labels: Volume | None) -> Iterator[Item]:
    opened: list[tuple[str, DicomImage]] = []
    for name, path in files.items():
        try:
            delivery.check(path)
            opened.append((name, open_dicom(path)))
        except ImageError as error:
            yield delivery.unreadable(name, error)
    for number, which in enumerate(series_order([image for _, image in opened])):
        name, image = opened[which]
        try:
            pixels = image.frame(0, limits=SOFT_TISSUE)
        except ImageError as error:
            yield delivery.unreadable(name, error)
            continue
        facts = {"plane": image.plane} if image.plane else {}
        organs, targets = _series_organs(labels, image, pixels.shape)
        yield delivery.record(
            f"ct-dicom-{number:03d}" if image.position is None else f"ct-dicom-{image.position:.1f}",
            pixels,
            subject="ct-dicom",
            modality=Modality.CT,
            anatomy="abdomen",
            file=name,
            licence=LICENCE,
            locator=f"{image.plane or 'slice'} {number}",
            facts=facts | organs,
            origins=_BY_TOOL,
            targets=targets,
            position=image.position,
            method=_METHOD if targets else "as delivered",
        )


def _series_organs(
    labels: Volume | None, image: DicomImage, shape: tuple[int, ...]
) -> tuple[dict[str, str], dict[str, bytes]]:
    """Labels of the slice at the same height; none when the map has no slice within half a slice distance."""
    if labels is None or image.position is None or image.plane != "axial":
        return {}, {}
    step = float(labels.affine[2, 2])
    index = round((image.position - float(labels.affine[2, 3])) / step)
    if not 0 <= index < labels.count("axial") or abs(labels.position("axial", index) - image.position) > step / 2:
        return {}, {}
    if labels.slice("axial", index).shape != shape[:2]:
        return {}, {}
    down, across = labels.spacing("axial")
    return _organs(labels, CT_STRUCTURES, "axial", index, pixels=round(_VISIBLE_MM2 / (down * across)))
