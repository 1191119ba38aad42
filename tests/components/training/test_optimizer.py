"""The learning rate, the groups, the moving average and gradient accumulation are what the recipe says."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from components.assembly.dataset import SampleIndex
from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.training.batches import MicroBatch
from components.training.loop import Learner, StepReport, train_step
from components.training.losses import LossRows
from components.training.optimizer import Average, freeze, learning_rate, make_optimizer
from components.training.world import World
from model.unimedvl import UniMedVL
from model.weights import load_checkpoint
from tests.components.training.conftest import visit_of
from tests.components.training.test_batches import ASK, DRAW, EDIT, KEPT, make


@pytest.fixture
def model(started: Workspace) -> UniMedVL:
    return load_checkpoint(started.checkpoints / "start")[0]


def test_the_rate_warms_up_from_the_first_step_and_ends_at_the_final_one(recipe: Recipe) -> None:
    stage = replace(
        recipe.curriculum["foundation"], steps=20, warmup_steps=4, learning_rate=1.0, final_learning_rate=0.2
    )
    rates = [learning_rate(step, stage) for step in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == pytest.approx(1.0) and rates[-1] == pytest.approx(0.2)
    assert all(a >= b for a, b in pairwise(rates[4:]))
    assert learning_rate(100, stage) == pytest.approx(0.2), "it must not rise again"


def test_a_stage_without_warmup_and_of_one_step_has_a_rate(recipe: Recipe) -> None:
    stage = replace(recipe.curriculum["foundation"], steps=1, warmup_steps=0)
    assert learning_rate(0, stage) == stage.learning_rate


def test_the_vit_has_its_own_rate_and_is_frozen_at_zero(model: UniMedVL, recipe: Recipe) -> None:
    optimizer = make_optimizer(model, recipe.training.optimizer, vit_learning_rate_scale=0.1)
    assert [group["scale"] for group in optimizer.param_groups] == [1.0, 0.1]
    own = sum(p.numel() for p in model.vit_model.parameters())
    assert sum(p.numel() for p in optimizer.param_groups[1]["params"]) == own
    freeze(model, vit=True, und=False)
    frozen = make_optimizer(model, recipe.training.optimizer, vit_learning_rate_scale=0.0)
    assert len(frozen.param_groups) == 1
    assert not any(p.requires_grad for p in model.vit_model.parameters())


def test_the_average_moves_by_one_minus_decay(model: UniMedVL) -> None:
    average = Average(model, decay=0.75)
    before = average.weights["connector.fc1.weight"].clone()
    with torch.no_grad():
        model.connector.fc1.weight += 1
    average.update(model)
    torch.testing.assert_close(average.weights["connector.fc1.weight"], before + 0.25)


def learner(model: UniMedVL, recipe: Recipe) -> Learner:
    training = recipe.training
    return Learner(
        model=model.train(),
        optimizer=make_optimizer(model, training.optimizer, vit_learning_rate_scale=0.1),
        average=Average(model, 0.9),
        loss_weights=training.loss_weights,
        max_grad_norm=1e9,
        world=World(),
        device=torch.device("cpu"),
    )


def test_accumulated_micro_batches_have_the_gradient_of_one_big_batch(
    started: Workspace, recipe: Recipe, index: SampleIndex
) -> None:
    maker = make(started, recipe, index, KEPT)
    visits = [visit_of(index, ASK), visit_of(index, EDIT), visit_of(index, DRAW)]

    def gradients(micro_batches: list[MicroBatch]) -> tuple[StepReport, dict[str, torch.Tensor]]:
        network = load_checkpoint(started.checkpoints / "start")[0]
        report = train_step(learner(network, recipe), micro_batches, step=1, rate=0.0)
        found = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
        return report, {name: grad.clone() for name, grad in found.items()}

    one, whole = gradients([maker.build(visits)])
    three, parts = gradients([maker.build([visit]) for visit in visits])
    assert one.tokens == three.tokens
    assert (one.text_loss, one.image_loss) == pytest.approx((three.text_loss, three.image_loss), rel=1e-5)
    for name, gradient in whole.items():
        torch.testing.assert_close(parts.get(name, torch.zeros_like(gradient)), gradient, rtol=1e-4, atol=1e-6)


def test_the_network_learns_one_batch_by_heart(started: Workspace, recipe: Recipe, index: SampleIndex) -> None:
    maker = make(started, recipe, index, KEPT)
    network = load_checkpoint(started.checkpoints / "start")[0]
    student = learner(network, recipe)
    micro = [maker.build([visit_of(index, ASK), visit_of(index, DRAW)])]
    reports = [train_step(student, micro, step=n + 1, rate=3e-3) for n in range(40)]
    assert reports[-1].text_loss < 0.4 * reports[0].text_loss
    assert reports[-1].image_loss < 0.9 * reports[0].image_loss


def report(step: int, loss: float, *, skipped: bool = False) -> StepReport:
    return StepReport(
        step=step, text_loss=loss, image_loss=1.0, learning_rate=0.1, grad_norm=1.0, tokens=7, skipped=skipped
    )


def test_rows_are_means_of_the_steps_that_counted_and_restart_in_the_middle() -> None:
    unbroken, first = LossRows(13), LossRows(13)
    reports = [report(n, float(n), skipped=n == 4) for n in range(1, 14)]
    reports[3] = report(4, float("nan"), skipped=True)
    for one in reports:
        unbroken.on_step(one)
    for one in reports[:6]:
        first.on_step(one)
    second = LossRows(13)
    second.restore(first.state())
    for one in reports[6:]:
        second.on_step(one)
    assert second.rows == unbroken.rows
    assert [row["step"] for row in unbroken.rows] == [10, 13]
    assert unbroken.rows[0]["text_loss"] == pytest.approx((55 - 4) / 9, rel=1e-5)
    assert unbroken.rows[0]["tokens"] == 70 and unbroken.rows[0]["skipped"] == 1
