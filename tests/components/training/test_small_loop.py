"""The loop of the small trainings: its schedule, its rows, and what it refuses."""

import math

import pytest
import torch
from torch import Tensor

from components.training.small_loop import SmallTraining, curve, train_small, warm_cosine


def descent(weight: torch.nn.Parameter, *, steps: int, **more) -> SmallTraining:
    """Plain gradient descent at the rate of the schedule."""
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedule = warm_cosine(optimizer, 0.1, steps=steps, warmup_steps=4)
    return SmallTraining(
        name="toy", steps=steps, optimizer=optimizer, schedule=schedule, rate_key="toy.learning_rate (0.1)", **more
    )


def test_each_step_is_taken_at_the_rate_of_a_warm_up_under_a_cosine() -> None:
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    seen: list[float] = []

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        seen.append(float(weight.detach()))
        return weight.sum(), {"loss": float(step)}

    said: list[tuple[int, int, float]] = []
    train_small(descent(weight, steps=10), loss_of, lambda *values: said.append(values))
    rates = [before - after for before, after in zip(seen, [*seen[1:], float(weight.detach())], strict=True)]
    expected = [0.1 * min(step / 4, 1.0) * 0.5 * (1 + math.cos(math.pi * (step - 1) / 10)) for step in range(1, 11)]
    assert rates == pytest.approx(expected, abs=1e-12)
    assert said == [(step, 10, float(step)) for step in range(1, 11)]


def test_a_gradient_is_clipped_and_one_that_is_not_finite_is_refused_before_it_is_taken() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    train_small(
        descent(weight, steps=1, max_grad_norm=1.0), lambda step: (300 * weight.sum(), {"loss": 0.0}), lambda *_: None
    )
    assert float((-weight.detach()).norm()) == pytest.approx(0.025, rel=1e-4)
    before = weight.detach().clone()
    with pytest.raises(ValueError, match=r"toy step 1 has no finite gradient; lower toy.learning_rate \(0.1\)"):
        train_small(descent(weight, steps=3), lambda step: (weight.sum() / 0, {"loss": 0.0}), lambda *_: None)
    assert torch.equal(weight.detach(), before)


def test_stopping_at_a_step_leaves_the_rest_undone() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    asked: list[int] = []

    def each_step(step: int, steps: int, loss: float) -> None:
        if step == 2:
            raise InterruptedError

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        asked.append(step)
        return weight.sum(), {"loss": 0.0}

    with pytest.raises(InterruptedError):
        train_small(descent(weight, steps=5), loss_of, each_step)
    assert asked == [1, 2]


def test_rows_are_means_of_their_steps_and_the_last_row_is_of_what_is_left() -> None:
    history = [{"loss": 1.0}, {"loss": 2.0, "right": 1.0}, {"loss": 4.0}, {"loss": 1 / 3}]
    assert curve("toy", history, every=3, digits=4) == [
        {"part": "toy", "step": 3, "loss": 2.333, "right": 1.0},
        {"part": "toy", "step": 4, "loss": 0.3333},
    ]
    assert curve("toy", [], every=3, digits=4) == []
