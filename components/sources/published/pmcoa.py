"""PMC-OA as published: `pmc_oa.jsonl` (or `train`, `valid`, `test`) beside its folder of subfigures, or the CSV form with
`PMC_ID, Figure_path, Caption`. Subfigures were cut and their captions aligned by models: they are noisy."""

import re
from collections.abc import Iterator
from functools import partial

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import read_rows, row_record, split_of
from components.sources.reading.rows import Row, need, rows_of, text

LICENCE = "article's licence not stated (PMC-OA)"
FOLDERS = ("caption_T060_filtered_top4_sep_v0_subfigures", "images", "figures", "")
_ARTICLE = re.compile(r"^PMC\d+")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a caption; the patient is the article."""
    pictures = Pictures(delivery, FOLDERS)
    yield from read_rows(delivery, (".jsonl", ".csv"), rows_of, partial(_record, delivery, pictures))


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    figure = need(row, "image", "Figure_path")
    return row_record(
        delivery,
        f"{figure.rsplit('.', 1)[0]}/{name.rsplit('.', 1)[0]}-{number:07d}",
        [pictures.get(figure)],
        [Turn(prompt="", answer=need(row, "caption", "Caption"), kind=TurnKind.CAPTION)],
        subject=_article(row, figure),
        file=name,
        locator=f"row {number}",
        licence=text(row, "license", "licence", "License") or LICENCE,
        split=split_of(name),
    )


def _article(row: Row, figure: str) -> str:
    """The PMC id that the row states, or that its figure's name begins with, as PMC and digits."""
    stated = text(row, "PMC_ID", "pmc_id", "pmcid").upper()
    found = _ARTICLE.match(f"PMC{stated}" if stated.isdigit() else stated or figure.rsplit("/", 1)[-1])
    if not found:
        raise ImageError("missing field", f"neither PMC_ID nor the name {figure[:80]!r} gives the article, as PMC123")
    return found[0]
