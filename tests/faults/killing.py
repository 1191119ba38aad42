"""Kill a retrain's whole process group at random moments until it ends by itself."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from components.records.keys import sha256_bytes
from components.storage.locks import holder
from components.storage.workspace import Workspace
from tests.fixtures.micro import UNIMED, clean_environment


def weights_sha256(workspace: Workspace, stage: str = "unified") -> str:
    """The sha256 of the finished stage's weights."""
    return sha256_bytes((workspace.checkpoints / stage / "ema.safetensors").read_bytes())


def retrain_with_kills(
    workspace: Workspace, kills: int, expected_seconds: float, draw: random.Random, say: Callable[[str], None] = print
) -> int:
    """Start `unimed retrain` again and again, killing its group `kills` times; the last start runs to its end.

    Returns how many kills hit a run in progress. Raises AssertionError when the last run fails or a lock is left.
    """
    log = workspace.root / "retrain.log"
    hits = 0
    while hits < kills:
        process = start(workspace, log)
        delay = draw.uniform(0.05, 0.9) * expected_seconds / max(1, kills - 1)
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            hits += 1
            say(f"kill {hits} of {kills} after {delay:.1f} s, in {current_stage(workspace)}")
            continue
        assert process.returncode == 0, f"retrain exited with {process.returncode}:\n{tail(log)}"
        say(f"the run ended before kill {hits + 1}")
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
