"""The items on which the challenger lost most, what both sides said or drew, and what was right."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.evaluation.decision_table import BESIDE
from components.evaluation.endpoints import Observation, endpoints
from components.evaluation.predictions import PLAIN, read_predictions
from components.evaluation.report.page import thumbnail
from components.evaluation.scores import read_scores
from components.records.benchmark import BenchmarkItem

EACH = 3
"""Items shown of a capability."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where the scores and the predictions of one side lie."""

    scores: Path
    predictions: Path


def worst_items(
    challenger: Side, champion: Side | None, items: Mapping[str, BenchmarkItem], lent: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Of each capability the items with the greatest loss; without a champion those with the lowest score.

    An item of a source that was lent is never shown. Ties go by item id: the same predictions, the same choice.
    """
    ours, theirs = _values(challenger), _values(champion) if champion else None
    sides = _rows(challenger), _rows(champion) if champion else {}
    shown = []
    for name, observations in ours.items():
        before = {one.item_id: one.value for one in (theirs or {}).get(name, ())}
        losses = sorted(
            (one.value - before.get(one.item_id, 0.0), one.item_id)
            for one in observations
            if one.source not in lent and one.item_id in items
        )
        for loss, item_id in [pair for pair in losses if theirs is None or pair[0] < 0][:EACH]:
            row, old = sides[0].get(item_id), sides[1].get(item_id)
            if row is not None:
                shown.append(_shown(name, items[item_id], loss if theirs is not None else None, row, old))
    return shown


def _values(side: Side) -> dict[str, Sequence[Observation]]:
    _, scores = read_scores(side.scores)
    found = endpoints(scores).items()
    return {name: one.observations for name, one in found if one.kind == "capability" and name not in BESIDE}


def _rows(side: Side) -> dict[str, Mapping[str, Any]]:
    _, rows = read_predictions(side.predictions)
    return {row["item_id"]: row for row in rows if row["variant"] == PLAIN}


def _shown(
    name: str, item: BenchmarkItem, loss: float | None, row: Mapping[str, Any], old: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What the page shows of one item: images as data URIs, nothing of the patient."""
    return {
        "capability": name,
        "item": item.item_id,
        "asked": item.prompt,
        "image": thumbnail(item.image) if item.image else "",
        "right": item.reference,
        "right_image": thumbnail(item.reference_image) if item.reference_image else "",
        "loss": None if loss is None else round(loss, 4),
        "challenger": _answer(row),
        "champion": None if old is None else _answer(old),
    }


def _answer(row: Mapping[str, Any]) -> dict[str, str]:
    drawn = row["response_image"]
    return {"said": row["response_raw"] or "", "drawn": thumbnail(drawn) if drawn else ""}
