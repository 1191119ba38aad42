"""Slices of DICOM series that lie side by side: found by their headers alone, and the volume that they are of."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.dicom import DEFLATED, is_dicom, quiet
from components.images.dicom_kinds import image_type, is_capture, is_clip
from components.images.dicom_limits import LimitedReader, check_items
from components.images.dicom_orientation import directions, origin, plane_and_position
from components.images.dicom_pixels import frame_group, number, spacing
from components.images.limits import MAX_FRAMES
from components.images.volume import Volume, canonical

LEAST_SLICES = 5
_SPATIAL = ("CT", "MR", "PT", "NM")
_TAGS = (
    *(
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
        "StudyInstanceUID",
        "Modality",
        "SOPClassUID",
        "ImageType",
        "NumberOfFrames",
    ),
    *("Rows", "Columns", "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "FrameTime", "CineRate"),
    *(
        "EchoTime",
        "DiffusionBValue",
        "TemporalPositionIdentifier",
        "TriggerTime",
        "AcquisitionNumber",
        "AcquisitionTime",
    ),
)
_MARKS: Sequence[Callable[[Any, int], Any]] = (
    lambda d, i: number(frame_group(d, i, "MREchoSequence").get("EffectiveEchoTime")) or number(d.get("EchoTime")),
    lambda d, i: (
        number(frame_group(d, i, "MRDiffusionSequence").get("DiffusionBValue")) or number(d.get("DiffusionBValue"))
    ),
    lambda d, i: number(frame_group(d, i, "FrameContentSequence").get("TemporalPositionIndex")),
    lambda d, i: number(d.get("TemporalPositionIdentifier")),
    lambda d, i: number(d.get("TriggerTime")),
    lambda d, i: number(d.get("AcquisitionNumber")),
    lambda d, i: str(d.get("AcquisitionTime") or ""),
)
"""What tells two slices of one place apart: echo, diffusion, phase, repetition."""
_UNEVEN = 0.05
"""Share of the distance between two slices by which it may differ."""
_SHEAR = 0.05
"""Share of the way along a stack that it may lean, as a tilted gantry makes it."""
_LIKE = 2
"""Decimals to which directions and pixel sizes of one stack are the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one frame of a file lies."""

    file: str
    index: int
    plane: str
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    origin: NDArray[np.float64]
    """All three in LPS."""
    spacing: tuple[float, float]
    shape: tuple[int, int]
    group: tuple[object, ...]
    """Equal for frames that may be of one stack."""
    marks: tuple[object, ...]

    @property
    def along(self) -> float:
        """Millimetres along the stack, growing to the head, the back or the left."""
        normal = np.cross(self.across, self.down)
        axis = int(np.abs(normal).argmax())
        return float(normal @ self.origin) * (1 if normal[axis] >= 0 else -1)


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames that lie side by side at even distances, from the feet to the head where they are axial."""

    places: Sequence[Place] = field(repr=False)

    @property
    def plane(self) -> str:
        """The plane of its slices, empty for an oblique one."""
        return self.places[0].plane

    @property
    def step(self) -> float:
        """Millimetres from slice to slice."""
        return abs(self.places[-1].along - self.places[0].along) / (len(self.places) - 1)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        return len(self.places), *self.places[0].shape

    def volume(self, values: NDArray) -> Volume:
        """The volume of its frames' values as they lie in their files, shape as `shape` says."""
        first, last = self.places[0], self.places[-1]
        down, across = first.spacing
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = first.across * across, first.down * down
        affine[:3, 2] = (last.origin - first.origin) / (len(self.places) - 1)
        affine[:3, 3] = first.origin
        return canonical(values.transpose(2, 1, 0), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def places(file: str, path: Path) -> list[Place]:
    """Where the frames of a file lie; empty for a clip, a screen, a localizer and whatever lies nowhere.

    Of a file that cannot be read nothing is said here: whoever reads its pixels names what is wrong with it.
    """
    import pydicom
    from pydicom.filereader import read_file_meta_info

    try:
        with quiet():
            if path.stat().st_size < 132 or not is_dicom(path):
                return []
            check_items(path)
            if str(read_file_meta_info(path).get("TransferSyntaxUID", "")) == DEFLATED:
                return []  # what is packed as a whole is inflated under a limit, when its turn comes
            with LimitedReader(io.FileIO(path)) as handle:
                dataset: Any = pydicom.dcmread(handle, stop_before_pixels=True, specific_tags=list(_TAGS))
            return _places(file, dataset)
    except Exception:  # a hostile header can raise anything
        return []


def stacks(found: Iterable[Place]) -> list[Stack]:
    """The stacks of LEAST_SLICES and more evenly spaced frames, each frame in one at most."""
    groups: dict[tuple[object, ...], list[Place]] = defaultdict(list)
    for place in found:
        groups[place.group].append(place)
    return [stack for group in groups.values() for stack in _stacks_of(group)]


def _places(file: str, dataset: Any) -> list[Place]:
    frames = int(dataset.get("NumberOfFrames") or 1)
    if dataset.get("Modality") not in _SPATIAL or is_capture(dataset) or not 1 <= frames <= MAX_FRAMES:
        return []
    if "LOCALIZER" in image_type(dataset) or (frames > 1 and is_clip(dataset)):
        return []
    # Whoever took the series' number away may have left another one.
    uids = (dataset.get(f"{of}UID") for of in ("SeriesInstance", "FrameOfReference", "StudyInstance"))
    series, shape = next((str(uid) for uid in uids if uid), ""), (int(dataset.Rows), int(dataset.Columns))
    if not series or (frames > 1 and not dataset.get("PerFrameFunctionalGroupsSequence")):
        return []
    found = []
    for index in range(frames):
        lies, at = directions(dataset, index), origin(dataset, index)
        if lies is None or at is None:
            return []
        apart = spacing(dataset, index)
        like = (*np.round([*lies[0], *lies[1], *apart], _LIKE).tolist(),)
        found.append(
            Place(
                file=file,
                index=index,
                plane=plane_and_position(dataset, index)[0],
                across=lies[0],
                down=lies[1],
                origin=at,
                spacing=apart,
                shape=shape,
                group=(
                    series,
                    str(dataset.get("FrameOfReferenceUID") or ""),
                    shape,
                    dataset.Modality,
                    image_type(dataset),
                    like,
                ),
                marks=tuple(mark(dataset, index) for mark in _MARKS),
            )
        )
    return found


def _stacks_of(group: list[Place]) -> list[Stack]:
    if len(group) < LEAST_SLICES:
        return []
    if _are_apart(group):
        return _even(group)
    for mark in range(len(_MARKS) + 1):
        parts: dict[object, list[Place]] = defaultdict(list)
        for place in group:
            parts[place.marks if mark == len(_MARKS) else place.marks[mark]].append(place)
        if len(parts) > 1 and all(_are_apart(part) for part in parts.values()):
            return [stack for part in parts.values() for stack in _even(part)]
    return []


def _are_apart(group: list[Place]) -> bool:
    return len({round(place.along, 2) for place in group}) == len(group)


def _even(group: list[Place]) -> list[Stack]:
    """The group as a stack, where its frames lie at even distances and straight above each other."""
    if len(group) < LEAST_SLICES:
        return []
    ordered = sorted(group, key=lambda place: place.along)
    steps = np.diff([place.along for place in ordered])
    first, last = ordered[0], ordered[-1]
    way = last.origin - first.origin
    normal = np.cross(first.across, first.down)
    lean = np.linalg.norm(way - normal * (normal @ way))
    is_even = np.abs(steps - steps.mean()).max() <= _UNEVEN * steps.mean()
    return [Stack(ordered)] if is_even and lean <= _SHEAR * np.linalg.norm(way) else []
