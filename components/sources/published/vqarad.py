"""VQA-RAD as published: `VQA_RAD Dataset Public.json` and `VQA_RAD Image Folder/`; mirrors with train and test JSON.

Its test set is by question: rows whose `phrase_type` begins with `test_`. Images and rephrased questions straddle the
two sides; assembly takes the training side away.
"""

from collections.abc import Iterator
from functools import partial

from components.records.record import Turn
from components.records.vocabulary import Split, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import read_rows, row_record, split_of
from components.sources.reading.rows import Row, json_rows, need, text

LICENCE = "CC0 1.0 (VQA-RAD)"
ANATOMY = {"head": "brain", "chest": "chest", "abd": "abdomen"}
"""`image_organ`, lower-cased -> region."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question."""
    pictures = Pictures(delivery, ("VQA_RAD Image Folder", "images", ""))
    yield from read_rows(delivery, (".json",), json_rows, partial(_record, delivery, pictures))


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    image = need(row, "image_name", "image")
    closed = text(row, "answer_type").upper() == "CLOSED"
    turn = Turn(
        prompt=need(row, "question"), answer=need(row, "answer"), kind=TurnKind.CLOSED if closed else TurnKind.OPEN
    )
    phrase = text(row, "phrase_type").lower()
    split = split_of(name)
    if phrase:
        split = Split.TEST if phrase.startswith("test_") else Split.TRAIN
    return row_record(
        delivery,
        f"{image.rsplit('.', 1)[0]}/{text(row, 'qid') or f'{name}-{number}'}",
        [pictures.get(image)],
        [turn],
        subject=image,
        anatomy=ANATOMY.get(text(row, "image_organ").lower(), "unknown"),
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=split,
    )
