"""How a DICOM image lies in the patient: its plane, and the turns that bring it upright.

Directions are in LPS: x to the patient's left, y to the back, z to the head. Upright is: the patient's right (in a
sagittal image the front) at the left edge, the front (else the head) at the top. A breast lies as it is read: its chest
wall at the right edge for a right breast and at the left one for a left breast, its outer side or the head at the top.

FieldOfViewHorizontalFlip says how the stored pixels came out of the detector; PatientOrientation is of the stored ones
and holds the flip already, so that nothing is turned twice.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.dicom_pixels import PROJECTIONS, frame_group

Direction = NDArray[np.float64]
SAME_DIRECTION = 0.9
"""Cosine from which a slice counts as lying in one of the three planes."""
_PLANES = ("sagittal", "coronal", "axial")
_ORIENTATION = "PlaneOrientationSequence"
_MAMMOGRAPHY = "MG"
_LETTERS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "H": (2, 1), "F": (2, -1)}
"""Letter -> (axis, sign)."""
_UPRIGHT = ((0, 1), (1, 1), (2, -1))
"""Axis -> the sign that goes across or down: to the left, to the back, to the feet."""


@dataclass(frozen=True, slots=True)
class Turns:
    """What brings stored pixels upright: first transposed, then mirrored, then turned upside down."""

    transposed: bool = False
    mirrored: bool = False
    upturned: bool = False

    def of(self, image: NDArray) -> NDArray:
        """The image (H, W) or (H, W, 3), upright."""
        if self.transposed:
            image = image.swapaxes(0, 1)
        if self.mirrored:
            image = image[:, ::-1]
        return np.ascontiguousarray(image[::-1] if self.upturned else image)

    def of_box(self, box: tuple[int, int, int, int], width: int, height: int) -> tuple[int, int, int, int]:
        """The box (x0, y0, x1, y1) of a stored image of that size, where it lies in the upright one."""
        x0, y0, x1, y1 = box
        if self.transposed:
            x0, y0, x1, y1, width, height = y0, x0, y1, x1, height, width
        if self.mirrored:
            x0, x1 = width - x1, width - x0
        if self.upturned:
            y0, y1 = height - y1, height - y0
        return x0, y0, x1, y1


def directions(dataset: Any, index: int) -> tuple[Direction, Direction] | None:
    """Where the rows and the columns of a frame go, unit vectors of shape (3,); None where no header says it, and where
    ImageOrientationPatient and PatientOrientation contradict each other."""
    values = frame_group(dataset, index, _ORIENTATION).get("ImageOrientationPatient")
    if not values or len(values) != 6:
        return None
    across, down = np.asarray([float(v) for v in values]).reshape(2, 3)
    is_sound = np.isfinite([across, down]).all() and np.linalg.norm(np.cross(across, down)) > SAME_DIRECTION
    letters = _of_letters(dataset)
    agrees = letters is None or (across @ letters[0] > 0 and down @ letters[1] > 0)
    return (across, down) if is_sound and agrees else None


def plane_and_position(dataset: Any, index: int) -> tuple[str, float | None]:
    """(plane, millimetres along its axis in RAS) of a frame; an oblique one has no plane."""
    found = directions(dataset, index)
    if found is None:
        return "", None
    normal = np.cross(*found)
    axis = int(np.abs(normal).argmax())
    plane = _PLANES[axis] if abs(normal[axis]) >= SAME_DIRECTION else ""
    at = origin(dataset, index)
    if at is None:
        return plane, None
    along = float(np.dot(normal * np.sign(normal[axis]), at))
    return plane, round(along if axis == 2 else -along, 3)  # LPS to RAS


def origin(dataset: Any, index: int) -> Direction | None:
    """The place of a frame's first pixel in millimetres (LPS); None where no header says it."""
    values = frame_group(dataset, index, "PlanePositionSequence").get("ImagePositionPatient")
    return np.asarray([float(v) for v in values]) if values and len(values) == 3 else None


def upright(dataset: Any, index: int) -> Turns:
    """The turns of a frame; none where no header says how it lies, or says what cannot be."""
    modality = str(dataset.get("Modality", ""))
    found = directions(dataset, index)
    if found is None and modality in PROJECTIONS:
        found = _of_letters(dataset)
    if found is None:
        return Turns()
    axes = _axes(*found)
    wanted = dict(_UPRIGHT)
    transposed = axes[0] > axes[1]
    if modality == _MAMMOGRAPHY:
        side = laterality(dataset, index)
        if not side or 1 not in axes:
            return Turns()
        sign = 1 if side == "right" else -1
        wanted |= {0: sign, 1: sign}
        transposed = axes[1] == 1
    signs = [int(np.sign(vector[axis])) for vector, axis in zip(found, axes, strict=True)]
    lies = [sign == wanted[axis] for sign, axis in zip(signs, axes, strict=True)]
    across, down = reversed(lies) if transposed else lies
    return Turns(transposed, not across, not down)


def laterality(dataset: Any, index: int = 0) -> str:
    """left or right where the header names one side of the body, else empty."""
    frame = frame_group(dataset, index, "FrameAnatomySequence")
    said = frame.get("FrameLaterality") or dataset.get("ImageLaterality") or dataset.get("Laterality") or ""
    return {"L": "left", "R": "right"}.get(str(said).strip().upper(), "")


def _of_letters(dataset: Any) -> tuple[Direction, Direction] | None:
    """Rows and columns of a projection as PatientOrientation names them; None for letters that cannot be."""
    said = dataset.get("PatientOrientation") or ()
    if len(said) != 2 or dataset.get("AnatomicalOrientationType", "BIPED") != "BIPED":
        return None
    vectors = []
    for word in said:
        vector = np.zeros(3)
        for number, letter in enumerate(str(word).strip().upper()):
            axis, sign = _LETTERS.get(letter, (None, 0))
            if axis is None or vector[axis]:
                return None
            vector[axis] = sign / 2**number
        vectors.append(vector)
    across, down = vectors
    is_sound = across.any() and down.any() and np.abs(across).argmax() != np.abs(down).argmax()
    return (across, down) if is_sound else None


def _axes(across: Direction, down: Direction) -> tuple[int, int]:
    """The two axes of the body that rows and columns follow best."""
    return max(
        ((a, d) for a in range(3) for d in range(3) if a != d), key=lambda axes: abs(across[axes[0]] * down[axes[1]])
    )
