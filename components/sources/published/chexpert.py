"""CheXpert and CheXpert Plus as published: `train.csv`, `valid.csv` with 14 labels, `df_chexpert_plus_*.csv` with reports,
and `train/patient00001/study1/view1_frontal.{jpg,png,dcm}`, also as its archives unpack, `CheXpert-v1.0 batch 2 (train 1)/
patient00001/…`.

A label is 1, 0, -1 (uncertain: neither yes nor no) or empty (not spoken of: nothing is known). Other labellers' tables of
the same images (`train_cheXbert.csv`, `train_visualCheXbert.csv`) are left out beside the set's own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from components.images.limits import ImageError, LeftOutError
from components.records.findings import label_facts, view_facts
from components.records.origins import FOUND_BY_TOOL
from components.records.vocabulary import Modality, Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.films import Film, Films, bare
from components.sources.reading.reports import report_turn
from components.sources.reading.row_records import each_row, row_record, split_of, unreadable_row
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "Stanford agreement, not to be passed on (CheXpert)"
_SHARED = {"modality": Modality.XRAY, "anatomy": "chest", "licence": LICENCE}
_PLACE = re.compile(r"(?:^|/)((?:train|valid|test)/(patient\d+)/.+)$")
_OTHER_LABELLER = "chexbert"
_FRONTAL = ("AP", "PA", "frontal")
_REPORT = {
    "findings": ("section_findings",),
    "impression": ("section_impression", "Report Impression"),
    "addendum": ("section_addendum",),
}


@dataclass(slots=True)
class _Study:
    """What the tables of reports say of one study."""

    file: str
    row: int
    subject: str
    split: Split | None
    said: dict[str, str]
    views: dict[str, dict[str, str]] = field(default_factory=dict)
    """Place of an image -> its facts."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image of a table of labels; one a study of a table of reports, with all its delivered views, frontal
    ones first. The patient is the folder `patientNNNNN`. An image may stand in both: two records."""
    films, studies = Films(delivery), dict[str, _Study]()
    tables: list[tuple[str, bool]] = []
    for found in films.tables(".csv", ".gz"):
        if isinstance(found, tuple):
            tables.append((found[0], _OTHER_LABELLER in found[1].name.lower()))
        else:
            yield found
    own = any(not is_other for _, is_other in tables)
    for name, is_other in tables:
        if is_other and own:
            why = LeftOutError("further labels", "another labeller's word on images that the set's own tables speak of")
            yield delivery.unreadable(name, why)
            continue
        make = partial(_row, delivery, films, studies)
        yield from delivery.read(
            name, delivery.folder / name, lambda p, n=name, m=make: each_row(delivery, n, table_rows(p), m)
        )
    for place, study in studies.items():
        try:
            yield _study(delivery, films, place, study)
        except ImageError as error:
            yield unreadable_row(delivery, study.file, study.row, error)
    yield from films.unnamed()


def _row(
    delivery: Delivery, films: Films, studies: dict[str, _Study], name: str, number: int, row: Row
) -> Item | Sequence[Item]:
    path = need(row, "Path", "path_to_image", "imgpath")
    place = _PLACE.search(bare(path))
    if not place:
        raise ImageError("bad path", f"{path[:80]!r} names no patient; train/patientNNNNN/… was expected")
    view = text(row, "AP/PA", "ap_pa") or text(row, "Frontal/Lateral", "frontal_lateral")
    facts = {**label_facts(row), **view_facts(view)}
    split = split_of(text(row, "split") or place[1].split("/")[0])
    if any(column in row for columns in _REPORT.values() for column in columns):
        said = {section: text(row, *columns) for section, columns in _REPORT.items()}
        study = place[1].rpartition("/")[0]
        studies.setdefault(study, _Study(name, number, place[2], split, said)).views[place[1]] = facts
        return ()
    return row_record(
        delivery, place[1], [_film(films, place[1]).picture], [],
        subject=place[2], facts=facts, origins=_origins(split), split=split, file=name, locator=f"row {number}", **_SHARED,
    )  # fmt: skip


def _study(delivery: Delivery, films: Films, place: str, study: _Study) -> Item:
    turns = [report_turn(study.said)] if any(study.said.values()) else []
    views = sorted(study.views, key=lambda view: (study.views[view].get("view") not in _FRONTAL, view))
    shown = [view for view in views if _claimed(films, view)]
    if not shown:
        raise ImageError("missing image", f"no view of {place} was delivered")
    facts = study.views[shown[0]]
    if not turns and not facts.keys() - {"view"}:
        raise LeftOutError("empty text", f"the report of {place} says nothing, and no label stands beside it")
    return row_record(
        delivery, f"{place}/report", [_film(films, view).picture for view in shown], turns,
        subject=study.subject, facts=facts, origins=_origins(study.split), split=study.split, file=study.file, locator=f"row {study.row}", **_SHARED,
    )  # fmt: skip


def _origins(split: Split | None) -> Mapping[str, str]:
    """Radiologists labelled the films that are held out, a program the reports of all others."""
    return {} if split in (Split.VAL, Split.TEST) else FOUND_BY_TOOL


def _claimed(films: Films, place: str) -> str:
    """The name under which the image was delivered: below `train/`, or as the archives unpack, without it."""
    return next((name for name in (place, place.partition("/")[2]) if films.claim(name)), "")


def _film(films: Films, place: str) -> Film:
    return films.get(_claimed(films, place) or place)
