"""The Kvasir family as published. HyperKvasir: `labeled-images/{upper,lower}-gi-tract/<kind>/<class>/*.jpg` tables of
`file-name;class-name;split-index`, and `unlabeled-images/images/`. Kvasir-SEG: `images/`, `masks/` of the same names, `kavsir_bboxes.json`. Kvasir-VQA:
Parquet with `question`, `answer`, `img_id`.

No patient is named and images come in bursts of one examination: what looks alike is one patient's. The two folds of the
tables are for cross-validation, not a delivered split.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.masks import white
from components.images.png import encode_png
from components.images.raster import SUFFIXES, read_raster
from components.records.record import Turn
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.published.kvasir_classes import ANATOMY, CLASSES, folder_of
from components.sources.reading.boxes import box_turns, edges
from components.sources.reading.bursts import burst_subjects
from components.sources.reading.class_labels import class_turn
from components.sources.reading.labelled_images import Shot, labelled_record, mask_of
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import each_row, question, row_record
from components.sources.reading.rows import Row, json_object, need, parquet_rows, table_rows

LICENCE = "CC BY 4.0 (Kvasir, Simula)"
PROMPT = "What does this endoscopy image show?"
INSET = "with a position inset"
_BOXES = ("kavsir_bboxes.json", "bounding-boxes.json")
_BESIDE = ("image-labels.csv", "hyper-kvasir-video-metadata.csv", "video-labels.csv")


@dataclass(frozen=True, slots=True)
class _Found:
    """The delivered files by what they are."""

    images: dict[str, Path] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)
    """Name of the image that they belong to -> path."""
    boxes: dict[str, tuple[str, Path]] = field(default_factory=dict)
    """Folder -> its table of boxes."""
    splits: dict[str, Path] = field(default_factory=dict)
    answers: dict[str, Path] = field(default_factory=dict)


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image, with the polyp as what may be drawn where there is a mask; one a row of Kvasir-VQA; and each
    row of a table of folds whose image is missing or lies in another class's folder is unreadable."""
    found = _Found()
    for name, path in delivery.files():
        if not _sorted_in(found, name, path):
            yield delivery.unknown(name, "Kvasir holds JPEG images, masks, tables of boxes and folds, and Parquet")
    subjects = burst_subjects(delivery, found.images.items())
    boxes: dict[str, Mapping[str, Any]] = {}
    for folder, (name, path) in found.boxes.items():
        try:
            delivery.check(path)
            boxes[folder] = json_object(path)
        except ImageError as error:
            yield delivery.unreadable(name, error)
    masks = dict(found.masks)
    for name, path in found.images.items():
        mask = masks.pop(name.rsplit(".", 1)[0], None)
        own = boxes.get(_root(name), {}).get(PurePosixPath(name).stem)
        make = partial(_record, delivery, name, mask=mask, boxes=own, subject=subjects.get(name, name))
        yield from delivery.read(name, path, make)
    for name in masks:
        yield delivery.unknown(f"{name} (mask)", "a mask without its image")
    placed = {PurePosixPath(name).name: name for name in found.images}
    for name, path in found.splits.items():
        checked = partial(_fold_row, placed)
        yield from delivery.read(name, path, lambda p, n=name, c=checked: each_row(delivery, n, table_rows(p), c))
    for name, path in found.answers.items():
        told = partial(_answer, delivery, Pictures(delivery, ("", str(PurePosixPath(name).parent))))
        yield from delivery.read(name, path, lambda p, n=name, t=told: each_row(delivery, n, parquet_rows(p), t))


def _sorted_in(found: _Found, name: str, path: Path) -> bool:
    parts, suffix = PurePosixPath(name).parts, path.suffix.lower()
    if suffix in SUFFIXES and "masks" in parts:
        at = len(parts) - 1 - parts[::-1].index("masks")
        found.masks["/".join([*parts[:at], "images", *parts[at + 1 :]]).rsplit(".", 1)[0]] = path
    elif suffix in SUFFIXES:
        found.images[name] = path
    elif path.name in _BOXES:
        found.boxes[str(PurePosixPath(name).parent)] = name, path
    elif suffix == ".parquet":
        found.answers[name] = path
    elif suffix == ".csv" and path.name not in _BESIDE:
        found.splits[name] = path
    return suffix in (*SUFFIXES, ".csv", ".parquet") or path.name in _BOXES


def _root(name: str) -> str:
    """The folder above `images`, where the table of boxes lies."""
    return str(PurePosixPath(name).parent.parent)


def _record(
    delivery: Delivery, name: str, path: Path, *, mask: Path | None, boxes: Mapping[str, Any] | None, subject: str
) -> Iterator[Item]:
    image = read_raster(path)
    targets = {}
    if mask is not None:
        targets["polyp_map"] = encode_png(white(mask_of(delivery, f"mask of {name}", mask, image.shape)))
    label = PurePosixPath(name).parent.name
    turns: list[Turn] = []
    if label in CLASSES:
        turns.append(class_turn(PROMPT, CLASSES[label], list(CLASSES.values()), name))
    elif "labeled-images" in PurePosixPath(name).parts:
        raise ImageError("unknown class", f"{label!r} is no class of HyperKvasir; known: {', '.join(CLASSES)}")
    if boxes is not None:
        turns += _box_turns(boxes)
    yield labelled_record(
        delivery,
        name.removesuffix(path.suffix),
        Shot(file=name, image=image, subject=subject, targets=targets),
        turns,
        modality=Modality.ENDOSCOPY,
        anatomy=ANATOMY.get(label, "colon" if mask is not None else "unknown"),
        licence=LICENCE,
        facts={"description": INSET} if has_inset(image) else None,
    )


def has_inset(image: NDArray[np.uint8]) -> bool:
    """Whether the lower left corner is the green picture of where the endoscope lies: a tenth of it is clearly green."""
    if image.ndim == 2:
        return False
    corner = image[image.shape[0] * 2 // 3 :, : image.shape[1] // 3].astype(np.int16)
    green = corner[..., 1] - np.maximum(corner[..., 0], corner[..., 2]) > 30
    return float(green.mean()) >= 0.1


def _box_turns(entry: Mapping[str, Any]) -> list[Turn]:
    """Kvasir-SEG: {width, height, bbox: [{label, xmin, ymin, xmax, ymax}]}."""
    places: dict[str, list] = {}
    try:
        for box in entry["bbox"]:
            corners = edges(box["xmin"], box["ymin"], box["xmax"], box["ymax"])
            places.setdefault(str(box["label"]), []).append(corners)
        return box_turns(places, float(entry["width"]), float(entry["height"]))
    except (KeyError, TypeError) as error:
        raise ImageError("bad box", f"{error} is missing or of another kind in the table of boxes") from None


def _fold_row(placed: Mapping[str, str], name: str, number: int, row: Row) -> Iterator[Item]:
    """Nothing where the row agrees with the delivered image, which is a record already; else raises ImageError."""
    image, label = need(row, "file-name"), need(row, "class-name")
    if image not in placed:
        raise ImageError("missing image", f"{image!r} was not delivered")
    folder = PurePosixPath(placed[image]).parent.name
    if folder in CLASSES and folder != folder_of(label):
        raise ImageError("label conflict", f"{image!r} lies in {folder}, the row says {label}")
    yield from ()


def _answer(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    """A row of Kvasir-VQA; rows about one image share `img_id`."""
    shown = need(row, "img_id")
    image = row["image"] if row.get("image") else f"{shown}.jpg"
    record = row_record(
        delivery,
        f"{PurePosixPath(name).stem}/{number:07d}",
        [pictures.of(image)],
        [question(need(row, "question"), need(row, "answer"))],
        modality=Modality.ENDOSCOPY,
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
    )
    return replace(record, subject=shown)
