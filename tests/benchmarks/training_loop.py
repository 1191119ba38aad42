"""The loop beside the bare step, and a save beside a copy in memory."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from components.recipes.shipped import read_shipped
from components.recipes.training import CurriculumStage
from components.training.batches import MicroBatch
from components.training.loop import Learner, Span, fit
from components.training.losses import LossRows
from components.training.state import StateStore, TrainingState
from components.training.state_places import SharedFolder
from components.training.world import World
from model.objective import draw, summed_losses
from tests.benchmarks import network
from tests.benchmarks.contest import Contest, rate
from tests.benchmarks.figures import Figure, within
from tests.components.training.memory import learner

TURNS = 3
CPU = torch.device("cpu")


class Memory:
    """A feed of one step, again and again."""

    waited_seconds = 0.0
    epochs: Mapping[str, float] = {"i2t/bench": 1.0}

    def __init__(self, micro_batches: Sequence[MicroBatch]) -> None:
        self._micro_batches = micro_batches
        self.capacity = sum(micro.packed.num_tokens for micro in micro_batches)

    def next_step(self) -> Sequence[MicroBatch]:
        return self._micro_batches


class Nothing:
    """A keeper that is never due."""

    has_written = False

    def is_due(self, step: int) -> bool:
        return False

    def save(self, step: int, skipped: int) -> None: ...
    def publish(self) -> None: ...
    def settle(self) -> None: ...


def looped(folder: Path, steps: int) -> Iterator[Figure]:
    packed = network.mixed_samples()
    micro = MicroBatch(packed, *draw(packed, torch.Generator().manual_seed(0), 1.0))
    student = learner(network.CONFIG, World(), CPU)
    yield _bare(student, micro, steps).run(TURNS)
    yield _stall(student, folder / "states")


def _loop(student: Learner, micro: MicroBatch, steps: int) -> Callable[[], float]:
    stage, feed = stage_of(steps), Memory([micro])

    def loop() -> None:
        rows = LossRows(steps)
        assert fit(student, feed, stage, START, hooks=[rows], keeper=Nothing(), should_stop=lambda: False)
        assert rows.rows[-1]["step"] == steps

    return lambda: rate(steps * micro.packed.num_tokens, loop)


START = Span(done=0, skipped=0)


def stage_of(steps: int) -> CurriculumStage:
    return replace(read_shipped("unimedvl-14b").curriculum["foundation"], steps=steps)


def _bare(student: Learner, micro: MicroBatch, steps: int) -> Contest:
    """Forward, backward, clipping, AdamW and the average, and nothing else."""
    model, optimizer = student.model, student.optimizer
    text, image = len(micro.packed.label_ids), micro.packed.num_targets

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        losses = summed_losses(model, micro.packed, micro.sigma, micro.noise)
        (0.25 * losses.text_loss_sum / text + losses.image_loss_sum / image).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        student.average.update(model)

    def bare() -> None:
        for _ in range(steps):
            step()

    return Contest(
        name="training.loop",
        peer_name="the bare step",
        unit="tokens/s",
        goal=0.95,
        ours=_loop(student, micro, steps),
        peer=lambda: rate(steps * micro.packed.num_tokens, bare),
    )


def _stall(student: Learner, folder: Path) -> Figure:
    """How long a training waits for a save, beside twice a copy of the same tensors in memory: the middle of five."""
    store, state = StateStore(SharedFolder(folder), World()), TrainingState(step=1, skipped=0, planner={}, losses={})
    named = [value.detach() for value in student.model.parameters() if value.requires_grad]
    moments = [v for slots in student.optimizer.state.values() for v in slots.values() if isinstance(v, Tensor)]
    tensors = [*named, *student.average.weights.values(), *moments]
    copies = [torch.empty_like(value) for value in tensors]
    waits, takes = [], []
    for number in range(6):
        begun = time.perf_counter()
        for copy, value in zip(copies, tensors, strict=True):
            copy.copy_(value)
        takes.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        store.save(replace(state, step=number + 1), student)
        waits.append(time.perf_counter() - begun)
        store.settle()
    waits, takes = sorted(waits[1:]), sorted(takes[1:])  # the first allocates
    size = sum(value.nbytes for value in tensors) / 1e6
    return within(
        "training.save_stall",
        waits[2],
        "s",
        2 * takes[2],
        of="twice a copy in memory",
        note=f"{size:.0f} MB, a copy takes {takes[2]:.3f} s",
    )
