"""COCO: a JSON file with `images`, `annotations` and `categories`. Captions are turns; what boxes and masks mark is a
fact of the image, boxes are asked for, and masks are a map of the image's structures that may be drawn."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from components.images.limits import ImageError, LeftOutError
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.columns import PATIENTS, called
from components.sources.reading.known_layouts import COCO_LIST, layout_of
from components.sources.reading.languages import language_of
from components.sources.reading.marks import Marked, size_of
from components.sources.reading.pictures import Pictures, annotations
from components.sources.reading.row_records import each_row, patient_of, row_record, split_of, unreadable_row
from components.sources.reading.rows import Row, json_object, need, text
from components.sources.reading.unread_columns import UnreadColumns

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
        picture, said = pictures.get(image, name), _captions(found)
        things = [mark for mark in found if "caption" not in mark]
        marked = Marked(picture=picture, size=size_of(row, picture), things=things, names=whole.names)
        yield row_record(
            delivery,
            f"{stem}/{image.rsplit('.', 1)[0]}",
            [picture],
            [*said, *marked.turns()],
            subject=patient_of(row, *called(row, *PATIENTS)),
            facts=marked.facts(),
            targets=marked.targets(),
            file=name,
            locator=f"image {row.get('id')}",
            licence=text(row, "licence") or "unknown",
            language=language_of(" ".join(turn.answer for turn in said)),
            split=split_of(name),
        )
        if lack := marked.lack():
            yield unreadable_row(delivery, f"{name}:masks", number, lack)

    yield from each_row(delivery, name, whole.images, make, unread=UnreadColumns())
    yield from each_row(delivery, f"{name}:annotations", whole.strays, make)
    if any(mark.get("num_keypoints") for marks in whole.marks.values() for mark in marks):
        yield delivery.unreadable(
            f"{name}:keypoints", LeftOutError("not read", "keypoints are not read from COCO files")
        )


def _captions(found: Sequence[Row]) -> list[Turn]:
    said = [text(mark, "caption") for mark in found]
    return [Turn(prompt="", answer=caption, kind=TurnKind.CAPTION) for caption in said if caption]


def _list(whole: Row, name: str, *, optional: bool = False) -> list[Row]:
    value = whole.get(name, [] if optional else None)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ImageError("not COCO", f"{name!r} is a list of objects in a COCO file")
    return value
