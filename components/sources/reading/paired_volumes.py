"""Volumes of one head or body in several contrasts: brought onto one grid, cut into axial slices, paired slice by slice."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.png import encode_png
from components.images.resample import onto_grid
from components.images.stored import StoredImage
from components.images.volume import Volume, read_volume, same_grid, usable_slices
from components.images.windows import percentile_limits, window
from components.records.record import Unreadable
from components.records.targets import SHOWN
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.levels import levels
from components.sources.reading.slicing import cut_of, slice_mm, squared, thinned

PLANE = "axial"
_FOREGROUND = 0.05
"""Share of a slice that is not background, from which on it is used."""
_BACKGROUND = 0.1
"""Values below this share of the window are background."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One examination: its volumes by what they show, and what is made of them."""

    name: str
    """Begins the ids of its records."""
    subject: str
    anatomy: str
    licence: str
    files: Mapping[str, tuple[str, Path]]
    """What a volume shows (a name of `targets.py`) -> (name in the delivery, path)."""
    pairs: Mapping[str, Sequence[str]]
    """What a slice shows -> what may be drawn from it."""
    grid: str
    """The volume whose grid all share; where it is missing, the first one's."""
    facts: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Fixed windows; every other volume gets its own 0.5 and 99.5 percentiles."""
    inside: tuple[str, Path] | None = None
    """A mask: outside of it everything is black."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelling:
    """A volume of labels that belongs to a case, and its picture."""

    file: tuple[str, Path]
    target: str
    colours: NDArray[np.uint8]
    """Label -> RGB. Shape: (256, 3)."""
    of: Sequence[str]
    """What the slices show that the map is drawn from."""
    fact: str
    """yes where at least `least` pixels are labelled, no where none is, in between nothing is claimed."""
    least: int = 20


@dataclass(slots=True)
class _Read:
    file: str
    volume: Volume
    limits: tuple[float, float]
    method: str = "as delivered"


Files = dict[str, tuple[str, Path]]
"""What a file shows -> (name in the delivery, path)."""


def cases(
    delivery: Delivery, place: Callable[[str], tuple[str, str] | None], expected: str, beside: Sequence[str] = ()
) -> tuple[dict[str, Files], list[Unreadable]]:
    """(case -> its files, what is no part of one). `place` says (case, what it shows) of a name, or None.

    Files that end in one of `beside` come with the set and hold no image.
    """
    found: dict[str, Files] = defaultdict(dict)
    strays: list[Unreadable] = []
    for name, path in delivery.files():
        placed = place(name)
        if placed is None:
            if not name.endswith(tuple(beside)):
                strays.append(delivery.unknown(name, expected))
            continue
        case, shows = placed
        if shows in found[case]:
            other = found[case][shows][0]
            strays.append(delivery.unreadable(name, ImageError("duplicate file", f"{other} is the same; remove one")))
        else:
            found[case][shows] = name, path
    return dict(sorted(found.items())), strays


def case_records(delivery: Delivery, case: Case, labelling: Labelling | None = None) -> Iterator[Item]:
    """One record a slice and volume of the case, each with its paired slices; unreadable files as such, once each."""
    found: dict[str, _Read] = {}
    for shows, (name, path) in case.files.items():
        try:
            delivery.check(path)
            volume = read_volume(path)
            found[shows] = _Read(name, volume, case.limits.get(shows) or percentile_limits(volume.data))
        except ImageError as error:
            yield delivery.unreadable(name, error)
    if not found:
        for name, _ in [file for file in (case.inside, labelling.file if labelling else None) if file]:
            yield delivery.unreadable(name, ImageError("no image", "the volume that it belongs to was not delivered"))
        return
    base = found.get(case.grid) or next(iter(found.values()))
    for shows in list(found):
        try:
            _align(found[shows], base)
        except ImageError as error:
            yield delivery.unreadable(found.pop(shows).file, error)
    beside: dict[str, NDArray] = {}
    told = ""
    for key, file in (("inside", case.inside), ("labels", labelling.file if labelling else None)):
        if file is not None:
            try:
                beside[key], is_resampled = _labels(delivery, file, base.volume)
                if labelling and key == "labels":
                    _check_known(beside[key], labelling.colours)
                    told = f"labels {_resampled(base)}" if is_resampled else ""
            except ImageError as error:
                beside.pop(key, None)
                yield delivery.unreadable(file[0], error)
    yield from _slices(delivery, case, found, base, labelling, beside, told)


def _align(read: _Read, base: _Read) -> None:
    """Bring the volume onto the grid of `base` where it is on another one."""
    if not same_grid(read.volume, base.volume):
        read.volume = onto_grid(read.volume, base.volume)
        read.method = _resampled(base)


def _resampled(base: _Read) -> str:
    return f"resampled by affine onto the grid of {base.file.rsplit('/', 1)[-1]}"


def _labels(delivery: Delivery, file: tuple[str, Path], grid: Volume) -> tuple[NDArray, bool]:
    """The labels on the grid, and whether they were resampled for it."""
    name, path = file
    delivery.check(path)
    volume = read_volume(path)
    is_resampled = not same_grid(volume, grid)
    if is_resampled:
        volume = onto_grid(volume, grid, labels=True)
    values = np.asarray(volume.data)
    if not np.array_equal(values, np.rint(values)) or values.min(initial=0) < 0 or values.max(initial=0) > 255:
        raise ImageError("not labels", f"{name} holds values that are no whole numbers from 0 to 255")
    return values.astype(np.uint8), is_resampled


def _check_known(labels: NDArray, colours: NDArray[np.uint8]) -> None:
    unknown = [n for n in np.flatnonzero(np.bincount(labels.ravel(), minlength=256)) if n and not colours[n].any()]
    if unknown:
        raise ImageError("unknown label", f"label {unknown[0]} is none of this set's; it has another convention")


def _slices(
    delivery: Delivery,
    case: Case,
    found: Mapping[str, _Read],
    base: _Read,
    labelling: Labelling | None,
    beside: Mapping[str, NDArray],
    told: str,
) -> Iterator[Item]:
    low, high = base.limits
    body = np.asarray(base.volume.data) > low + (high - low) * _BACKGROUND
    inside = beside.get("inside")
    if inside is not None:
        body &= inside > 0
    indices = usable_slices(base.volume, body, PLANE, _FOREGROUND)
    wanted = thinned(base.volume.count(PLANE), base.volume.thickness(PLANE), slice_mm(delivery))
    heights = levels(body, indices)
    for index in indices:
        if index not in wanted:
            continue
        place = cut_of(base.volume, PLANE, index, heights)
        images = {}
        for shows, read in found.items():
            image = window(read.volume.slice(PLANE, index), *read.limits)
            if inside is not None:
                image[Volume(inside, base.volume.affine).slice(PLANE, index) == 0] = 0
            images[shows] = StoredImage.of_pixels(squared(base.volume, PLANE, image))
        cut = Volume(beside["labels"], base.volume.affine).slice(PLANE, index) if "labels" in beside else None
        for shows, image in images.items():
            targets = {other: images[other].data for other in case.pairs.get(shows, ()) if other in images}
            facts = {**place.facts, **case.facts, **_contrast(shows)}
            if labelling is not None and cut is not None:
                facts |= _presence(labelling, cut)
                if shows in labelling.of:
                    shown = squared(base.volume, PLANE, cut, labels=True)
                    targets[labelling.target] = encode_png(np.ascontiguousarray(labelling.colours[shown]))
            yield delivery.record(
                f"{case.name}-{shows}-{PLANE}-{index:03d}",
                image,
                subject=case.subject,
                modality=Modality.CT if shows == "ct" else Modality.MRI,
                anatomy=case.anatomy,
                file=found[shows].file,
                licence=case.licence,
                locator=place.locator,
                facts=facts,
                targets=targets,
                position=place.position,
                method="; ".join(part for part in (_method(found, shows, targets), told) if part),
            )


def _contrast(shows: str) -> dict[str, str]:
    return {} if shows in ("mri", "ct") else {"contrast": SHOWN[shows].value}


def _presence(labelling: Labelling, cut: NDArray) -> dict[str, str]:
    pixels = int((labelling.colours[cut].max(axis=2) > 0).sum())
    if 0 < pixels < labelling.least:
        return {}
    return {labelling.fact: "yes" if pixels else "no"}


def _method(found: Mapping[str, _Read], shows: str, targets: Mapping[str, bytes]) -> str:
    told = [
        f"{name} {found[name].method}"
        for name in (shows, *targets)
        if name in found and found[name].method != "as delivered"
    ]
    return "; ".join(["as delivered", *told])
