"""Quilt-1M as published: `quilt_1M_lookup.csv` (`caption, image_path, subset, split, …`) beside its images, which are
frames of teaching videos and figures from papers and posts."""

from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

from components.records.record import Turn
from components.records.vocabulary import Modality, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import read_rows, row_record, split_of
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "CC BY-NC-ND, on request (Quilt-1M)"
FOLDERS = ("quilt_1m", "images", "")
FRAME = "_image_"
"""Stands between a video's id, which may hold _ and - itself, and its frame's."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a row; the patient is the video, of other images the image. One frame may have several captions."""
    yield from read_rows(delivery, (".csv",), table_rows, partial(_record, delivery, Pictures(delivery, FOLDERS)))


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    path = need(row, "image_path")
    video = PurePosixPath(path).stem.partition(FRAME)
    return row_record(
        delivery,
        f"{PurePosixPath(path).stem}/{number:07d}",
        [pictures.get(path)],
        [Turn(prompt="", answer=need(row, "caption"), kind=TurnKind.CAPTION)],
        subject=video[0] if video[1] else "",
        modality=Modality.HISTOPATHOLOGY,
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=split_of(text(row, "split")),
    )
