"""The loss curve of a stage: one row every few steps, the same bytes whether or not the stage was interrupted."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from components.context import StageRun
from components.training.loop import StepReport

EVERY = 10
"""Steps that a row stands for."""


OnRow = Callable[[Mapping[str, float]], None]


def nobody(row: Mapping[str, float]) -> None:
    """Told of a row, does nothing."""
    del row


class LossRows:
    """A hook that gathers rows {step, text_loss, image_loss, learning_rate, grad_norm, tokens, skipped}.

    Losses and norm are means over the row's steps, tokens and skipped are sums; a skipped step counts in no mean.
    `on_row` is called with each row as it is done.
    """

    def __init__(self, total: int, on_row: OnRow = nobody) -> None:
        self._total, self._on_row = total, on_row
        self.rows: list[dict[str, float]] = []
        self._pending: list[dict[str, float]] = []

    def on_step(self, report: StepReport) -> None:
        values = {
            "text_loss": report.text_loss,
            "image_loss": report.image_loss,
            "learning_rate": report.learning_rate,
            "grad_norm": report.grad_norm,
            "tokens": report.tokens,
            "skipped": int(report.skipped),
        }
        self._pending.append({key: value if math.isfinite(value) else 0.0 for key, value in values.items()})
        if report.step % EVERY == 0 or report.step == self._total:
            self.rows.append({"step": report.step, **_row(self._pending)})
            self._pending = []
            self._on_row(self.rows[-1])

    def state(self) -> dict[str, Any]:
        """All rows so far and the steps that wait for their row; JSON values only."""
        return {"rows": [*self.rows], "pending": [*self._pending]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where the state was taken."""
        self.rows, self._pending = list(state["rows"]), list(state["pending"])


def log_row(run: StageRun, row: Mapping[str, float]) -> None:
    """Tell the stage's run about a row."""
    run.log(int(row["step"]), {f"train/{name}": value for name, value in row.items() if name != "step"})


def _row(steps: list[dict[str, float]]) -> dict[str, float]:
    taken = [step for step in steps if not step["skipped"]]
    means = {
        key: float(f"{sum(step[key] for step in taken) / max(len(taken), 1):.6g}")
        for key in ("text_loss", "image_loss", "learning_rate", "grad_norm")
    }
    return {**means, "tokens": sum(step["tokens"] for step in steps), "skipped": sum(step["skipped"] for step in steps)}
