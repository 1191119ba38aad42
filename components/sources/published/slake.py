"""SLAKE as published: `{train,validate,test}.json` and `imgs/xmlab<n>/{source.jpg, mask.png}`, English and Chinese.

The sets split the questions, not the images: assembly takes every training question away whose image is asked about in
test. CLOSED is not only yes or no: "Which is bigger, lung or heart?" is closed as well.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures, annotations
from components.sources.reading.row_records import each_row, modality_of, row_record, split_of
from components.sources.reading.rows import Row, json_rows, need, text

LICENCE = "CC BY 4.0 (SLAKE, by its authors)"
ANATOMY = {
    "abdomen": "abdomen",
    "brain": "brain",
    "brain_face": "brain",
    "brain_tissue": "brain",
    "chest_heart": "heart",
    "chest_lung": "chest",
    "chest_mediastinal": "chest",
    "lung": "chest",
    "neck": "neck",
    "pelvic cavity": "pelvis",
}
"""`location`, lower-cased -> region."""
SETS = ("train.json", "validate.json", "test.json")
_BESIDE = ("detection.json", "question.json")
"""Files that lie in each image's folder; their questions stand in the sets too."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question; a question whose image was not delivered is unreadable."""
    for found in annotations(delivery, ".json", ".csv"):
        if not isinstance(found, tuple):
            yield found
            continue
        name, path = found
        if path.name in SETS:
            root = str(PurePosixPath(name).parent)
            make = partial(_record, delivery, Pictures(delivery, (f"{root}/imgs", root)))
            yield from delivery.read(name, path, lambda p, n=name, m=make: each_row(delivery, n, json_rows(p), m))
        elif path.name not in _BESIDE and path.suffix == ".json":
            yield delivery.unknown(name, f"SLAKE has {', '.join(SETS)}")


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    image, answer = need(row, "img_name"), need(row, "answer")
    closed = text(row, "answer_type").upper() == "CLOSED"
    turn = Turn(prompt=need(row, "question"), answer=answer, kind=TurnKind.CLOSED if closed else TurnKind.OPEN)
    language = text(row, "q_lang") or "en"
    if language not in ("en", "zh"):
        raise ImageError("bad language", f"q_lang is {language!r}; en or zh")
    folder = PurePosixPath(image).parent.name or PurePosixPath(image).stem
    return row_record(
        delivery,
        f"{folder}/{PurePosixPath(name).stem}-{need(row, 'qid')}",
        [pictures.get(image)],
        [turn],
        subject=image,
        modality=modality_of(text(row, "modality")),
        anatomy=ANATOMY.get(text(row, "location").lower(), "unknown"),
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        language=language,
        split=split_of(PurePosixPath(name).name),
    )
