"""Records of images with a class, a mask or a pair, out of folders: what adapters of labelled images share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.masks import fitting, read_mask
from components.images.stored import StoredImage
from components.records.record import Record, Turn
from components.records.vocabulary import Modality, Split
from components.sources.delivery_folder import Delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """One decoded image of a file, and where it belongs."""

    file: str
    image: StoredImage | NDArray[np.uint8]
    subject: str
    split: Split | None = None
    targets: Mapping[str, bytes] = field(default_factory=dict)
    locator: str = ""
    method: str = "as delivered"


def labelled_record(
    delivery: Delivery,
    native_id: str,
    shot: Shot,
    turns: Iterable[Turn] = (),
    *,
    modality: Modality,
    anatomy: str,
    licence: str,
    facts: Mapping[str, str] | None = None,
) -> Record:
    """The record of one image with what its set says of it."""
    record = delivery.record(
        native_id,
        shot.image,
        subject=shot.subject,
        modality=modality,
        anatomy=anatomy,
        file=shot.file,
        licence=licence,
        locator=shot.locator,
        facts=facts,
        targets=shot.targets,
        method=shot.method,
    )
    return replace(record, turns=tuple(turns), delivered_split=shot.split)


def mask_of(delivery: Delivery, name: str, path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask of a file, of its image's shape (H, W[, 3]). Raises ImageError that names the mask's file."""
    try:
        delivery.check(path)
        return fitting(read_mask(path), shape)
    except ImageError as error:
        raise ImageError(error.reason, f"{name}: {error.detail}") from None


def labelled_modality(labels: Mapping[str, str]) -> Modality:
    """The modality that labels.csv names for a file. Raises ImageError, reason 'unknown modality', for none or another."""
    word = labels.get("modality", "")
    if word not in tuple(Modality):
        known = ", ".join(modality.value for modality in Modality)
        raise ImageError(
            "unknown modality",
            f"say what it is in labels.csv, e.g. `*,modality,endoscopy` for every file; {word or 'nothing'!r} is none of {known}",
        )
    return Modality(word)
