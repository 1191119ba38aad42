"""VinDr-CXR as published (`annotations/{annotations,image_labels}_{train,test}.csv`, `{train,test}/<id>.dicom`) and as its
competition has it (`train.csv`, `train_meta.csv`).

Three readers looked at each training image. A finding is present where most of them name it, absent where none does, and
neither in between. Boxes of one finding that overlap are one place, their hull; it counts where most readers drew there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from components.images.limits import ImageError, LeftOutError
from components.records.findings import finding, finding_facts
from components.records.vocabulary import Modality, Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.boxes import Box, box_turns, edges, hull_of, overlap
from components.sources.reading.films import IMAGES, Film, Films
from components.sources.reading.row_records import read_rows, row_record, split_of, unreadable_row
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "PhysioNet credentialed access, not to be passed on (VinDr-CXR)"
NORMAL = "No finding"
_BOX = ("x_min", "y_min", "x_max", "y_max")

_SMALLER = LeftOutError(
    "not read",
    "boxes count pixels of the DICOM file, and some of the set reach out of their pictures: these are smaller copies; "
    "deliver train_meta.csv with dim0 and dim1, or the DICOM files",
)


@dataclass(slots=True)
class _Image:
    """What the tables say of one image."""

    file: str
    row: int
    split: Split | None
    readers: set[str] = field(default_factory=set)
    marks: dict[str, set[str]] = field(default_factory=dict)
    """Label -> readers."""
    boxes: dict[str, list[tuple[str, Box]]] = field(default_factory=dict)
    """Label -> (reader, box)."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image; the set names no patients, so each image is its own. Boxes count pixels of the DICOM file: its
    size is a table's, else the picture's own; of pictures out of which boxes of the set reach, they are left out by name."""
    films = Films(delivery)
    images: dict[str, _Image] = {}
    sizes: dict[str, tuple[float, float]] = {}
    yield from read_rows(delivery, (".csv",), table_rows, partial(_row, images, sizes), images=IMAGES)
    labels = sorted({label for image in images.values() for label in image.marks})
    are_whole = not any(_reaches_out(films.size(name), image) for name, image in images.items() if name not in sizes)
    for name, image in images.items():
        try:
            film = films.get(name)
            own = (film.picture.width, film.picture.height) if film.is_dicom or are_whole else None
            size = sizes.get(name, own)
            yield _record(delivery, film, name, image, labels, size)
            if size is None and image.boxes:
                yield unreadable_row(delivery, f"{image.file}:boxes", image.row, _SMALLER)
        except ImageError as error:
            yield unreadable_row(delivery, image.file, image.row, error)
    yield from films.unnamed()


def _reaches_out(size: tuple[int, int] | None, image: _Image) -> bool:
    """Whether a box of the image lies outside of a picture of that size."""
    if size is None:
        return False
    drawn = (box for boxes in image.boxes.values() for _, box in boxes)
    return any(right > size[0] + 1 or bottom > size[1] + 1 for _, _, right, bottom in drawn)


def agreed(boxes: Sequence[tuple[str, Box]], readers: int) -> list[Box]:
    """The places where most of the readers drew a box, each the hull of the boxes that overlap there."""
    places: list[tuple[Box, set[str]]] = []
    for reader, box in sorted(boxes):
        hull, who, apart = box, {reader}, []
        for other, others in places:
            if overlap(hull, other):
                hull = hull_of(hull, other)
                who |= others
            else:
                apart.append((other, others))
        places = [*apart, (hull, who)]
    return sorted(box for box, who in places if 2 * len(who) > readers)


def _row(
    images: dict[str, _Image], sizes: dict[str, tuple[float, float]], name: str, number: int, row: Row
) -> Sequence[Item]:
    identity = need(row, "image_id")
    height, width = text(row, "dim0", "height"), text(row, "dim1", "width")
    if height and width:
        sizes[identity] = edges(0, 0, width, height)[2:]
    wide = {label for label in row if finding(label)}
    if "class_name" not in row and not wide:
        return ()
    image = images.setdefault(identity, _Image(name, number, split_of(name)))
    reader = text(row, "rad_id", "rad_ID")
    image.readers.add(reader)
    for label in wide:
        if text(row, label) not in ("", "0", "0.0"):
            image.marks.setdefault(label, set()).add(reader)
    if label := text(row, "class_name"):
        image.marks.setdefault(label, set()).add(reader)
        if any(text(row, column) for column in _BOX):
            image.boxes.setdefault(label, []).append((reader, edges(*(row.get(column) for column in _BOX))))
    return ()


def _record(
    delivery: Delivery,
    film: Film,
    name: str,
    image: _Image,
    labels: Sequence[str],
    size: tuple[float, float] | None,
) -> Item:
    count = len(image.readers)
    present = [label for label, readers in image.marks.items() if 2 * len(readers) > count]
    absent = [label for label in labels if label not in image.marks and label != NORMAL]
    places = {finding(label) or label.lower(): agreed(image.boxes.get(label, ()), count) for label in present}
    return row_record(
        delivery,
        name,
        [film.picture],
        box_turns(places, *size) if size else [],
        subject=name,
        modality=Modality.XRAY,
        anatomy="chest",
        facts=finding_facts(present, absent),
        file=image.file,
        locator=f"row {image.row}",
        licence=LICENCE,
        split=image.split,
    )
