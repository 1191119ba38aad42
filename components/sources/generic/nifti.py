"""Any folder of NIfTI or NRRD volumes; labels.csv, or a challenge's dataset.json, says what they show.

Label maps among them are left out by their names and refused by their values. A volume whose file does not say how it lies
is cut as it was taken, and nothing is claimed of planes, sides and places. Of a file of four axes `contrasts` in labels.csv
names the volumes in their order (a contrast of MRI each, empty for one to leave out); without names the first is read.
A head of a private source is held until its owner says that its face was taken off (`reading/faces.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.images.limits import ImageError, LeftOutError
from components.images.volume import SUFFIXES, Volume, channels, read_volume
from components.images.windows import WINDOWS, percentile_limits, window, window_name, without_background
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.faces import asks_for_faces, refuse_face
from components.sources.reading.label_maps import refuse_label_name, refuse_labels
from components.sources.reading.slicing import body_of, cuts, slice_mm, squared
from components.sources.reading.volume_sets import VolumeSet, case_and_channel

_WINDOWS = {"brain": "brain", "chest": "lung"}
_BIDS_FILES = (".bidsignore", "changes", "citation.cff")
_BESIDE = (".json", ".tsv", ".bval", ".bvec", ".txt", ".csv")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per slice with enough tissue, in every plane that can be shown in its true proportions; per window of CT
    and volume of a fourth axis, where labels.csv names several."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _slices(delivery, n, p))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    """One volume of a file, and what is known of it."""

    volume: Volume
    number: int | None
    """Along the fourth axis."""
    modality: str
    contrast: str
    method: str


def _slices(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    if path.name.lower().endswith(_BESIDE) or path.name.lower() in _BIDS_FILES:
        raise LeftOutError("no volume", "it describes volumes; it is none itself")
    refuse_label_name(delivery, name)
    labels, apart = delivery.labels.of(name), slice_mm(delivery)
    anatomy = labels.get("anatomy") or "unknown"
    stem = next(
        (path.name[: -len(end)] for end in sorted(SUFFIXES, key=len)[::-1] if path.name.lower().endswith(end)), name
    )
    subject, channel = case_and_channel(_twin(path, name), stem)
    if asks_for_faces(delivery, name):
        # All volumes of the file before any of its slices leaves.
        for shown in _volumes(delivery, name, path, channel):
            refuse_labels(delivery, name, shown.volume.data)
            refuse_face(anatomy, Modality(shown.modality), shown.volume)
    for shown in _volumes(delivery, name, path, channel):
        volume = shown.volume
        refuse_labels(delivery, name, volume.data)
        for told, (low, high) in _limits(delivery, name, shown, anatomy):
            body = body_of(volume.data, (low, high), is_ct=shown.modality == Modality.CT.value)
            for cut in cuts(volume, body, apart=apart):
                facts = {**cut.facts, "contrast": shown.contrast, "window": told.fact}
                yield delivery.record(
                    f"{name}{'' if shown.number is None else f'-v{shown.number:03d}'}{told.suffix}-{cut.name}",
                    squared(volume, cut.axis, window(volume.slice(cut.axis, cut.index), low, high)),
                    subject=labels.get("subject") or subject,
                    modality=Modality(shown.modality),
                    anatomy=anatomy,
                    file=name,
                    licence=labels.get("licence", "unknown"),
                    locator=cut.locator if shown.number is None else f"volume {shown.number} {cut.locator}",
                    facts={fact: value for fact, value in facts.items() if value},
                    position=cut.position,
                    method=shown.method,
                )


def _twin(path: Path, name: str) -> str:
    """The name by which the file's patient is told: `case.nii` beside `case.nii.gz` is of whom that one is."""
    packed = path.with_name(f"{path.name}.gz")
    return f"{name}.gz" if path.name.lower().endswith(".nii") and packed.is_file() else name


def _volumes(delivery: Delivery, name: str, path: Path, channel: int) -> Iterator[_Shown]:
    """The volumes of a file: one, or those of its fourth axis that have a name, else the first of them."""
    labels, told = delivery.labels.of(name), VolumeSet.beside(delivery.folder, name)
    count = channels(path)
    numbers, names = _named(name, count, labels.get("contrasts", ""), told) if count > 1 else ([None], [""])
    for number, contrast in zip(numbers, names, strict=True):
        which = channel if number is None else number
        modality = labels.get("modality") or told.modality(which)
        if modality is None:
            raise ImageError("unknown modality", "say what it is in labels.csv, e.g. `*,modality,CT` for every file")
        is_first = number is not None and not contrast and not told.words
        yield _Shown(
            volume=read_volume(path, number),
            number=number,
            modality=_known(name, str(modality)),
            contrast=contrast or (told.contrast(which) if modality == Modality.MRI.value else ""),
            method=f"as delivered; the first of {count} volumes" if is_first else "as delivered",
        )


def _known(name: str, modality: str) -> str:
    if modality not in [m.value for m in Modality]:
        raise ImageError(
            "mislabelled", f"modality {modality!r} of {name}; known: {', '.join(m.value for m in Modality)}"
        )
    return modality


def _named(name: str, count: int, said: str, told: VolumeSet) -> tuple[list[int | None], list[str]]:
    """(numbers along the fourth axis, their contrasts)."""
    if said:
        names = [word.strip() for word in said.split(";")]
        if len(names) != count:
            raise ImageError("bad labels", f"contrasts of {name} names {len(names)} volumes, the file holds {count}")
        found = [(number, word) for number, word in enumerate(names) if word]
        return [number for number, _ in found], [word for _, word in found]
    known: Sequence[int] = [number for number in range(count) if number in told.words] or [0]
    return list(known), [""] * len(known)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a window is called in facts and ids."""

    fact: str
    suffix: str = ""


def _limits(delivery: Delivery, name: str, shown: _Shown, anatomy: str) -> Iterator[tuple[_Told, tuple[float, float]]]:
    """The windows to see a volume through: of CT those of labels.csv, else the region's; of others its percentiles."""
    if shown.modality != Modality.CT.value:
        yield _Told(""), percentile_limits(without_background(np.asarray(shown.volume.data)), 1.0, 99.5)
        return
    for word in delivery.labels.windows(name):
        yield _Told(word, f"-{word.replace(' ', '-')}"), WINDOWS[word]
    if not delivery.labels.windows(name):
        limits = WINDOWS[_WINDOWS.get(anatomy, "soft tissue")]
        yield _Told(window_name(*limits)), limits
