"""LLaVA-Med as published: `llava_med_alignment_500k.json`, `llava_med_instruct_{10k,60k,60k_inline_mention}.json` (with
`domain` and `conversations`, which some of its files spell `conversatons`) and images cut from PMC's archives."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from components.images.limits import ImageError
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.conversations import read_row
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import read_rows
from components.sources.reading.row_sets import leave_out_panels
from components.sources.reading.rows import Row, json_rows, need, text

LICENCE = "CC BY-NC 4.0 (LLaVA-Med); figures under their articles' licences"
FOLDERS = ("images", "")
_ARTICLE = re.compile(r"^(PMC)?(\d{5,})_")
"""What stands alone is a PubMed id, as 17506892_F1; those of PMC say so."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a conversation; the patient is the article. The list of addresses (`llava_med_image_urls.jsonl`) holds
    no conversation: what it names is fetched before, and it stays out of the delivery."""
    yield from read_rows(delivery, (".json",), json_rows, partial(_record, delivery, Pictures(delivery, FOLDERS)))


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    figure = need(row, "image")
    article = _ARTICLE.match(figure.rsplit("/", 1)[-1]) or _ARTICLE.match(text(row, "id"))
    if not article:
        raise ImageError(
            "missing field", f"neither the name {figure[:80]!r} nor the id begins with the article's number"
        )
    record = read_row(delivery, pictures, name, number, row)
    leave_out_panels(text(row, "fig_caption", "caption") or "\n".join(turn.answer for turn in record.turns))
    return replace(record, subject=f"{article[1] or 'PMID'}{article[2]}", licence=LICENCE)
