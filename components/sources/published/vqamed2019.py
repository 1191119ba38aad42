"""VQA-Med 2019 as published: `image|question|answer` or, with reference answers, `image|category|question|answer#answer`;
images as `.jpg` beside the texts or in a folder of their own."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from components.images.limits import ImageError
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import question, read_rows, row_record, split_of
from components.sources.reading.rows import Row, need, table_rows

LICENCE = "CC BY 4.0 (VQA-Med 2019)"
_COLUMNS = {
    2: ("image", "question"),
    3: ("image", "question", "answer"),
    4: ("image", "category", "question", "answer"),
}


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question. Several right answers are separated by `#`: the first is learnt."""
    folders = sorted({str(path.parent.relative_to(delivery.folder)) for path in delivery.folder.rglob("*.jpg")})
    pictures = Pictures(delivery, folders or [""])
    yield from read_rows(delivery, (".txt",), _rows, partial(_record, delivery, pictures))


def _rows(path: Path) -> Iterator[Row | ImageError]:
    with path.open("rb") as handle:
        marks = handle.readline().count(b"|")
    if marks == 1:
        raise ImageError("no answers", "questions without answers; deliver the file with reference answers instead")
    if marks + 1 not in _COLUMNS:
        raise ImageError("not a table", "a line of VQA-Med is image|question|answer or image|category|question|answer")
    return table_rows(path, columns=_COLUMNS[marks + 1], delimiter="|", quoted=False)


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    image = need(row, "image")
    answer = need(row, "answer").split("#")[0].strip()
    return row_record(
        delivery,
        f"{image}/{name.rsplit('.', 1)[0]}-{number:06d}",
        [pictures.get(image if image.endswith(".jpg") else f"{image}.jpg")],
        [question(need(row, "question"), answer)],
        subject=image,
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=split_of(name),
    )
