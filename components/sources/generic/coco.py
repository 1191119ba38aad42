"""COCO: a JSON file with `images`, `annotations` and `categories`. Captions are turns; what boxes and masks mark is a
fact of the image, boxes are asked for, and masks are a map of the image's structures that may be drawn."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.limits import MAX_VOXELS, ImageError, LeftOutError
from components.images.png import encode_png
from components.images.stored import StoredImage
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.boxes import Box, box_turns, corners, hull_of, overlap
from components.sources.reading.columns import PATIENTS, called, is_empty
from components.sources.reading.known_layouts import COCO_LIST, layout_of
from components.sources.reading.label_colours import painted
from components.sources.reading.languages import language_of
from components.sources.reading.pictures import Pictures, annotations
from components.sources.reading.row_records import each_row, patient_of, row_record, split_of, unreadable_row
from components.sources.reading.rows import Row, json_object, need, text
from components.sources.reading.segmentations import segmented
from components.sources.reading.unheard import Unheard

_LOOSE, _TOGETHER = 1.0, 0.6
"""A box may be so many pixels larger than its mask whatever their sizes; the smaller takes so much of the place of both."""
_FOLDERS = 64
"""Folders of a level that is looked into: more are patients."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image of the list, with or without annotations. Ids need not be contiguous; an annotation of an
    image or category that the file does not have is unreadable."""
    pictures = Pictures(delivery, folders_of(delivery))
    stems: set[str] = set()
    for found in annotations(delivery, ".json"):
        if isinstance(found, tuple):
            name, path = found
            stem = PurePosixPath(name).stem
            # Two files of one name, in the folders of two splits: the second's records are known by its folder too.
            stem = name.removesuffix(path.suffix) if stem in stems else stem
            stems.add(stem)
            told = layout_of(path)
            if told and not told.startswith(COCO_LIST):
                yield delivery.unknown(name, "a COCO file is an object with images, annotations and categories")
                continue
            yield from delivery.read(name, path, lambda p, n=name, s=stem: _file(delivery, pictures, n, s, p))
        else:
            yield found
    yield from pictures.unnamed()


@dataclass(frozen=True, kw_only=True, slots=True)
class Coco:
    """What a COCO file holds."""

    images: list[Row]
    names: Mapping[Any, str]
    """Category id -> name."""
    marks: Mapping[Any, Sequence[Row]]
    """Image id -> its annotations."""
    strays: Sequence[ImageError]
    """Annotations of an image or category that the file does not have."""

    @classmethod
    def read(cls, path: Path) -> "Coco":
        """The file's content. Raises ImageError, reason 'not COCO'."""
        whole = json_object(path)
        images, marks = _list(whole, "images"), _list(whole, "annotations", optional=True)
        names = {row.get("id"): text(row, "name") for row in _list(whole, "categories", optional=True)}
        known = {row.get("id") for row in images}
        by_image: dict[Any, list[Row]] = defaultdict(list)
        strays: list[ImageError] = []
        for mark in marks:
            if mark.get("image_id") not in known:
                strays.append(ImageError("stray annotation", f"there is no image {mark.get('image_id')!r}"))
            elif "caption" not in mark and mark.get("category_id") not in names:
                strays.append(ImageError("stray annotation", f"there is no category {mark.get('category_id')!r}"))
            else:
                by_image[mark["image_id"]].append(mark)
        return cls(images=images, names=names, marks=by_image, strays=strays)


def folders_of(delivery: Delivery) -> tuple[str, ...]:
    """Where the images of a list may lie: the source's folder and those in it, down to the second where they are few."""
    found = [""]
    for pattern in ("*", "*/*"):
        level = sorted(
            str(path.relative_to(delivery.folder)) for path in delivery.folder.glob(pattern) if path.is_dir()
        )
        found += level if pattern == "*" or len(level) <= _FOLDERS else []
    return tuple(found)


def _file(delivery: Delivery, pictures: Pictures, name: str, stem: str, path: Path) -> Iterator[Item]:
    whole = Coco.read(path)

    def make(name: str, number: int, row: Row) -> Iterator[Item]:
        image, found = need(row, "file_name"), whole.marks.get(row.get("id"), ())
        picture, things = pictures.get(image, name), [mark for mark in found if "caption" not in mark]
        size, masks = size_of(row, picture), [mark for mark in things if not is_empty(mark.get("segmentation"))]
        said = _captions(found)
        shown = sorted({whole.names[mark["category_id"]] for mark in things})
        is_mapped = 0 < len(masks) == len(things)
        yield row_record(
            delivery,
            f"{stem}/{image.rsplit('.', 1)[0]}",
            [picture],
            [*said, *boxes_of(things, whole.names, size)],
            subject=patient_of(row, *called(row, *PATIENTS)),
            facts={"description": "; ".join(shown)} if shown else None,
            targets={"structure_map": encode_png(_map(masks, whole.names, size, picture))} if is_mapped else None,
            file=name,
            locator=f"image {row.get('id')}",
            licence=text(row, "licence") or "unknown",
            language=language_of(" ".join(turn.answer for turn in said)),
            split=split_of(name),
        )
        if masks and not is_mapped:
            yield unreadable_row(delivery, f"{name}:masks", number, _some_lack(len(masks), len(things)))

    yield from each_row(delivery, name, whole.images, make, unheard=Unheard())
    yield from each_row(delivery, f"{name}:annotations", whole.strays, make)
    if any(mark.get("num_keypoints") for marks in whole.marks.values() for mark in marks):
        yield delivery.unreadable(
            f"{name}:keypoints", LeftOutError("not read", "keypoints are not read from COCO files")
        )


def _some_lack(with_mask: int, things: int) -> LeftOutError:
    what = f"{with_mask} of its {things} annotations have one: a map of them would say that there is nothing else"
    return LeftOutError("incomplete masks", what)


def _captions(found: Sequence[Row]) -> list[Turn]:
    said = [text(mark, "caption") for mark in found]
    return [Turn(prompt="", answer=caption, kind=TurnKind.CAPTION) for caption in said if caption]


def size_of(image: Row, picture: StoredImage) -> tuple[int, int]:
    """(width, height) that boxes and masks are drawn in: what the list says, else the picture's own. Raises ImageError,
    reason 'sizes differ', where the picture is no smaller or larger copy of that."""
    _, _, width, height = corners(0, 0, image.get("width") or picture.width, image.get("height") or picture.height)
    differs = abs(width * picture.height - height * picture.width)
    if width < 1 or height < 1 or differs > max(width, height, *picture.shape[:2]):
        what = f"the list says {width:g} x {height:g}, the image is {picture.width} x {picture.height} pixels upright"
        raise ImageError("sizes differ", f"{what}; deliver the image that was annotated, turned as it was")
    return int(width), int(height)


def boxes_of(found: Sequence[Row], names: Mapping[Any, str], size: tuple[int, int]) -> list[Turn]:
    """Where each category is in an image of that size (width, height), crowds left out. Raises ImageError, reason 'bad
    box'."""
    places: dict[str, list[Box]] = defaultdict(list)
    for mark in found:
        if (box := _box(mark)) is None:
            continue
        if max(box) <= 1 < min(size):
            raise ImageError("bad box", f"{mark['bbox']} is in shares of the image; COCO's boxes are in pixels")
        places[names[mark["category_id"]]].append(box)
    return box_turns(places, *size)


def _box(mark: Row) -> Box | None:
    """The box of an annotation, none of a crowd. Raises ImageError, reason 'bad box'."""
    box = mark.get("bbox")
    if mark.get("iscrowd") or "bbox" not in mark:
        return None
    if not isinstance(box, list) or len(box) != 4:
        raise ImageError("bad box", f"{str(box)[:40]!r}: a box is x, y, width, height")
    return corners(*box)


def _map(
    masks: Sequence[Row], names: Mapping[Any, str], size: tuple[int, int], picture: StoredImage
) -> NDArray[np.uint8]:
    """The categories in their colours, of the picture's size. Shape: (H, W, 3). Raises ImageError, reasons 'bad mask' and
    'too large'."""
    whole: dict[str, NDArray[np.bool_]] = {}
    if len({mark["category_id"] for mark in masks}) * size[0] * size[1] > MAX_VOXELS:
        raise ImageError("too large", f"the masks of all categories together are over {MAX_VOXELS} pixels")
    for mark in masks:
        mask = segmented(mark["segmentation"], *size)
        _check_together(mark, mask)
        name = names[mark["category_id"]]
        whole[name] = whole[name] | mask if name in whole else mask
    width, height = size
    down = np.arange(picture.height) * height // picture.height
    across = np.arange(picture.width) * width // picture.width
    return painted([(name, mask[np.ix_(down, across)]) for name, mask in whole.items()], picture.shape)


def _check_together(mark: Row, mask: NDArray[np.bool_]) -> None:
    """Raise ImageError, reason 'bad box', where box and mask of an annotation are at different places."""
    box = _box(mark)
    if box is None or not mask.any():
        return
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    hull = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    whole = hull_of(box, hull)
    parts = (box[2] - box[0]) * (box[3] - box[1]), (hull[2] - hull[0]) * (hull[3] - hull[1])
    around = (whole[2] - whole[0] - _LOOSE) * (whole[3] - whole[1] - _LOOSE)
    if not overlap(box, hull) or min(parts) < _TOGETHER * around:
        what = f"the box {mark['bbox']} and the mask's own {[round(edge) for edge in hull]} (left, top, right, bottom)"
        raise ImageError("bad box", f"{what} are two places; COCO's boxes are x, y, width, height")


def _list(whole: Row, name: str, *, optional: bool = False) -> list[Row]:
    value = whole.get(name, [] if optional else None)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ImageError("not COCO", f"{name!r} is a list of objects in a COCO file")
    return value
