"""What a run added to the start of ours that it began with: both on val, paired item by item."""

from dataclasses import dataclass
from typing import Any

from components.assembly.dataset import Dataset
from components.context import StageContext
from components.evaluation.asked import Asked
from components.evaluation.decision_table import Row, decision_table
from components.evaluation.judge_network import Judge
from components.evaluation.predictions import FILE as PREDICTED
from components.evaluation.predictions import START
from components.evaluation.scores import write_scores
from components.sources.starts import open_start

NAME = "gain.json"
NOTHING = "This run added nothing that can be measured to what its start could do"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gain:
    """The start's own scores, the final ones, and their difference with its 95 % interval, by patient; within a subject,
    by image."""

    start: str
    rows: tuple[Row, ...]

    @property
    def said(self) -> str:
        """One sentence: which capabilities gained, which lost, or that no interval excludes 0."""
        better = [row.name for row in self.rows if row.low is not None and row.low > 0]
        worse = [row.name for row in self.rows if row.high is not None and row.high < 0]
        found = [f"{what} {', '.join(names)}" for what, names in (("better:", better), ("worse:", worse)) if names]
        if not better:
            return f"{NOTHING}{'; ' + found[0] if found else ''}."
        return f"Beside its start {self.start}, shown by an interval without 0: {'; '.join(found)}."

    def to_json(self) -> dict[str, Any]:
        """gain.json as plain values."""
        keys = ("challenger", "champion", "difference", "low", "high", "items", "patients", "unit")
        names = {"challenger": "final", "champion": "start"}
        rows = [{"name": row.name, **{names.get(key, key): getattr(row, key) for key in keys}} for row in self.rows]
        return {"start": self.start, "said": self.said, "rows": rows}


def measure_gain(ctx: StageContext, judge: Judge, data: Dataset) -> Gain | None:
    """The gain over the recipe's start of ours; None where a run began otherwise. The final scores lie there already.

    The start's scores are those that lie in it where the same items were asked in the same way, else they come from the
    predictions that the stage `predict` made with it.
    """
    settings = ctx.recipe.start
    if not settings.shipped:
        return None
    own = ctx.workspace.evaluation / "predictions" / START
    final = ctx.workspace.evaluation / "scores"
    if (own / PREDICTED).is_file():
        from components.evaluation.evaluate import protocol_of, score_predictions

        header, scores, _ = score_predictions(own, Asked.validation(data), judge, data)
        before = write_scores(final / START, scores, protocol_of(header)).parent
    else:
        before = open_start(ctx.workspace, settings.shipped, settings.sha256).folder
    table = decision_table(final, before, cluster="patient", demonstrative=True)
    rows = tuple(row for row in table.rows if row.kind == "capability" and not row.subgroup)
    return Gain(start=settings.shipped, rows=rows)
