"""SLAKE as published: `{train,validate,test}.json`, `imgs/xmlab<n>/{source.jpg, mask.png, detection.json}` and the knowledge
graph `KG/{en,cn}_*.csv` (`head#relation#tail`), English and Chinese.

The sets split the questions, not the images: assembly takes every training question away whose image is asked about in
test. CLOSED is not only yes or no: "Which is bigger, lung or heart?" is closed as well.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from components.images.limits import ImageError, LeftOutError
from components.images.png import encode_png
from components.images.raster import read_raster
from components.images.stored import StoredImage
from components.records.record import Turn
from components.records.vocabulary import Modality, Split, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.boxes import Box, box_turns, corners
from components.sources.reading.label_colours import painted
from components.sources.reading.pictures import Pictures, annotations
from components.sources.reading.row_records import each_row, modality_of, row_record, split_of
from components.sources.reading.rows import Row, json_rows, need, table_rows, text

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
BOXES, QUESTIONS = "detection.json", "question.json"
"""Files that lie in each image's folder; the questions stand in the sets too."""
_GRAPH = re.compile(r"(en|cn)_\w+\.csv")
_LANGUAGES = {"en": "en", "cn": "zh"}
_COMPLETE = {"en": "Complete this entry of a medical knowledge base: {}, {}", "zh": "补全这条医学知识：{}，{}"}
_STRICTEST = (Split.TEST, Split.VAL, Split.TRAIN)


@dataclass(slots=True)
class _Image:
    """What the questions of an image say of it."""

    modality: Modality
    anatomy: str
    splits: set[Split | None] = field(default_factory=set)


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question; one an image with boxes, its mask as what may be drawn; one an entry of the knowledge graph,
    without an image. A question whose image was not delivered is unreadable."""
    images: dict[str, _Image] = {}
    places: list[tuple[str, Path]] = []
    for found in annotations(delivery, ".json", ".csv"):
        if not isinstance(found, tuple):
            yield found
            continue
        name, path = found
        if path.name in SETS:
            root = str(PurePosixPath(name).parent)
            make = partial(_record, delivery, Pictures(delivery, (f"{root}/imgs", root)), images)
            yield from delivery.read(name, path, lambda p, n=name, m=make: each_row(delivery, n, json_rows(p), m))
        elif graph := _GRAPH.fullmatch(path.name):
            rows = partial(table_rows, columns=("head", "relation", "tail"), delimiter="#", quoted=False)
            make = partial(_entry, delivery, _LANGUAGES[graph[1]])
            yield from delivery.read(name, path, lambda p, n=name, r=rows, m=make: each_row(delivery, n, r(p), m))
        elif path.name == BOXES:
            places.append((name, path))
        elif path.name != QUESTIONS:
            yield delivery.unknown(name, f"SLAKE has {', '.join(SETS)} and KG/en_organ.csv")
    for name, path in places:
        yield from delivery.read(name, path, lambda p, n=name: _places(delivery, n, p, images))


def _places(delivery: Delivery, name: str, path: Path, images: Mapping[str, _Image]) -> Iterator[Item]:
    """The record of the image beside the boxes: a list of {structure: [x, y, width, height]}."""
    folder = PurePosixPath(name).parent
    known = images.get(f"{folder.name}/source.jpg")
    if known is None:
        raise LeftOutError("no question", f"no question is asked about {folder.name}")
    boxes: dict[str, list[Box]] = {}
    for row in json_rows(path):
        if isinstance(row, ImageError):
            raise row
        for structure, box in row.items():
            if not isinstance(box, list) or len(box) != 4:
                raise ImageError("bad box", f"{structure} has {str(box)[:40]!r}; x, y, width and height were expected")
            boxes.setdefault(structure.strip().lower(), []).append(corners(*box))
    picture = Pictures(delivery, (str(folder),)).get("source.jpg")
    mask = path.with_name("mask.png")
    targets = {"structure_map": _map(delivery, mask, picture)} if mask.is_file() else {}
    turns = box_turns(boxes, picture.width, picture.height)
    if not turns and not targets:
        return
    yield row_record(
        delivery,
        f"{folder.name}/places",
        [picture],
        turns,
        subject=f"{folder.name}/source.jpg",
        modality=known.modality,
        anatomy=known.anatomy,
        targets=targets,
        file=name,
        locator="boxes",
        licence=LICENCE,
        split=next((split for split in _STRICTEST if split in known.splits), None),
    )


def _map(delivery: Delivery, path: Path, picture: StoredImage) -> bytes:
    """The mask in colours, of its image's size; labels that nobody could see are painted."""
    delivery.check(path)
    mask = read_raster(path)
    if mask.shape[:2] != (picture.height, picture.width):
        raise ImageError("sizes differ", f"{path.name} is {mask.shape[1]} x {mask.shape[0]} pixels, unlike its image")
    if mask.ndim == 3:
        return encode_png(mask)
    labels = np.unique(mask[mask > 0]).tolist()
    return encode_png(painted([(f"label {label}", mask == label) for label in labels], mask.shape))


def _entry(delivery: Delivery, language: str, name: str, number: int, row: Row) -> Item | Sequence[Item]:
    head, relation, tail = (need(row, column) for column in ("head", "relation", "tail"))
    if number == 0:  # the heads of the columns
        return ()
    return row_record(
        delivery,
        f"KG/{PurePosixPath(name).stem}-{number:06d}",
        [],
        [Turn(prompt=_COMPLETE[language].format(head, relation), answer=tail, kind=TurnKind.OPEN)],
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        language=language,
    )


def _record(
    delivery: Delivery, pictures: Pictures, images: dict[str, _Image], name: str, number: int, row: Row
) -> Item:
    image, answer = need(row, "img_name"), need(row, "answer")
    closed = text(row, "answer_type").upper() == "CLOSED"
    turn = Turn(prompt=need(row, "question"), answer=answer, kind=TurnKind.CLOSED if closed else TurnKind.OPEN)
    language = text(row, "q_lang") or "en"
    if language not in ("en", "zh"):
        raise ImageError("bad language", f"q_lang is {language!r}; en or zh")
    folder = PurePosixPath(image).parent.name or PurePosixPath(image).stem
    region = ANATOMY.get(text(row, "location").lower(), "unknown")
    split = split_of(PurePosixPath(name).name)
    images.setdefault(image, _Image(modality_of(text(row, "modality")), region)).splits.add(split)
    return row_record(
        delivery,
        f"{folder}/{PurePosixPath(name).stem}-{need(row, 'qid')}",
        [pictures.get(image)],
        [turn],
        subject=image,
        modality=modality_of(text(row, "modality")),
        anatomy=region,
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        language=language,
        split=split,
    )
