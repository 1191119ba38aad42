"""MedICaT as published: JSON lines and `figures/<pdf_hash>_<fig_uri>`. A figure of several panels needs its caption cut
into theirs: until somebody does, it is left out. The patient is the article."""

import re

from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.reading.row_sets import RowSet, Told
from components.sources.reading.rows import json_rows, text

LICENCE = "research only (MedICaT); article's licence not stated"
_LABEL = re.compile(r"^\s*(?:supplementary\s+)?fig(?:ure|\.)?\s*S?\d+[.:]?\s*", re.IGNORECASE)


def _caption(told: Told) -> str:
    return _LABEL.sub("", told.need("s2_caption", "s2orc_caption"))


def _licence(told: Told) -> str:
    found = text((told.row.get("oa_info") or {}).get("oa") or {}, "license")
    return f"{found} (article), MedICaT research only" if found else ""


read = RowSet(
    suffixes=(".jsonl",),
    rows=json_rows,
    folders=("figures", "sample/figures", "medicat_release/figures"),
    licence=LICENCE,
    row_licence=_licence,
    image=lambda told: f"{told.need('pdf_hash')}_{told.need('fig_uri')}",
    identity="{image}",
    turn=lambda told: Turn(prompt="", answer=_caption(told), kind=TurnKind.CAPTION),
    subject=lambda told: told.need("pdf_hash"),
    figure=_caption,
).read
