"""MedICaT as published: JSON lines and `figures/<pdf_hash>_<fig_uri>`. A figure of several panels needs its caption cut
into theirs: until somebody does, it is quarantined."""

import re
from collections.abc import Iterator
from functools import partial

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import read_rows, row_record
from components.sources.reading.rows import Row, json_rows, need, text

LICENCE = "research only (MedICaT); article's licence not stated"
_LABEL = re.compile(r"^\s*(?:supplementary\s+)?fig(?:ure|\.)?\s*S?\d+[.:]?\s*", re.IGNORECASE)
_PANEL = re.compile(r"\(\s*([A-Ha-h](?:\s*(?:[-\u2013,&]|and)\s*[A-Ha-h])*)\s*\)|\b([A-H])[:.)]\s")
"""(A), (A, C), (A-C), or A: before a panel's part of the caption."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a figure; the patient is the article."""
    pictures = Pictures(delivery, ("figures", "sample/figures", "medicat_release/figures"))
    yield from read_rows(delivery, (".jsonl",), json_rows, partial(_record, delivery, pictures))


def panels(caption: str) -> list[str]:
    """The panel letters that a caption names, each once, in their order; fewer than two are no panels."""
    letters: set[str] = set()
    for found in _PANEL.finditer(caption):
        named = [ord(letter) for letter in re.findall(r"\b[a-h]\b", (found[1] or found[2]).lower())]
        spread = range(min(named), max(named) + 1) if re.search("[-\u2013]", found[0]) else named
        letters.update(map(chr, spread))
    return sorted(letters) if {"a", "b"} <= letters else []


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    article, figure = need(row, "pdf_hash"), need(row, "fig_uri")
    caption = _LABEL.sub("", need(row, "s2_caption", "s2orc_caption"))
    picture = pictures.get(f"{article}_{figure}")
    if letters := panels(caption):
        raise ImageError("compound figure", f"panels {', '.join(letters)}; cut it and its caption, or leave it out")
    return row_record(
        delivery,
        f"{article}_{figure}".rsplit(".", 1)[0],
        [picture],
        [Turn(prompt="", answer=caption, kind=TurnKind.CAPTION)],
        subject=article,
        file=name,
        locator=f"row {number}",
        licence=_licence(row),
    )


def _licence(row: Row) -> str:
    oa = (row.get("oa_info") or {}).get("oa") or {}
    found = text(oa, "license")
    return f"{found} (article), MedICaT research only" if found else LICENCE
