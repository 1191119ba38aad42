"""RSNA pneumonia detection as published: `stage_2_train_labels.csv` (a row for each box), `stage_2_detailed_class_info.csv`
and `stage_2_train_images/<patientId>.dcm`; also the society's `pneumonia-challenge-dataset-mappings_2018.json`, which says
of each image which one of ChestX-ray14 it is, and so whose."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from components.images.limits import ImageError
from components.records.findings import finding_facts
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.boxes import Box, box_turns, corners
from components.sources.reading.films import IMAGES, Films
from components.sources.reading.row_records import read_rows, row_record, unreadable_row
from components.sources.reading.rows import Row, need, rows_of, text

LICENCE = "competition rules (RSNA Pneumonia Detection)"
OPACITY = "lung opacity"
_NIH = re.compile(r"(\d+)_\d+\.")
_SIDE = 1024
"""The boxes count pixels of the published images."""


@dataclass(slots=True)
class _Image:
    """What the tables say of one image."""

    file: str
    row: int
    kind: str = ""
    """Normal, Lung Opacity, No Lung Opacity / Not Normal; empty without the second table."""
    target: str = ""
    boxes: list[Box] = field(default_factory=list)
    patient: str = ""
    """`Patient ID` of ChestX-ray14; empty without the mapping."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image of the tables. The patient is the one of ChestX-ray14 where the mapping is delivered, else the
    image: `patientId` names an image. Images of the test stage have no labels and are left out."""
    films, images = Films(delivery), dict[str, _Image]()
    yield from read_rows(delivery, (".csv", ".json"), rows_of, partial(_row, images), images=IMAGES)
    for name, image in images.items():
        if not image.target and not image.kind:  # of the mapping alone
            continue
        try:
            yield _record(delivery, films, name, image)
        except ImageError as error:
            yield unreadable_row(delivery, image.file, image.row, error)
    yield from films.unnamed(_of_the_test_stage)


def _of_the_test_stage(name: str) -> bool:
    return "test_images" in name


def _row(images: dict[str, _Image], name: str, number: int, row: Row) -> Sequence[Item]:
    image = images.setdefault(need(row, "patientId", "subset_img_id"), _Image(name, number))
    if "subset_img_id" in row:
        found = _NIH.match(need(row, "img_id"))
        if not found:
            raise ImageError("bad name", f"img_id is {text(row, 'img_id')[:40]!r}; 00000013_005.png was expected")
        image.patient = str(int(found[1]))
        return ()
    if not image.target and not image.kind:
        image.file, image.row = name, number
    if "class" in row:
        image.kind = need(row, "class")
        return ()
    image.target = need(row, "Target")
    if text(row, "x"):
        image.boxes.append(corners(row.get("x"), row.get("y"), row.get("width"), row.get("height")))
    return ()


def _record(delivery: Delivery, films: Films, name: str, image: _Image) -> Item:
    film = films.get(name)
    seen = image.target == "1" or image.kind == "Lung Opacity"
    present = [OPACITY] if seen else ["normal"] if image.kind == "Normal" else []
    return row_record(
        delivery,
        name,
        [film.picture],
        box_turns({OPACITY: sorted(image.boxes)}, _SIDE, _SIDE),
        subject=image.patient or film.patient or name,
        modality=Modality.XRAY,
        anatomy="chest",
        facts=finding_facts(present, [] if seen else [OPACITY]),
        file=image.file,
        locator=f"row {image.row}",
        licence=LICENCE,
    )
