"""IU X-Ray of Open-i: `ecgen-radiology/<n>.xml` with `NLMCXR_png/CXR<n>_….png`; also MedEvalKit's JSON of its test set.

Names and dates stand as XXXX in the reports: they are kept in the record, and assembly takes them out with
what they belong to (`conversations/redactions.py`).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import Modality, Split, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures, annotations
from components.sources.reading.reports import comparison_facts
from components.sources.reading.row_records import each_row, row_record, split_of
from components.sources.reading.rows import Row, json_rows, need, text
from components.sources.reading.xml_documents import xml_root

LICENCE = "CC BY-NC-ND 4.0 (Open-i, Indiana University)"
_SECTIONS = ("FINDINGS", "IMPRESSION")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a report with all its views; the patient is the report's number, one study each."""
    pictures = Pictures(delivery, ("NLMCXR_png", "images", ""))
    for found in annotations(delivery, ".xml", ".json"):
        if not isinstance(found, tuple):
            yield found
            continue
        name, path = found
        if path.suffix == ".xml":
            yield from delivery.read(name, path, lambda p, n=name: iter([_report(delivery, pictures, n, p)]))
        else:
            make = partial(_listed, delivery, pictures)
            yield from delivery.read(name, path, lambda p, n=name, m=make: each_row(delivery, n, json_rows(p), m))


def _report(delivery: Delivery, pictures: Pictures, name: str, path: Path) -> Item:
    root = xml_root(path)
    uid = root.find("uId")
    number = uid.get("id", "") if uid is not None else ""
    if not number:
        raise ImageError("no identity", "the report has no uId")
    sections = {node.get("Label", "").upper(): node.text or "" for node in root.iter("AbstractText")}
    images = [f"{node.get('id', '')}.png" for node in root.iter("parentImage")]
    terms = [node.text.strip() for node in root.iterfind("MeSH/major") if node.text and node.text.strip()]
    facts = {
        "description": "; ".join(terms),
        **comparison_facts(f"Comparison: {sections.get('COMPARISON', '').strip()}"),
    }
    return _study(delivery, pictures, number, images, sections, name, facts=facts)


def _listed(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    study = f"CXR{need(row, 'id').rsplit('_', 1)[-1]}"
    sections = {"FINDINGS": text(row, "findings"), "IMPRESSION": text(row, "impression")}
    images = [str(image) for image in row.get("image") or ()]
    split = split_of(name)
    return _study(delivery, pictures, study, images, sections, name, locator=f"row {number}", split=split)


def _study(
    delivery: Delivery,
    pictures: Pictures,
    study: str,
    images: list[str],
    sections: dict[str, str],
    name: str,
    *,
    locator: str = "report",
    facts: dict[str, str] | None = None,
    split: Split | None = None,
) -> Item:
    said = [
        f"{title.capitalize()}: {sections[title].strip()}" for title in _SECTIONS if sections.get(title, "").strip()
    ]
    if not said:
        raise ImageError("empty text", "the report has neither findings nor impression")
    if not images:
        raise ImageError("missing image", "the report belongs to no image")
    return row_record(
        delivery,
        study,
        [pictures.get(image) for image in images],
        [Turn(prompt="", answer="\n".join(said), kind=TurnKind.REPORT)],
        subject=study,
        modality=Modality.XRAY,
        anatomy="chest",
        facts={key: value for key, value in (facts or {}).items() if value},
        file=name,
        locator=locator,
        licence=LICENCE,
        split=split,
    )
