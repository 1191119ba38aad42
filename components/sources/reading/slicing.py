"""A volume cut into slices: which planes are worth it, how far apart, and what is known of each slice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.resize import with_square_pixels
from components.images.volume import PLANES, Volume, usable_slices
from components.sources.delivery_folder import Delivery
from components.sources.reading.levels import levels

TISSUE_SHARE = 0.15
"""Share of a slice that the body covers, from which on it is used."""
_DENSER_THAN_LUNG = -300.0
"""Hounsfield units."""
_BACKGROUND = 0.1
"""Values below this share of the window are background."""
LARGEST_RATIO = 5.0
"""A plane whose pixels are more oblong than this would show mostly what is made up between two slices."""
_LONGEST_RATIO = 4.0
"""A plane whose images are longer than this for their width shows a strip."""
_EVERY_SLICE = 1.5
"""Slices of the finer planes lie at most this much closer than those of the coarsest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """One slice of a volume."""

    axis: str
    """The plane along whose axis it is cut."""
    index: int
    name: str
    """`axial-012`; `slice-012` where the plane has no name."""
    facts: Mapping[str, str]
    position: float | None

    @property
    def locator(self) -> str:
        """As provenance names it."""
        return f"{self.name.rsplit('-', 1)[0]} {self.index}"


def body_of(values: NDArray, limits: tuple[float, float], *, is_ct: bool) -> NDArray[np.bool_]:
    """Where a volume shows the patient: of CT what is denser than lung, whatever the window, of others what is not black."""
    low, high = limits
    return np.asarray(values) > (_DENSER_THAN_LUNG if is_ct else low + (high - low) * _BACKGROUND)


def slice_mm(delivery: Delivery) -> float:
    """The option `slice_mm`: how far apart slices of one plane are at least; 0 without it. Raises ImageError."""
    value = delivery.settings.options.get("slice_mm", 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
        raise ImageError("bad option", f"slice_mm is {value!r}; millimetres from 0 on are needed")
    return float(value)


def cuts(
    volume: Volume, body: NDArray[np.bool_], *, apart: float = 0.0, planes: Sequence[str] = PLANES
) -> Iterator[Cut]:
    """The slices through the body (a mask of the volume's shape), `apart` millimetres from each other in every plane, or, for
    0, about as far as the coarsest of them."""
    for axis in planes:
        if axis not in worth(volume):
            continue
        indices = usable_slices(volume, body, axis, TISSUE_SHARE)
        heights = levels(body, indices) if axis == "axial" else {}
        wanted = thinned(volume.count(axis), volume.thickness(axis), apart or _natural(volume))
        for index in indices:
            if index in wanted:
                yield cut_of(volume, axis, index, heights)


def worth(volume: Volume) -> tuple[str, ...]:
    """The planes to cut: those that have a name and true proportions, and always the one that was taken."""
    found = [volume.thickest] if not volume.planes else []
    for plane in volume.planes:
        down, across = volume.spacing(plane)
        high, wide = (side * mm for side, mm in zip(_size(volume, plane), (down, across), strict=True))
        is_fine = max(down, across) <= LARGEST_RATIO * min(down, across)
        if plane == volume.thickest or (is_fine and max(high, wide) <= _LONGEST_RATIO * min(high, wide)):
            found.append(plane)
    return tuple(found) or (volume.thickest,)


def cut_of(volume: Volume, axis: str, index: int, heights: Mapping[int, str]) -> Cut:
    """The slice of that number; `heights` says how high an axial one lies, where that is known."""
    if axis not in volume.planes:
        return Cut(axis=axis, index=index, name=f"slice-{index:03d}", facts={}, position=None)
    facts = {"plane": axis} | ({"level": heights[index]} if axis == "axial" and index in heights else {})
    position = volume.position(axis, index)
    return Cut(axis=axis, index=index, name=f"{axis}-{index:03d}", facts=facts, position=position)


def thinned(count: int, step: float, apart: float) -> set[int]:
    """The numbers of slices to keep: all that lie nearest to a multiple of `apart`, where the slices are `step` apart."""
    if apart <= step:
        return set(range(count))
    return {n for n in (round(k * apart / step) for k in range(int(count * step / apart) + 1)) if n < count}


def squared(volume: Volume, axis: str, pixels: NDArray[np.uint8], *, labels: bool = False) -> NDArray[np.uint8]:
    """The pixels of a slice in their true proportions."""
    return with_square_pixels(pixels, *volume.spacing(axis), labels=labels)


def _size(volume: Volume, plane: str) -> tuple[int, int]:
    others = [other for other in ("sagittal", "coronal", "axial") if other != plane]
    across, down = (volume.count(other) for other in others)
    return down, across


def _natural(volume: Volume) -> float:
    return volume.thickness(volume.thickest) / _EVERY_SLICE
