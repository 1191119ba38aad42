"""The loop of the small trainings (autoencoder, vision warm-up, judge): each brings its loss, the loop owns the steps."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from components.context import StageContext

Values = Mapping[str, float]
"""What a step says of itself by name; the first is what its progress shows."""
LossOf = Callable[[int], tuple[Tensor, Values]]
"""Called with the step, 1 for the first: (what is minimised, values)."""
EachStep = Callable[[int, int, float], None]
"""Called with (step, steps, loss) after each; may raise to stop."""
Row = dict[str, float | str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallTraining:
    """Steps, and what makes them."""

    name: str
    steps: int
    optimizer: torch.optim.Optimizer
    schedule: LRScheduler
    rate_key: str
    """The recipe's key of the learning rate, named where a gradient is not finite."""
    max_grad_norm: float = math.inf


def train_small(training: SmallTraining, loss_of: LossOf, each_step: EachStep) -> list[Values]:
    """Takes all steps; the values of each. Raises ValueError at a gradient that is not finite, before it is taken."""
    optimizer = training.optimizer
    history: list[Values] = []
    for step in range(1, training.steps + 1):
        loss, values = loss_of(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(_weights(optimizer), training.max_grad_norm))
        if not math.isfinite(norm):
            raise ValueError(f"{training.name} step {step} has no finite gradient; lower {training.rate_key}")
        optimizer.step()
        training.schedule.step()
        history.append(values)
        each_step(step, training.steps, next(iter(values.values())))
    return history


def warm_cosine(optimizer: torch.optim.Optimizer, peak: float, *, steps: int, warmup_steps: int) -> LambdaLR:
    """The schedule of an optimizer whose own rate is 1: linear warm-up to the peak under a cosine that ends at 0."""

    def rate(done: int) -> float:
        warm = min((done + 1) / warmup_steps, 1.0)
        return peak * warm * 0.5 * (1 + math.cos(math.pi * done / steps))

    return LambdaLR(optimizer, rate)


def curve(part: str, history: Sequence[Values], *, every: int, digits: int) -> list[Row]:
    """A row for every so many steps and for the rest: {part, step, the mean of each value that its steps have}."""
    rows: list[Row] = []
    for start in range(0, len(history), every):
        steps = history[start : start + every]
        rows.append({"part": part, "step": start + len(steps), **_means(steps, digits)})
    return rows


def watched(ctx: StageContext, name: str) -> EachStep:
    """What a stage does at each step: stop when asked to, else show its progress."""

    def each_step(step: int, steps: int, loss: float) -> None:
        ctx.raise_if_stopped()
        ctx.progress.update(step, steps, f"training the {name}", loss=loss)

    return each_step


def _weights(optimizer: torch.optim.Optimizer) -> Iterator[Tensor]:
    return (weight for group in optimizer.param_groups for weight in group["params"])


def _means(steps: Sequence[Values], digits: int) -> dict[str, float]:
    names = sorted({name for step in steps for name in step})
    found = {name: [step[name] for step in steps if name in step] for name in names}
    return {name: float(f"{sum(values) / len(values):.{digits}g}") for name, values in found.items()}
