"""Worlds of several processes: each rank trains the tasks it is given, and the first leaves what was to be seen.

`python -m tests.components.training.ranks TASKS STORE RANK SIZE COPIES`
"""

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file

from components.storage.atomic import read_json, write_json_rows
from components.storage.keys import keyed_hash
from components.training import run, sharding, state
from components.training.job import StageJob
from components.training.loop import StepReport, fit
from components.training.world import World
from model import decoder
from model.unimedvl import UniMedVL

SOURCE = Path(__file__).parents[3]
WAIT_SECONDS = 3600


@dataclass(frozen=True)
class Task:
    """A stage to train, how far, and what is broken on purpose."""

    job: StageJob
    folder: Path
    """Where what was seen goes."""
    until: int = 10**9
    """Step after which it is stopped, its state saved."""
    fault: str = ""


@dataclass(frozen=True)
class Seen:
    """What a training showed: a row a step, and each weight's gradient in the first one."""

    steps: list[dict[str, Any]]
    gradients: dict[str, torch.Tensor]


def seen(task: Task) -> Seen:
    return Seen(read_json(task.folder / "steps.json"), load_file(task.folder / "gradients.safetensors"))  # type: ignore[arg-type]


def train(task: Task, world: World) -> None:
    """Trains the task; the first rank writes what it saw."""
    with fault(task.fault, world):
        work = run.prepare(task.job, OwnCounts(world.rank, world.size) if task.fault == "own counts" else world)
        watch = Watch(work.learner.model, work.feed.state)
        stage = task.job.settings
        span = work.resume()
        work.learner.max_grad_norm = 1e9  # gradients as they come
        finished = fit(
            work.learner,
            work.feed,
            stage,
            span,
            hooks=[watch],
            keeper=work,
            should_stop=lambda: bool(watch.steps) and watch.steps[-1]["step"] >= task.until,
        )
        work.feed.close()
        work.close(finished)
    if world.is_first:
        task.folder.mkdir(parents=True, exist_ok=True)
        write_json_rows(task.folder / "steps.json", watch.steps)
        save_file(watch.gradients, task.folder / "gradients.safetensors")


def on_ranks(
    folder: Path,
    tasks: Sequence[Task],
    size: int,
    *,
    copies: int = 1,
    kill_when: Callable[[], bool] | None = None,
    killed: slice = slice(None),
) -> list[int]:
    """Trains the tasks one after the other in a world of so many processes; their exit statuses.

    kill_when: all, or those of `killed`, are killed the moment that it says so; others end by themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tasks_file, store = folder / "tasks.pickle", folder / f"store-{size}-{copies}-{len(list(folder.iterdir()))}"
    tasks_file.write_bytes(pickle.dumps(list(tasks)))
    command = [sys.executable, "-m", "tests.components.training.ranks", str(tasks_file), str(store)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    ranks = [
        subprocess.Popen([*command, str(rank), str(size), str(copies)], cwd=SOURCE, env=environment)
        for rank in range(size)
    ]
    try:
        while kill_when and not kill_when() and all(rank.poll() is None for rank in ranks):
            time.sleep(0.02)
        if kill_when:
            for rank in ranks[killed]:
                rank.kill()
        return [rank.wait(WAIT_SECONDS) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()


class Watch:
    """A hook that keeps what each step said, and the gradients of the first."""

    def __init__(self, model: UniMedVL, plan: Callable[[], object]) -> None:
        self._model, self._plan = model, plan
        self.steps: list[dict[str, Any]] = []
        self.gradients: dict[str, torch.Tensor] = {}

    def on_step(self, report: StepReport) -> None:
        if not self.steps:
            trained = [(name, p.grad) for name, p in self._model.named_parameters() if p.requires_grad]
            self.gradients = {name: sharding.whole(grad).clone() for name, grad in trained if grad is not None}
        said = asdict(report)
        del said["wait_seconds"], said["epochs"]  # a measurement, and no number
        # Draws of each stream and samples that wait: with it, which samples every step so far was made of.
        self.steps.append({**said, "plan": keyed_hash("plan", json.dumps(self._plan(), sort_keys=True))})


class OwnCounts(World):
    """The fault of a mean of means: each rank divides by its own counts."""

    def sum(self, values: Sequence[float], device: torch.device) -> list[float]:
        together = super().sum(values, device)
        counts = len(values) == 3 and max(together) > self.size  # flags come in threes too
        return [value * self.size for value in values] if counts else together


def fault(name: str, world: World) -> AbstractContextManager[object]:
    """While the block runs, something is broken."""
    return FAULTS[name](world) if name in FAULTS else nullcontext()


def _divided(world: World) -> AbstractContextManager[object]:
    real = sharding.shard

    def shard(model: UniMedVL, *others: object, **more: object) -> None:
        real(model, *others, **more)  # type: ignore[arg-type]
        for part in sharding._wrapped(model):
            part.set_gradient_divide_factor(float(world.size))

    return patch.object(sharding, "shard", shard)


def _unused_left_out(_: World) -> AbstractContextManager[object]:
    return patch.object(decoder, "_counts", lambda stream: stream.shape[0] > 0)


def _slow_disk(_: World) -> AbstractContextManager[object]:
    real = state.write_parts

    def write_parts(*parts: object) -> object:
        time.sleep(1)
        return real(*parts)  # type: ignore[arg-type]

    return patch.object(state, "write_parts", write_parts)


def _thawed(_: World) -> AbstractContextManager[object]:
    return patch.object(UniMedVL, "freeze_und", lambda _: None)


FAULTS: dict[str, Callable[[World], AbstractContextManager[object]]] = {
    "gradients divided by the ranks": _divided,
    "an expert without tokens left out": _unused_left_out,
    "a frozen part that learns": _thawed,
    "a slow disk": _slow_disk,
}
"""Beside `own counts`, which is a world of its own."""


if __name__ == "__main__":
    tasks_file, store, rank, size, copies = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=size)
    for task in pickle.loads(Path(tasks_file).read_bytes()):
        train(task, World(rank=rank, size=size, copies=copies))
    dist.destroy_process_group()
