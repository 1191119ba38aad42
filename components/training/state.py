"""What resumes a training: weights, average, optimizer, planner, step and loss rows, saved and loaded as one unit.

A state is a folder `step-000100` of safetensors and JSON, published by `manifest.json`, written last: only complete states
whose hashes match are ever loaded. Frozen weights are the parent's and not in it. Training waits for a copy in memory; a
thread writes it, one save at a time.
"""

import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from components.storage.atomic import read_object, write_json
from components.training.loop import Learner
from components.training.optimizer import named_moments
from components.training.state_files import Copy, Held, cards, held, is_whole, read_parts, write_parts
from components.training.world import World

FORMAT = 2
KEPT_STATES = 2
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingState:
    """Where a stage stands. The tensors are the learner's own: saving reads them, loading fills them."""

    step: int
    skipped: int
    planner: dict[str, Any]
    losses: dict[str, Any]


class StateStore:
    """The states of one run, in one folder that all ranks see; the two newest complete ones are kept.

    Every rank calls `save`, `publish` and `settle`, at the same steps.
    """

    def __init__(self, folder: Path, world: World, *, every_seconds: float = float("inf")) -> None:
        self.folder = folder
        self._world = world
        self._every_seconds, self._begun = every_seconds, time.monotonic()
        self._copy = Copy()
        self._writing: _Writing | None = None

    @property
    def is_late(self) -> bool:
        """Whether the last save, or the start, is as long ago as a save by time asks for; the first rank's clock counts."""
        return self._world.is_first and time.monotonic() - self._begun >= self._every_seconds

    @property
    def has_written(self) -> bool:
        """Whether this rank's part of the state under way lies on its disk."""
        return self._writing is not None and not self._writing.is_alive()

    def save(self, state: TrainingState, learner: Learner) -> None:
        """Copies all of it and returns; the state counts once `publish` has been called after every rank has written."""
        self.settle()
        self._begun = time.monotonic()
        path = self.folder / f"step-{state.step:06d}"
        parts = self._copy.take(held(_tensors(learner), self._world.rank))
        if self._world.is_first:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        self._world.barrier()
        self._writing = _Writing(path, parts, state, self._world.rank)
        self._writing.start()

    def settle(self) -> None:
        """Waits until the state under way is written by every rank, and publishes it."""
        if self._writing is not None:
            self._writing.join()
            self._world.barrier()
            self.publish()

    def publish(self) -> None:
        """Makes the written state count. What sends states elsewhere begins here: every file of it lies there, hashed."""
        writing, self._writing = self._writing, None
        assert writing is not None
        if writing.error is not None:
            raise writing.error
        if self._world.is_first:
            state, path = writing.state, writing.path
            write_json(
                path / MANIFEST,
                {
                    "format": FORMAT,
                    "step": state.step,
                    "skipped": state.skipped,
                    "planner": state.planner,
                    "losses": state.losses,
                    "ranks": cards(path, self._world.size),
                },
            )
            self._forget_old(path)

    def load_newest(self, learner: Learner) -> TrainingState | None:
        """Fills the learner from the newest complete, undamaged state, whatever number of ranks saved it; None when
        there is none."""
        for path in sorted(self.folder.glob("step-*"), reverse=True):
            manifest = _manifest(path)
            if self._is_damaged(path, manifest, learner.device):
                continue
            read_parts(path, manifest["ranks"], _tensors(learner))
            return TrainingState(**{key: manifest[key] for key in ("step", "skipped", "planner", "losses")})
        return None

    def _is_damaged(self, path: Path, manifest: Mapping[str, Any], device: torch.device) -> bool:
        """Whether something of the state is missing or other than written; the ranks look at its files between them."""
        files = manifest.get("ranks", [])
        mine = files[self._world.rank :: self._world.size]
        broken = not files or not all(is_whole(path, card) for card in mine)
        return self._world.sum([float(broken)], device)[0] > 0

    def _forget_old(self, newest: Path) -> None:
        """Removes what came before, but for the newest complete ones, and what was left half-written."""
        complete = [path for path in sorted(self.folder.glob("step-*")) if (path / MANIFEST).is_file()]
        keep = {newest, *complete[-KEPT_STATES:]}
        for path in self.folder.glob("step-*"):
            if path not in keep:
                shutil.rmtree(path, ignore_errors=True)


class _Writing(threading.Thread):
    """A rank's part of a state on its way to disk."""

    def __init__(self, path: Path, parts: Held, state: TrainingState, rank: int) -> None:
        super().__init__(name=f"state-{state.step}", daemon=True)
        self.path, self.state, self.error = path, state, None
        self._parts, self._rank = parts, rank

    def run(self) -> None:
        try:
            write_parts(self.path, self._parts, self._rank)
        except OSError as error:
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


def _manifest(path: Path) -> dict[str, Any]:
    """What the state's manifest says; nothing where there is none, or one of another form."""
    try:
        manifest = read_object(path / MANIFEST)
    except ValueError:
        return {}
    return manifest if manifest.get("format") == FORMAT else {}
