"""Slices of one series as a volume: their thinning, and the planes that nobody took."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.dicom import open_dicom
from components.images.dicom_series import Stack, places, stacks
from components.images.limits import MAX_VOXELS, ImageError
from components.images.volume import PLANES
from components.images.windows import percentile_limits, without_background
from components.sources.delivery_folder import Delivery
from components.sources.generic.dicom_heads import Heads
from components.sources.reading.slicing import Cut, body_of, cuts, slice_mm, thinned, worth


@dataclass
class Filling:
    """A stack whose values are read in."""

    number: int
    stack: Stack
    wanted: set[int]
    """Which of its slices are a record."""
    planes: Sequence[str]
    """Which other planes are cut out of it."""
    middle: Path
    """The file of its middle slice."""
    values: NDArray | None = None
    filled: set[int] = field(default_factory=set)

    @cached_property
    def limits(self) -> tuple[float, float] | None:
        """The window of all its slices, where their header's spoils the middle one; None where it serves. A slice at the end
        shows hardly anything, and is no judge."""
        try:
            shown = open_dicom(self.middle).shown(self.stack.places[len(self.stack.places) // 2].index)
        except ImageError:
            return None
        if not shown.remark or shown.values is None:
            return None
        return percentile_limits(without_background(shown.values))

    @property
    def is_whole(self) -> bool:
        """Whether the values of all its slices are there."""
        return self.values is not None and len(self.filled) == len(self.stack.places)

    def put(self, at: int, values: NDArray | None, *, as_whole_numbers: bool) -> None:
        """Keep the values of slice `at`, where other planes are wanted."""
        if not self.planes or values is None:
            return
        if self.values is None:
            self.values = np.empty(self.stack.shape, np.int16 if as_whole_numbers else np.float32)
        self.values[at] = np.rint(values).clip(-(2**15), 2**15 - 1) if as_whole_numbers else values
        self.filled.add(at)


class Stacks:
    """The stacks of a delivery, found before anything is decoded, and those that are being read."""

    def __init__(self, files: Sequence[tuple[str, Path]], delivery: Delivery) -> None:
        self._apart = slice_mm(delivery)
        placed = [place for name, path in files for place in places(name, path)]
        found, paths = stacks(placed), dict(files)
        self.heads = Heads(placed, paths, delivery)
        """Which of the delivery's series show a head."""
        self._fillings = [self._filling(number, stack, paths) for number, stack in enumerate(found)]
        self._slots = {
            (place.file, place.index): (filling, at)
            for filling in self._fillings
            for at, place in enumerate(filling.stack.places)
        }
        self._of_file: dict[str, dict[int, Filling]] = defaultdict(dict)
        for (name, _), (filling, _) in self._slots.items():
            self._of_file[name][filling.number] = filling
        self._order = {name: number for number, (name, _) in enumerate(files)}
        self._first = {
            place.file: min(self._order[other.file] for other in filling.stack.places)
            for filling in self._fillings
            for place in filling.stack.places
        }

    def order(self, files: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, Path, list[Filling]]]:
        """(name, path, the stacks that end with it) of the files, those of one stack one after the other: only its values
        are in memory."""
        ordered = sorted(files, key=lambda file: (self._first.get(file[0], self._order[file[0]]), self._order[file[0]]))
        last: dict[int, str] = {}
        for name, _ in ordered:
            last |= dict.fromkeys(self._of_file.get(name, ()), name)
        for name, path in ordered:
            ended = [filling for number, filling in self._of_file.get(name, {}).items() if last[number] == name]
            yield name, path, ended
            for filling in ended:
                filling.values = None

    def slot(self, name: str, index: int) -> tuple[Filling, int] | None:
        """(the stack of a frame, its place in it), feet first."""
        return self._slots.get((name, index))

    def cuts(
        self, filling: Filling, limits: tuple[float, float], *, is_ct: bool
    ) -> Iterator[tuple[Cut, NDArray, tuple[float, float]]]:
        """(place, values, distance of its pixels down and across) of the slices of a whole stack in the other planes."""
        assert filling.values is not None
        volume = filling.stack.volume(filling.values)
        body = body_of(volume.data, limits, is_ct=is_ct)
        for cut in cuts(volume, body, apart=self._apart, planes=filling.planes):
            yield cut, volume.slice(cut.axis, cut.index), volume.spacing(cut.axis)

    def _filling(self, number: int, stack: Stack, paths: Mapping[str, Path]) -> Filling:
        shape = stack.shape
        volume = stack.volume(np.broadcast_to(np.int8(0), shape))
        # A stack beyond what memory should hold is read slice by slice alone, and so is one that lies askew.
        is_whole = stack.plane and int(np.prod(shape, dtype=np.int64)) <= MAX_VOXELS
        planes = [plane for plane in PLANES if plane != stack.plane and plane in worth(volume)] if is_whole else []
        wanted = thinned(shape[0], stack.step, self._apart)
        middle = paths[stack.places[shape[0] // 2].file]
        return Filling(number=number, stack=stack, wanted=wanted, planes=planes, middle=middle)
