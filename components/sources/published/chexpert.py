"""CheXpert and CheXpert Plus as published: `train.csv`, `valid.csv` with 14 labels, `df_chexpert_plus_*.csv` with reports,
and `train/patient00001/study1/view1_frontal.{jpg,png,dcm}`.

A label is 1, 0, -1 (uncertain: neither yes nor no) or empty (not spoken of: nothing is known).
"""

import re
from collections.abc import Iterator
from functools import partial

from components.images.limits import ImageError
from components.records.findings import label_facts, view_facts
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.films import IMAGES, Films, bare
from components.sources.reading.reports import report_turn
from components.sources.reading.row_records import read_rows, row_record, split_of
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "Stanford agreement, not to be passed on (CheXpert)"
_PLACE = re.compile(r"(?:^|/)((?:train|valid|test)/(patient\d+)/.+)$")
_REPORT = {
    "findings": ("section_findings",),
    "impression": ("section_impression", "Report Impression"),
    "addendum": ("section_addendum",),
}


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image, with its study's report where the table has reports; the patient is the folder `patientNNNNN`.
    The same image may stand in a table of labels and in one of reports: two records."""
    films = Films(delivery)
    yield from read_rows(delivery, (".csv", ".gz"), table_rows, partial(_record, delivery, films), images=IMAGES)
    yield from films.unnamed()


def _record(delivery: Delivery, films: Films, name: str, number: int, row: Row) -> Item:
    path = need(row, "Path", "path_to_image", "imgpath")
    place = _PLACE.search(bare(path))
    if not place:
        raise ImageError("bad path", f"{path[:80]!r} names no patient; train/patientNNNNN/… was expected")
    film = films.get(place[1])
    has_report = any(column in row for columns in _REPORT.values() for column in columns)
    said = {section: text(row, *columns) for section, columns in _REPORT.items()}
    view = text(row, "AP/PA", "ap_pa") or text(row, "Frontal/Lateral", "frontal_lateral")
    return row_record(
        delivery,
        f"{place[1]}/report" if has_report else place[1],
        [film.picture],
        [report_turn(said)] if has_report else [],
        subject=place[2],
        modality=Modality.XRAY,
        anatomy="chest",
        facts={**label_facts(row), **view_facts(view)},
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=split_of(text(row, "split") or place[1].split("/")[0]),
    )
