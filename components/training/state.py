"""What resumes a training: weights, average, optimizer, planner, step and loss rows, saved and loaded as one unit.

A state is a folder `step-000100` written by torch.distributed.checkpoint and published by `manifest.json`, written last.
Only complete states whose hashes match are ever loaded. These files hold pickles: they are read from our own storage alone.
"""

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from components.storage.atomic import read_json, write_json
from components.storage.file_hashes import file_sha256
from components.training.loop import Learner
from components.training.optimizer import named_moments
from components.training.world import World

FORMAT = 1
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
    """The states of one run, in one folder; the two newest complete ones are kept."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self._world = world

    def save(self, state: TrainingState, learner: Learner) -> None:
        """Saves all of it; the state counts from the moment its manifest stands there. Every rank calls this."""
        import torch.distributed.checkpoint as dcp

        path = self.folder / f"step-{state.step:06d}"
        if self._world.is_first:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        self._world.barrier()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch says that one process saves alone; that is meant
            dcp.save(_tensors(learner), checkpoint_id=str(path), no_dist=self._world.size == 1)
        self._world.barrier()
        if self._world.is_first:
            files = {file.name: _fingerprint(file) for file in sorted(path.iterdir())}
            write_json(
                path / MANIFEST,
                {
                    "format": FORMAT,
                    "step": state.step,
                    "skipped": state.skipped,
                    "planner": state.planner,
                    "losses": state.losses,
                    "files": files,
                },
            )
            self._forget_old(path)
        self._world.barrier()

    def load_newest(self, learner: Learner) -> TrainingState | None:
        """Fills the learner from the newest complete, undamaged state; None when there is none."""
        import torch.distributed.checkpoint as dcp

        for path in sorted(self.folder.glob("step-*"), reverse=True):
            manifest = _intact(path)
            if manifest is None:
                continue
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore", UserWarning)
                dcp.load(_tensors(learner), checkpoint_id=str(path), no_dist=self._world.size == 1)
            return TrainingState(
                step=manifest["step"],
                skipped=manifest["skipped"],
                planner=manifest["planner"],
                losses=manifest["losses"],
            )
        return None

    def _forget_old(self, newest: Path) -> None:
        """Removes what came before, but for the newest complete ones, and what was left half-written."""
        complete = [path for path in sorted(self.folder.glob("step-*")) if (path / MANIFEST).is_file()]
        keep = {newest, *complete[-KEPT_STATES:]}
        for path in self.folder.glob("step-*"):
            if path not in keep:
                shutil.rmtree(path, ignore_errors=True)


def _tensors(learner: Learner) -> dict[str, Tensor]:
    """Every tensor of a state by a flat name."""
    parts = {
        "model": learner.model.state_dict(),
        "average": learner.average.weights,
        "optimizer": named_moments(learner.model, learner.optimizer),
    }
    return {f"{part}/{name}": value for part, tensors in parts.items() for name, value in tensors.items()}


def _intact(path: Path) -> dict[str, Any] | None:
    """The state's manifest when it is complete and every file has the size and hash it says, else None."""
    if not (path / MANIFEST).is_file():
        return None
    try:
        manifest: dict[str, Any] = read_json(path / MANIFEST)  # type: ignore[assignment]
    except ValueError:
        return None
    if manifest.get("format") != FORMAT:
        return None
    for name, expected in manifest["files"].items():
        file = path / name
        if not file.is_file() or _fingerprint(file) != expected:
            return None
    return manifest


def _fingerprint(file: Path) -> dict[str, object]:
    return {"bytes": file.stat().st_size, "sha256": file_sha256(file)}
