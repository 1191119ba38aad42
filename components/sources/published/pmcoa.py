"""PMC-OA as published: `pmc_oa.jsonl` (or `train`, `valid`, `test`) beside its folder of subfigures, or the CSV form with
`PMC_ID, Figure_path, Caption`. Subfigures were cut and their captions aligned by models: they are noisy."""

import re

from components.images.limits import ImageError
from components.sources.reading.row_sets import RowSet, Told, caption

_ARTICLE = re.compile(r"^PMC\d+")


def _article(told: Told) -> str:
    """The PMC id that the row states, or that its figure's name begins with, as PMC and digits."""
    stated = told.text("PMC_ID", "pmc_id", "pmcid").upper()
    found = _ARTICLE.match(f"PMC{stated}" if stated.isdigit() else stated or told.image.rsplit("/", 1)[-1])
    if not found:
        raise ImageError(
            "missing field", f"neither PMC_ID nor the name {told.image[:80]!r} gives the article, as PMC123"
        )
    return found[0]


read = RowSet(
    suffixes=(".jsonl", ".csv"),
    folders=("caption_T060_filtered_top4_sep_v0_subfigures", "images", "figures", ""),
    licence="article's licence not stated (PMC-OA)",
    row_licence=lambda told: told.text("license", "licence", "License"),
    image=("image", "Figure_path"),
    identity="{image}/{file}-{number:07d}",
    turn=caption("caption", "Caption"),
    subject=_article,
    figure=lambda told: told.need("caption", "Caption"),
).read
