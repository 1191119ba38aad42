"""MIMIC-CXR and MIMIC-CXR-JPG as published: `mimic-cxr-2.*-{metadata,split,chexpert}.csv.gz` (or `cxr-record-list.csv.gz`),
`files/p10/p10000032/s50414267/<dicom_id>.{jpg,dcm}` and reports `files/p10/p10000032/s50414267.txt`.

Names and dates stand as ___ in the reports: they are kept in the record, and assembly takes them out with
what they belong to (`conversations/redactions.py`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from components.images.limits import ImageError
from components.records.findings import label_facts, view_facts
from components.records.origins import FOUND_BY_TOOL
from components.records.vocabulary import Modality, Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.films import Films
from components.sources.reading.reports import comparison_facts, report_turn, sections
from components.sources.reading.row_records import SPLITS, each_row, row_record, unreadable_row
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "PhysioNet credentialed access, no redistribution (MIMIC-CXR)"
_REPORT = re.compile(r"s(\d+)\.txt")
_MAX_BYTES = 2**20
_BESIDE = ("negbio", "sectioned", "test-set-labeled", "provider-list", "SHA256SUMS")
"""In names of files that say again what the others do."""
_FRONTAL = ("PA", "AP", "frontal")


@dataclass(slots=True)
class _Study:
    """What the tables say of one study."""

    file: str
    row: int
    subject: str
    split: Split | None = None
    views: dict[str, dict[str, str]] = field(default_factory=dict)
    """dicom_id -> {view}."""
    facts: dict[str, str] = field(default_factory=dict)


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a study: all its views, frontal ones first, its report by sections and its CheXpert labels. The patient
    is `subject_id`. Of a study the delivered views count; one without any is unreadable, and so is a report without a
    study. A study whose report says nothing keeps its images and labels."""
    films = Films(delivery)
    studies: dict[str, _Study] = {}
    reports: dict[str, str] = {}
    for found in films.tables(".gz", ".csv", ".txt"):
        if not isinstance(found, tuple):
            yield found
            continue
        name, path = found
        if match := _REPORT.fullmatch(path.name):
            reports[match[1]] = name
        elif path.suffix == ".txt" and not any(word in path.name for word in _BESIDE):
            yield delivery.unknown(name, "a report's name is s<study_id>.txt")
        elif not any(word in path.name for word in _BESIDE):
            keep = partial(_row, studies)
            yield from delivery.read(name, path, lambda p, n=name, k=keep: each_row(delivery, n, table_rows(p), k))
    for number, study in sorted(studies.items()):
        try:
            yield from _records(delivery, films, number, study, reports)
        except ImageError as error:
            yield unreadable_row(delivery, study.file, study.row, error)
    for number in sorted(reports.keys() - studies.keys()):
        yield delivery.unreadable(reports[number], ImageError("stray report", f"no table names study {number}"))
    yield from films.unnamed()


def _row(studies: dict[str, _Study], name: str, number: int, row: Row) -> Sequence[Item]:
    identity, subject = need(row, "study_id"), need(row, "subject_id")
    study = studies.setdefault(identity, _Study(name, number, subject))
    if study.subject != subject:
        raise ImageError("two patients", f"study {identity} is of subject {study.subject} and of {subject}")
    if image := text(row, "dicom_id"):
        view = view_facts(text(row, "ViewPosition"))
        study.views[image] = view or study.views.get(image, {})
        study.split = SPLITS.get(text(row, "split")) or study.split
    else:
        study.facts |= label_facts(row)
    return ()


def _records(
    delivery: Delivery, films: Films, number: str, study: _Study, reports: Mapping[str, str]
) -> Iterator[Item]:
    """The study's record, behind an item for each view that was delivered and cannot be read."""
    views = sorted(study.views, key=lambda view: (study.views[view].get("view") not in _FRONTAL, view))
    if not views:
        raise ImageError("missing image", f"no table names an image of study {number}")
    shown = {}
    for view, file in [(view, films.claim(view)) for view in views]:
        try:
            if file:
                shown[view] = films.get(view).picture
        except ImageError as error:
            yield delivery.unreadable(file, error)
    if not shown:
        raise ImageError("missing image", f"none of the {len(views)} views of study {number} is there and can be read")
    report = _report(delivery, reports[number]) if number in reports else ""
    said = sections(report)
    yield row_record(
        delivery,
        f"s{number}",
        list(shown.values()),
        [report_turn(said)] if said or (number in reports and not study.facts) else [],
        subject=study.subject,
        modality=Modality.XRAY,
        anatomy="chest",
        facts={**study.facts, **study.views[next(iter(shown))], **comparison_facts(report)},
        origins=FOUND_BY_TOOL,
        file=study.file,
        locator=f"study {number}",
        licence=LICENCE,
        split=study.split,
    )


def _report(delivery: Delivery, name: str) -> str:
    path = delivery.folder / name
    delivery.check(path)
    if path.stat().st_size > _MAX_BYTES:
        raise ImageError("too large", f"{name}: a report is not over {_MAX_BYTES} bytes")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ImageError("not text", f"{name} is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise ImageError("undecodable", f"{name}: {error.strerror or error}; check the file's rights") from None
