"""What a rank trains on, step by step: planned here, gathered here or ahead in loader processes, finished here.

Loader processes read, decode and change images; whoever trains encodes latents and lays out. The state is that of the steps
that were handed out, however many are under way.
"""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from components.storage.lifeline import end_with_starter
from components.training.batches import BatchMaker, MicroBatch
from components.training.gathering import Gathered, Gatherer
from components.training.planner import Planner, SequencePlan, rank_share
from components.training.world import World

STEPS_AHEAD = 2
"""Steps that each loader process may be ahead."""

Groups = list[list[SequencePlan]]
"""A rank's share of a step: what goes through the network together."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where the plan stands behind a step."""

    state: dict[str, object]
    epochs: dict[str, float]


class StageFeed:
    """The micro-batches of this rank; the same bytes for any number of loaders."""

    def __init__(
        self,
        planner: Planner,
        maker: BatchMaker,
        world: World,
        *,
        per_step: int,
        per_forward: int,
        loaders: int = 0,
    ) -> None:
        self._planner, self._maker, self._world = planner, maker, world
        self._per_step, self._per_forward, self._loaders = per_step, per_forward, loaders
        self._ahead: deque[_Mark] = deque()
        self._gathered: Iterator[list[list[Gathered]]] | None = None
        self._mark = self._now()
        self.waited_seconds = 0.0
        """How long the last step was waited for."""

    @property
    def capacity(self) -> int:
        """Tokens that a step has room for, over all ranks."""
        return self._per_step * self._planner.room

    @property
    def epochs(self) -> dict[str, float]:
        """Passes through each stream that are drawn for the steps that were handed out."""
        return self._mark.epochs

    def state(self) -> dict[str, object]:
        """Where the plan stands behind the last step that was handed out; JSON values only."""
        return self._mark.state

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on behind that step; before the first step alone."""
        self._planner.restore(state)
        self._mark = self._now()

    def next_step(self) -> Sequence[MicroBatch]:
        """This rank's micro-batches of the next step."""
        begun = time.perf_counter()
        if self._gathered is None:
            self._gathered = self._from_loaders() if self._loaders else map(self._gather, self._plans())
        micro_batches = [self._maker.finish(gathered) for gathered in next(self._gathered)]
        self._mark = self._ahead.popleft()
        self.waited_seconds = time.perf_counter() - begun
        return micro_batches

    def close(self) -> None:
        """Ends the loader processes."""
        self._gathered = None

    def _plans(self) -> Iterator[Groups]:
        """This rank's share of each step, for ever."""
        while True:
            plan = self._planner.take(self._per_step)
            self._ahead.append(self._now())
            rank, size = self._world.rank, self._world.size
            yield rank_share(plan, rank=rank, world_size=size, per_forward=self._per_forward)

    def _now(self) -> _Mark:
        return _Mark(self._planner.state(), self._planner.epochs)

    def _gather(self, groups: Groups) -> list[list[Gathered]]:
        return _gathered(self._maker.gatherer, groups)

    def _from_loaders(self) -> Iterator[list[list[Gathered]]]:
        # A forked process would have this one's threads' locks; the server that forks these has no threads.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        return iter(
            DataLoader(
                _Steps(self._maker.gatherer.for_loader(self._loaders)),
                batch_size=None,
                sampler=self._plans(),
                num_workers=self._loaders,
                prefetch_factor=STEPS_AHEAD,
                multiprocessing_context=context,
                worker_init_fn=partial(_begin, torch.get_num_threads()),
            )
        )


class _Steps(Dataset[list[list[Gathered]]]):
    """Steps by their plans."""

    def __init__(self, gatherer: Gatherer) -> None:
        self._gatherer = gatherer

    def __getitem__(self, groups: Groups) -> list[list[Gathered]]:
        return [self._gatherer.decoded(gathered) for gathered in _gathered(self._gatherer, groups)]


def _gathered(gatherer: Gatherer, groups: Groups) -> list[list[Gathered]]:
    return [gatherer.gather(visit for visits in group for visit in visits) for group in groups]


def _begin(threads: int, _: int) -> None:
    """What a loader process begins with: sums as in the process that trains, its end, and no ear for Ctrl-C, since steps are
    still wanted then."""
    end_with_starter()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
