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
    """A hook that gathers rows {step, text_loss, image_loss, learning_rate, grad_norm, tokens, skipped, fill, epochs/…}.

    Losses and norm are means over the row's steps, tokens and skipped are sums, fill is the mean of all, epochs are those of
    the last; a skipped step counts in no other mean. `on_row` is called with each row as it is done, and with the seconds
    that its steps were waited for, which no output may hold.
    """

    def __init__(self, total: int, on_row: OnRow = nobody) -> None:
        self._total, self._on_row = total, on_row
        self.rows: list[dict[str, float]] = []
        self._pending: list[dict[str, float]] = []
        self._waited = 0.0

    def on_step(self, report: StepReport) -> None:
        values = {
            "text_loss": report.text_loss,
            "image_loss": report.image_loss,
            "learning_rate": report.learning_rate,
            "grad_norm": report.grad_norm,
            "tokens": report.tokens,
            "skipped": int(report.skipped),
            "fill": report.fill,
        }
        self._waited += report.wait_seconds
        self._pending.append({key: value if math.isfinite(value) else 0.0 for key, value in values.items()})
        if report.step % EVERY == 0 or report.step == self._total:
            epochs = {f"epochs/{name}": _short(passes) for name, passes in sorted(report.epochs.items())}
            self.rows.append({"step": report.step, **_row(self._pending), **epochs})
            self._on_row({**self.rows[-1], "wait_seconds": self._waited})
            self._pending, self._waited = [], 0.0

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
        key: _short(sum(step[key] for step in taken) / max(len(taken), 1))
        for key in ("text_loss", "image_loss", "learning_rate", "grad_norm")
    }
    sums = {key: sum(step[key] for step in steps) for key in ("tokens", "skipped")}
    return {**means, **sums, "fill": _short(sum(step["fill"] for step in steps) / len(steps))}


def _short(value: float) -> float:
    """Six digits: what a curve shows."""
    return float(f"{value:.6g}")
