"""VQA-Med 2019 as published: `image|question|answer` or, with reference answers, `image|category|question|answer#answer`;
images as `.jpg` beside the texts or in a folder of their own. Several right answers are separated by `#`: the first is
learnt."""

from collections.abc import Iterator
from pathlib import Path

from components.images.limits import ImageError
from components.sources.delivery_folder import Delivery
from components.sources.reading.row_records import question
from components.sources.reading.row_sets import RowSet, Told
from components.sources.reading.rows import Row, table_rows

_COLUMNS = {
    2: ("image", "question"),
    3: ("image", "question", "answer"),
    4: ("image", "category", "question", "answer"),
}


def _rows(path: Path) -> Iterator[Row | ImageError]:
    with path.open("rb") as handle:
        marks = handle.readline().count(b"|")
    if marks == 1:
        raise ImageError("no answers", "questions without answers; deliver the file with reference answers instead")
    if marks + 1 not in _COLUMNS:
        raise ImageError("not a table", "a line of VQA-Med is image|question|answer or image|category|question|answer")
    return table_rows(path, columns=_COLUMNS[marks + 1], delimiter="|", quoted=False)


def _folders(delivery: Delivery) -> tuple[str, ...]:
    found = {str(path.parent.relative_to(delivery.folder)) for path in delivery.folder.rglob("*.jpg")}
    return tuple(sorted(found)) or ("",)


def _image(told: Told) -> str:
    name = told.need("image")
    return name if name.endswith(".jpg") else f"{name}.jpg"


read = RowSet(
    suffixes=(".txt",),
    rows=_rows,
    folders=_folders,
    licence="CC BY 4.0 (VQA-Med 2019)",
    image=_image,
    identity="{key}/{file}-{number:06d}",
    key=("image",),
    turn=lambda told: question(told.need("question"), told.need("answer").split("#")[0].strip()),
    subject=lambda told: told.need("image"),
).read
