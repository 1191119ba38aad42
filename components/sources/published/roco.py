"""ROCO as published. Version 1: `<split>/{radiology,non-radiology}/{captions,licences}.txt` and `images/`, tab-separated
but for the licences. Version 2: `<split>_captions.csv`, `license_information.csv`, `<split>_concepts.csv` (or `…_manual.csv`) and
`<split>_images/`, or Parquet. Of its concepts those count that name the modality and the region."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

from components.records.record import Turn
from components.records.vocabulary import Modality, TurnKind
from components.sources.delivery_folder import Delivery, Item, plain_name
from components.sources.reading.languages import language_of
from components.sources.reading.pictures import Pictures, annotations
from components.sources.reading.row_records import each_row, row_record, split_of
from components.sources.reading.row_sets import leave_out_panels
from components.sources.reading.rows import Row, need, parquet_rows, table_rows, text

Word = TypeVar("Word")
UNKNOWN_LICENCE = "per figure (ROCO, CC BY family)"
_BESIDE = ("keywords.txt", "cuis.txt", "semtypes.txt", "dlinks.txt", "licences.txt", "license_information.csv")
_MODALITIES = {
    "C0024485": Modality.MRI,
    "C0032743": Modality.NUCLEAR,
    "C0040405": Modality.CT,
    "C0041618": Modality.ULTRASOUND,
    "C0920367": Modality.OCT,
    "C1306645": Modality.XRAY,
}
_REGIONS = {
    "C0000726": "abdomen",
    "C0006141": "breast",
    "C0023216": "leg",
    "C0030797": "pelvis",
    "C0037303": "brain",
    "C0037949": "spine",
    "C0817096": "chest",
    "C1140618": "arm",
}
"""Concepts of the UMLS -> what they say; a figure that names two of a kind says neither."""
_ARTICLE = re.compile(r"PMC\d+")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a figure with its caption; the patient is the article, which the sets share between splits."""
    beside: dict[Path, dict[str, Row]] = {}
    for found in annotations(delivery, ".txt", ".csv", ".parquet"):
        if not isinstance(found, tuple):
            yield found
            continue
        name, path = found
        folder = PurePosixPath(name).parent
        if path.name == "captions.txt":
            yield from _kept(delivery, beside, path.with_name("licences.txt"))
            origin = _origins(beside[path.with_name("licences.txt")])
            make = partial(_record, delivery, Pictures(delivery, (str(folder / "images"),)), origin, {})
            rows = partial(table_rows, columns=("ID", "Caption"), delimiter="\t", quoted=False)
        elif path.name.endswith("_captions.csv"):
            stem = path.name.removesuffix("_captions.csv")
            places = [path.with_name(f"{stem}_{kind}.csv") for kind in ("concepts", "concepts_manual")]
            for table in (path.with_name("license_information.csv"), *places):
                yield from _kept(delivery, beside, table)
            origin = _origins(beside[path.with_name("license_information.csv")])
            concepts = {figure: _listed(text(row, "CUIs", "CUI")) for p in places for figure, row in beside[p].items()}
            folders = (str(folder / f"{stem}_images"), str(folder / stem))
            make, rows = partial(_record, delivery, Pictures(delivery, folders), origin, concepts), table_rows
        elif path.suffix == ".parquet":
            make, rows = partial(_record, delivery, Pictures(delivery), {}, {}), parquet_rows
        elif path.name in _BESIDE or path.name.endswith(("_concepts.csv", "_concepts_manual.csv")):
            continue
        else:
            yield delivery.unknown(name, "ROCO has captions.txt or <split>_captions.csv")
            continue
        yield from delivery.read(name, path, lambda p, n=name, r=rows, m=make: each_row(delivery, n, r(p), m))


def _record(
    delivery: Delivery,
    pictures: Pictures,
    origin: Mapping[str, tuple[str, str]],
    concepts: Mapping[str, Sequence[str]],
    name: str,
    number: int,
    row: Row,
) -> Item:
    figure = need(row, "ID", "image_id")
    article, licence = origin.get(figure, ("", ""))
    caption = Turn(prompt="", answer=need(row, "Caption", "caption"), kind=TurnKind.CAPTION)
    leave_out_panels(caption.answer)
    image = row["image"] if row.get("image") else f"{figure}.jpg"
    named = concepts.get(figure) or _listed(row.get("cui", row.get("cuis", row.get("CUIs"))))
    return row_record(
        delivery,
        figure,
        [pictures.of(image)],
        [caption],
        subject=article,
        modality=_one(_MODALITIES, named) or Modality.UNKNOWN,
        anatomy=_one(_REGIONS, named) or "unknown",
        file=name,
        locator=f"row {number}",
        licence=licence or UNKNOWN_LICENCE,
        language=language_of(caption.answer),
        split=split_of(name),
    )


def _kept(delivery: Delivery, beside: dict[Path, dict[str, Row]], path: Path) -> Iterator[Item]:
    """Keeps the rows of a table that stands beside the captions, once, by their figure; an item for what cannot be read of
    it: the captions stand without."""
    if path in beside:
        return
    rows = beside.setdefault(path, {})
    if not path.is_file():
        return

    def keep(name: str, number: int, row: Row) -> Sequence[Item]:
        rows[text(row, "ROCO_ID", "ID", "id")] = row
        return ()

    name = plain_name(path.relative_to(delivery.folder))
    yield from delivery.read(name, path, lambda p: each_row(delivery, name, table_rows(p), keep))


def _listed(cell: object) -> list[str]:
    """The concepts of a cell: a list, or text between semicolons."""
    return (
        [str(part) for part in cell]
        if isinstance(cell, list)
        else [part for part in str(cell or "").split(";") if part]
    )


def _one(words: Mapping[str, Word], named: Iterable[str]) -> Word | None:
    found = {words[concept] for concept in named if concept in words}
    return found.pop() if len(found) == 1 else None


def _origins(rows: Mapping[str, Row]) -> dict[str, tuple[str, str]]:
    """Figure -> (article, licence)."""
    found = {}
    for figure, row in rows.items():
        article = _ARTICLE.search(" ".join(row.values()))
        licence = next((cell.strip() for name, cell in row.items() if name == "CC" or "licen" in name.lower()), "")
        found[figure] = (article.group() if article else "", licence)
    return found
