"""From the start of a process that goes on from a saved state to its next step, beside what cannot be saved: the process's own
start, its imports and the load of weights, data and state.

    python -m tests.benchmarks.training_restart WORKSPACE FOLDER BEGUN      (what is measured, a process of its own)
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import Figure, within

TURNS = 3
STEP = 4
"""The state's."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since the process was asked for."""

    loaded: float
    stepped: float


def restarted(workspace: Path, folder: Path) -> Iterator[Figure]:
    """The workspace is one that `unimed retrain` has trained in; nothing is written into it."""
    _leave_state(workspace, folder)
    found = [_child(workspace, folder) for _ in range(TURNS)]
    loaded = statistics.median(times.loaded for times in found)
    stepped = statistics.median(times.stepped for times in found)
    yield within(
        "training.restart",
        stepped,
        "s",
        1.5 * loaded,
        of="1.5 times a process's start and load",
        note=f"{loaded:.2f} s",
    )


def _leave_state(workspace: Path, folder: Path) -> None:
    from components.storage.workspace import Workspace
    from components.training.loop import train_step
    from components.training.run import prepare
    from components.training.world import World
    from tests.benchmarks.training_feed import RATE, job_of

    work = prepare(job_of(Workspace(workspace), folder), World())
    for step in range(1, STEP + 1):
        train_step(work.learner, work.feed.next_step(), step=step, rate=RATE)
    work.save(STEP, 0)
    work.settle()
    work.latents.keep(work.job.latents)


def _child(workspace: Path, folder: Path) -> Times:
    command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, str(workspace), str(folder)]
    done = subprocess.run([*command, str(time.time())], capture_output=True, text=True, check=True)
    return Times(**json.loads(done.stdout.splitlines()[-1]))


def go_on(workspace: Path, folder: Path, begun: float) -> None:
    from components.storage.workspace import Workspace
    from components.training.loop import train_step
    from components.training.run import prepare
    from components.training.world import World
    from tests.benchmarks.training_feed import RATE, job_of

    work = prepare(job_of(Workspace(workspace), folder), World())
    assert work.resume().done == STEP
    loaded = time.time() - begun
    train_step(work.learner, work.feed.next_step(), step=STEP + 1, rate=RATE)
    print(json.dumps({"loaded": loaded, "stepped": time.time() - begun}))


if __name__ == "__main__":
    go_on(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
