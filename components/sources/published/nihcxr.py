"""NIH ChestX-ray14 as published: `Data_Entry_2017*.csv`, `BBox_List_2017.csv`, `{train_val,test}_list.txt` and folders of
PNG. Its labels were read from reports by a program: one of the 14 that a row does not name counts as absent."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from components.images.limits import ImageError, LeftOutError
from components.records.findings import finding, finding_facts, view_facts
from components.records.origins import FOUND_BY_TOOL
from components.records.vocabulary import Modality, Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.boxes import Box, box_turns, corners
from components.sources.reading.films import Films, bare
from components.sources.reading.row_records import each_row, row_record, unreadable_row
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "no restriction (NIH ChestX-ray14)"
LABELS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Effusion",
    "Emphysema",
    "Fibrosis",
    "Hernia",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pleural_Thickening",
    "Pneumonia",
    "Pneumothorax",
)
_SIDE = 1024
"""The boxes count pixels of the published images."""
_LISTS = {"train_val_list.txt": Split.TRAIN, "test_list.txt": Split.TEST}
Boxes = dict[str, list[tuple[int, str, Box]]]
"""Image -> (row, label, box)."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image of the table; the patient is `Patient ID`."""
    films, tables = Films(delivery), []
    splits: dict[str, Split] = {}
    boxes: dict[str, Boxes] = {}
    for found in films.tables(".csv", ".txt"):
        if not isinstance(found, tuple):
            yield found
            continue
        name, path = found
        lower = path.name.lower()
        if lower in _LISTS:
            rows = partial(table_rows, columns=("image",), delimiter="\t", quoted=False)
            keep = partial(_listed, splits, _LISTS[lower])
        elif lower.startswith("bbox_list"):
            rows, keep = table_rows, partial(_boxed, boxes.setdefault(name, {}))
        elif lower.startswith("data_entry") and path.suffix == ".csv":
            tables.append((name, path))
            continue
        else:
            yield delivery.unknown(name, "ChestX-ray14 has Data_Entry_2017, BBox_List_2017 and two lists of images")
            continue
        yield from delivery.read(name, path, lambda p, n=name, r=rows, k=keep: each_row(delivery, n, r(p), k))
    asked: set[str] = set()
    for name, path in tables:
        make = partial(_record, delivery, films, splits, list(boxes.values()), asked)
        yield from delivery.read(name, path, lambda p, n=name, m=make: each_row(delivery, n, table_rows(p), m))
    for name, marked in boxes.items():
        for image in sorted(marked.keys() - asked):
            for number, _, _ in marked[image]:
                stray = ImageError("stray annotation", f"no row of Data_Entry_2017 names {image!r}")
                yield unreadable_row(delivery, name, number, stray)
    yield from films.unnamed()


def _listed(splits: dict[str, Split], split: Split, name: str, number: int, row: Row) -> Sequence[Item]:
    splits[bare(need(row, "image"))] = split
    return ()


def _boxed(boxes: Boxes, name: str, number: int, row: Row) -> Sequence[Item]:
    # The head is "Bbox [x,y,w,h]", which its commas make four columns of.
    box = corners(row.get("Bbox [x"), row.get("y"), row.get("w"), row.get("h]"))
    label = finding(need(row, "Finding Label")) or need(row, "Finding Label")
    boxes.setdefault(bare(need(row, "Image Index")), []).append((number, label, box))
    return ()


def _record(
    delivery: Delivery,
    films: Films,
    splits: Mapping[str, Split],
    boxes: Sequence[Boxes],
    asked: set[str],
    name: str,
    number: int,
    row: Row,
) -> Item:
    image = bare(need(row, "Image Index"))
    asked.add(image)
    film = films.get(image)
    if not (named := text(row, "Finding Labels")):
        raise LeftOutError("no labels", f"the set says nothing of {image}")
    labels = named.split("|")
    places: dict[str, list[Box]] = {}
    for marked in boxes:
        for _, label, box in marked.get(image, ()):
            places.setdefault(label, []).append(box)
    absent = [label for label in LABELS if label not in labels]
    return row_record(
        delivery,
        image,
        [film.picture],
        box_turns(places, _SIDE, _SIDE),
        subject=need(row, "Patient ID"),
        modality=Modality.XRAY,
        anatomy="chest",
        facts={**finding_facts(labels, absent), **view_facts(text(row, "View Position"))},
        origins=FOUND_BY_TOOL,
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=splits.get(image),
    )
