"""COCO: a JSON file with `images`, `annotations` and `categories`. Captions are turns; what boxes and masks mark is a
fact of the image, and boxes are asked for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.pictures import Pictures, annotations
from components.sources.row_records import each_row, row_record, split_of
from components.sources.rows import Row, json_object, need, text


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image of the list, with or without annotations. Ids need not be contiguous; an annotation of an
    image or category that the file does not have is unreadable."""
    folders = (
        "",
        *sorted({str(path.relative_to(delivery.folder)) for path in delivery.folder.glob("*") if path.is_dir()}),
    )
    pictures = Pictures(delivery, folders)
    for found in annotations(delivery, ".json"):
        if isinstance(found, tuple):
            name, path = found
            yield from delivery.read(name, path, lambda p, n=name: _file(delivery, pictures, n, p))
        else:
            yield found


def _file(delivery: Delivery, pictures: Pictures, name: str, path: Path) -> Iterator[Item]:
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

    def make(name: str, number: int, row: Row) -> Item:
        image, found = need(row, "file_name"), by_image[row.get("id")]
        shown = sorted({names[mark["category_id"]] for mark in found if "caption" not in mark})
        return row_record(
            delivery,
            f"{PurePosixPath(name).stem}/{image.rsplit('.', 1)[0]}",
            [pictures.get(image)],
            [*_captions(found), *_boxes(row, found, names)],
            subject=text(row, "patient_id"),
            facts={"description": "; ".join(shown)} if shown else None,
            file=name,
            locator=f"image {row.get('id')}",
            licence=text(row, "licence") or "unknown",
            split=split_of(name),
        )

    yield from each_row(delivery, name, images, make)
    yield from each_row(delivery, f"{name}:annotations", strays, make)


def _captions(found: Sequence[Row]) -> list[Turn]:
    said = [text(mark, "caption") for mark in found]
    return [Turn(prompt="", answer=caption, kind=TurnKind.CAPTION) for caption in said if caption]


def _boxes(image: Row, found: Sequence[Row], names: Mapping[Any, str]) -> list[Turn]:
    """Where each category is: corners x0 y0 x1 y1 in thousandths of the image, crowds left out."""
    boxes: dict[str, list[str]] = defaultdict(list)
    for mark in found:
        if "bbox" not in mark or mark.get("iscrowd"):
            continue
        try:
            x, y, width, height = (float(value) for value in mark["bbox"])
            across, down = float(image["width"]), float(image["height"])
            if width <= 0 or height <= 0 or x < 0 or y < 0 or x + width > across + 1 or y + height > down + 1:
                raise ValueError("outside the image")
        except (TypeError, ValueError, KeyError) as error:
            raise ImageError("bad box", f"{mark['bbox']!r} of {image.get('file_name')}: {error}") from None
        corners = (x / across, y / down, (x + width) / across, (y + height) / down)
        boxes[names[mark["category_id"]]].append(f"[{', '.join(str(round(1000 * value)) for value in corners)}]")
    return [
        Turn(prompt=f"Where is: {category}? Give boxes.", answer=" ".join(places), kind=TurnKind.OPEN)
        for category, places in sorted(boxes.items())
    ]


def _list(whole: Row, name: str, *, optional: bool = False) -> list[Row]:
    value = whole.get(name, [] if optional else None)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ImageError("not COCO", f"{name!r} is a list of objects in a COCO file")
    return value
