"""The training loop: take the step's sequences, one update, tell the hooks, save now and then."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import nn

from components.recipes.training import CurriculumStage, LossWeights, Precision
from components.training.batches import MicroBatch
from components.training.optimizer import Average, learning_rate, set_learning_rate
from components.training.sharding import add_up_gradients, whole
from components.training.world import World
from model.objective import summed_losses
from model.unimedvl import UniMedVL

MAX_SKIPPED_STEPS = 10
"""Steps of one stage that may be left out because they were not finite; one more ends the stage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepReport:
    """What a step did, over all ranks."""

    step: int
    """1 for the first."""
    text_loss: float
    """Mean cross-entropy of a text target; 0 when the step had none."""
    image_loss: float
    """Mean squared velocity error of a target token; 0 when the step had none."""
    learning_rate: float
    grad_norm: float
    tokens: int
    skipped: bool
    """Losses or gradients were not finite, so nothing was changed."""
    fill: float = 0.0
    """Share of the step's room that its tokens take."""
    epochs: Mapping[str, float] = field(default_factory=dict)
    """Passes so far through each `group/source`."""
    wait_seconds: float = 0.0
    """How long this rank waited for the step's micro-batches."""


class Hook(Protocol):
    """Watches the loop. It is handed values and reaches back into nothing."""

    def on_step(self, report: StepReport) -> None: ...


class Feed(Protocol):
    """Where the loop's micro-batches come from; going on after a restart is its business."""

    @property
    def capacity(self) -> int:
        """Tokens that a step has room for, over all ranks."""
        ...

    @property
    def epochs(self) -> Mapping[str, float]:
        """Passes so far through each `group/source`."""
        ...

    waited_seconds: float
    """How long the last step was waited for."""

    def next_step(self) -> Sequence[MicroBatch]: ...


class Keeper(Protocol):
    """Keeps what resumes the training. Every rank calls the same of these after the same steps."""

    @property
    def has_written(self) -> bool:
        """Whether this rank's part of a save under way is done."""
        ...

    def is_due(self, step: int) -> bool:
        """Whether this rank finds that a save is due after the step."""
        ...

    def save(self, step: int, skipped: int) -> None:
        """Begins a save of where the training stands; one under way is waited for."""

    def publish(self) -> None:
        """Makes the save under way count, once all ranks have written."""

    def settle(self) -> None:
        """Waits for a save under way and makes it count."""


@dataclass(kw_only=True, slots=True)
class Learner:
    """The network and what changes it."""

    model: UniMedVL
    optimizer: torch.optim.Optimizer
    average: Average
    loss_weights: LossWeights
    max_grad_norm: float
    world: World
    device: torch.device
    precision: Precision = "fp32"


def train_step(learner: Learner, micro_batches: Sequence[MicroBatch], *, step: int, rate: float) -> StepReport:
    """Accumulate gradients over the micro-batches, then update once. A step that is not finite changes nothing."""
    world, model, weights = learner.world, learner.model, learner.loss_weights
    own = [float(sum(counts)) for counts in zip(*map(_counts, micro_batches), strict=True)]
    num_text, num_image, tokens = world.sum(own, learner.device)
    learner.optimizer.zero_grad(set_to_none=True)
    text_sum = image_sum = 0.0
    for number, micro in enumerate(micro_batches, 1):
        add_up_gradients(model, now=number == len(micro_batches))
        micro = micro.to(learner.device)
        with torch.autocast(learner.device.type, torch.bfloat16, enabled=learner.precision == "bf16"):
            losses = summed_losses(model, micro.packed, micro.sigma, micro.noise)
        # Divide by the whole step's counts: a mean of means would favour short micro-batches.
        text = losses.text_loss_sum * (weights.text / max(num_text, 1.0))
        image = losses.image_loss_sum * (weights.image / max(num_image, 1.0))
        (text + image).backward()
        text_sum += float(losses.text_loss_sum.detach())
        image_sum += float(losses.image_loss_sum.detach())
    text_sum, image_sum = world.sum([text_sum, image_sum], learner.device)
    grad_norm = float(whole(nn.utils.clip_grad_norm_(model.parameters(), learner.max_grad_norm)))
    skipped = not math.isfinite(grad_norm + text_sum + image_sum)
    if not skipped:
        set_learning_rate(learner.optimizer, rate)
        learner.optimizer.step()
        learner.average.update(model)
    return StepReport(
        step=step,
        text_loss=text_sum / max(num_text, 1.0),
        image_loss=image_sum / max(num_image, 1.0),
        learning_rate=rate,
        grad_norm=grad_norm,
        tokens=int(tokens),
        skipped=skipped,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Which steps of the stage are still to do."""

    done: int
    skipped: int


def fit(
    learner: Learner,
    feed: Feed,
    stage: CurriculumStage,
    span: Span,
    *,
    hooks: Iterable[Hook],
    keeper: Keeper,
    should_stop: Callable[[], bool],
) -> bool:
    """Trains steps span.done + 1 to stage.steps; True when the stage is done, False when it was stopped and saved.

    Saves when a rank finds it due or was asked to stop, never after the last step; what was saved counts when this returns.
    Raises ValueError when more than MAX_SKIPPED_STEPS steps were not finite.
    """
    learner.model.train()
    hooks, skipped = list(hooks), span.skipped
    for step in range(span.done + 1, stage.steps + 1):
        report = train_step(learner, feed.next_step(), step=step, rate=learning_rate(step - 1, stage))
        fill = report.tokens / feed.capacity
        report = replace(report, fill=fill, epochs=feed.epochs, wait_seconds=feed.waited_seconds)
        skipped += report.skipped
        for hook in hooks:
            hook.on_step(report)
        if skipped > MAX_SKIPPED_STEPS:
            raise ValueError(
                f"{skipped} of {step} steps had losses or gradients that are not finite, over the limit of "
                f"{MAX_SKIPPED_STEPS}; lower curriculum.*.learning_rate or training.optimizer.max_grad_norm"
            )
        if step < stage.steps and _between_steps(learner, keeper, step, skipped, should_stop):
            keeper.settle()
            return False
    keeper.settle()
    return True


def _between_steps(learner: Learner, keeper: Keeper, step: int, skipped: int, should_stop: Callable[[], bool]) -> bool:
    """Saves where that is due; whether any rank was asked to stop: all leave at the same step."""
    asked = [float(should_stop()), float(keeper.is_due(step)), float(keeper.has_written)]
    stop, due, written = learner.world.sum(asked, learner.device)
    if written == learner.world.size:
        keeper.publish()
    if stop or due:
        keeper.save(step, skipped)
    return stop > 0


def _counts(micro: MicroBatch) -> tuple[int, int, int]:
    return len(micro.packed.label_ids), micro.packed.num_targets, micro.packed.num_tokens
