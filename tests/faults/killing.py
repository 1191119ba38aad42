"""Kill a retrain's whole process group at random moments until it ends by itself."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.recipes.recipe import read_recipe
from components.storage.keys import sha256_bytes
from components.storage.locks import holder
from components.storage.workspace import Workspace
from flows.journal import stage_seconds
from flows.order import stage_list
from tests.fixtures.micro import UNIMED, clean_environment


def weights_sha256(workspace: Workspace, stage: str = "unified") -> str:
    """The sha256 of the finished stage's weights."""
    return sha256_bytes((workspace.checkpoints / stage / "ema.safetensors").read_bytes())


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: this long after the stage is seen at work."""

    stage: str
    seconds: float


def random_moments(unbroken: Workspace, kills: int, draw: random.Random) -> list[Moment]:
    """Moments spread evenly over what an unbroken run's stages took, in the run's order, on a machine of any speed."""
    seconds_of = stage_seconds(unbroken)
    stages = [stage for stage in stage_list(read_recipe(unbroken.params)) if stage in seconds_of and stage != "code"]
    took = {stage.replace("@", "-"): seconds_of[stage] for stage in stages}
    moments = []
    for at in sorted(draw.uniform(0, sum(took.values())) for _ in range(kills)):
        for stage, seconds in took.items():
            if at <= seconds:
                moments.append(Moment(stage, at))
                break
            at -= seconds
    return moments


def retrain_with_kills(workspace: Workspace, moments: Sequence[Moment], say: Callable[[str], None] = print) -> int:
    """Start `unimed retrain` again and again, killing its group at each moment; the last start runs to its end.

    Returns how many kills hit a run in progress. Raises AssertionError when the last run fails or a lock is left.
    """
    log = workspace.root / "retrain.log"
    hits = 0
    for number, moment in enumerate(moments, 1):
        process = start(workspace, log)
        try:
            while process.poll() is None and current_stage(workspace) != moment.stage:
                time.sleep(0.1)
            process.wait(timeout=moment.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            hits += 1
            say(f"kill {number} of {len(moments)}: {moment.seconds:.1f} s into {moment.stage}")
            continue
        assert process.returncode == 0, f"retrain exited with {process.returncode}:\n{tail(log)}"
        say(f"the run ended before kill {number}")
        break
    process = start(workspace, log)
    assert process.wait(timeout=3600) == 0, f"the last retrain exited with {process.returncode}:\n{tail(log)}"
    assert holder(workspace.private / "retrain.lock") is None, "the workspace lock is still held"
    return hits


def start(workspace: Workspace, log: Path) -> subprocess.Popen[bytes]:
    """A retrain in a process group of its own."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [UNIMED, "retrain"],
            cwd=workspace.root,
            stdout=out,
            stderr=out,
            env=clean_environment(),
            start_new_session=True,
        )


def current_stage(workspace: Workspace) -> str:
    """The stage that reported last."""
    files = sorted(workspace.progress.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    return files[-1].stem if files else "the beginning"


def tail(log: Path) -> str:
    """The log's last lines."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until the condition holds; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)
