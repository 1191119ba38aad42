"""What resumes a training: weights, average, optimizer, planner, step and loss rows, saved and loaded as one unit.

A state is a folder `step-000100` of safetensors and JSON, published by `manifest.json`, written last: only complete states
whose hashes match are ever loaded. Frozen weights are the parent's and not in it. Training waits for a copy in memory; a
thread writes it, one save at a time, and sends it where the other ranks can have it.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from components.training.loop import Learner
from components.training.optimizer import named_moments
from components.training.state_files import Card, Copy, Held, held, overlapping, read_parts, write_parts
from components.training.state_places import FORMAT, StatePlace
from components.training.world import World

KEPT_STATES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingState:
    """Where a stage stands. The tensors are the learner's own: saving reads them, loading fills them."""

    step: int
    skipped: int
    planner: dict[str, Any]
    losses: dict[str, Any]


class StateStore:
    """The states of one run; the two newest complete ones are kept.

    Every rank calls `save`, `publish` and `settle`, at the same steps.
    """

    def __init__(self, place: StatePlace, world: World, *, every_seconds: float = float("inf")) -> None:
        self._place = place
        self._world = world
        self._every_seconds, self._begun = every_seconds, time.monotonic()
        self._copy = Copy()
        self._writing: Writing | None = None

    @property
    def is_late(self) -> bool:
        """Whether the last save, or the start, is as long ago as a save by time asks for; the first rank's clock counts."""
        return self._world.is_first and time.monotonic() - self._begun >= self._every_seconds

    @property
    def has_written(self) -> bool:
        """Whether this rank's part of the state under way lies where the others can have it."""
        return self._writing is not None and not self._writing.is_alive()

    def save(self, state: TrainingState, learner: Learner) -> None:
        """Copies all of it and returns; the state counts once `publish` has been called after every rank has written."""
        self.settle()
        self._begun = time.monotonic()
        name = f"step-{state.step:06d}"
        parts = self._copy.take(held(_tensors(learner), self._world.rank))
        path = self._place.begin(name, is_first=self._world.is_first)
        self._world.barrier()
        self._writing = Writing(self._place, path, parts, state, self._world.rank)
        self._writing.start()

    def settle(self) -> None:
        """Waits until the state under way is written by every rank, and publishes it."""
        if self._writing is not None:
            self._writing.join()
            self._world.barrier()
            self.publish()

    def publish(self) -> None:
        """Makes the written state count."""
        writing, self._writing = self._writing, None
        assert writing is not None
        if writing.error is not None:
            raise writing.error
        if self._world.is_first:
            state, newest = writing.state, writing.path.name
            manifest = {
                "format": FORMAT,
                "step": state.step,
                "skipped": state.skipped,
                "planner": state.planner,
                "losses": state.losses,
            }
            self._place.publish(newest, manifest, self._world.size)
            self._forget_old(newest)

    def load_newest(self, learner: Learner) -> TrainingState | None:
        """Fills the learner from the newest complete, undamaged state, whatever number of ranks saved it; None when
        there is none."""
        for name, manifest in self._place.manifests():
            tensors = _tensors(learner)
            read = overlapping(manifest["ranks"], tensors)
            if self._is_damaged(name, manifest["ranks"], read, learner.device):
                continue
            read_parts(self._place.folder_of(name), read, tensors)
            return TrainingState(**{key: manifest[key] for key in ("step", "skipped", "planner", "losses")})
        return None

    def _is_damaged(self, name: str, files: Sequence[Card], read: Sequence[Card], device: torch.device) -> bool:
        """Whether something of the state is missing or other than written: each rank looks at the files that it reads, and
        at its share of the rest."""
        looked_at = {card["file"]: card for card in [*files[self._world.rank :: self._world.size], *read]}
        broken = not files or not all(self._place.brought(name, card) for card in looked_at.values())
        return self._world.sum([float(broken)], device)[0] > 0

    def _forget_old(self, newest: str) -> None:
        """Removes what came before, but for the newest complete ones, and what was left half-written."""
        self._place.forget({newest, *self._place.published()[-KEPT_STATES:]})


class Writing(threading.Thread):
    """A rank's part of a state on its way to disk, and on to where it is kept."""

    def __init__(self, place: StatePlace, path: Path, parts: Held, state: TrainingState, rank: int) -> None:
        super().__init__(name=f"state-{state.step}", daemon=True)
        self.path, self.state = path, state
        self.error: Exception | None = None
        self._place, self._parts, self._rank = place, parts, rank

    def run(self) -> None:
        try:
            self._place.send(self.path.name, write_parts(self.path, self._parts, self._rank))
        except (OSError, ValueError) as error:
            self.error = error


def _tensors(learner: Learner) -> dict[str, Tensor]:
    """Every tensor of a state by a flat name."""
    trained = {name: p for name, p in learner.model.named_parameters() if p.requires_grad}
    parts: dict[str, Mapping[str, Tensor]] = {
        "model": trained,
        "average": learner.average.weights,
        "optimizer": named_moments(learner.model, learner.optimizer),
    }
    return {f"{part}/{name}": value for part, tensors in parts.items() for name, value in tensors.items()}
