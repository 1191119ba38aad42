"""A cluster whose nodes share no disk, a store between them, and what a proof does with both: train, disturb, compare."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.storage.object_store import ObjectStore
from components.storage.workspace import Workspace
from components.training.state_folders import forget_states
from tests.fixtures.micro import make_workspace
from tests.fixtures.nodes import Network, Nodes

DVC = (sys.executable, "-m", "dvc")
AGAIN = (*DVC, "repro", "--force", "--single-item", "train@foundation")
FOUNDATION = (*DVC, "repro", "train@foundation")
BUCKET = "store"
STAGE = "foundation"
STEPS, LATER = 60, 4
DISTURBED_AT = 20
HANG_SECONDS = 45
LIMIT_SECONDS = 1800.0


@dataclass
class Proof:
    """A cluster of two nodes and a spare, and a store; what was found so far."""

    folder: Path
    nodes: Nodes
    network: Network
    store: dict[str, str]
    failures: int = 0

    @property
    def remote(self) -> ObjectStore:
        return ObjectStore(f"s3://{BUCKET}/data", self.store["AWS_ENDPOINT_URL"])

    def workspace(self, name: str, **more: int) -> Workspace:
        """A fresh one whose remote is the store; `more` are recipe keys."""
        steps = {f"curriculum__{stage}__steps": LATER for stage in ("instruction", "unified")}
        numbers = {
            "compute__workers": 2,
            "compute__hang_seconds": HANG_SECONDS,
            **steps,
            f"curriculum__{STAGE}__steps": STEPS,
        }
        made = make_workspace(self.folder / name, **(numbers | more))
        for words in (
            ("add", "--default", "store", f"s3://{BUCKET}/data"),
            ("modify", "store", "endpointurl", self.remote.endpoint),
        ):
            self.run(made, *DVC, "remote", *words)
        return made

    def run(self, workspace: Workspace, *command: str, expect: int = 0) -> str:
        """Its output; an other exit status than expected ends the proof."""
        done = subprocess.run(
            command,
            cwd=workspace.root,
            env=self.environment(workspace),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        said = done.stdout + done.stderr
        assert done.returncode == expect, f"{' '.join(command)} exited with {done.returncode}:\n{said}"
        return said

    def begin(
        self, workspace: Workspace, *command: str, environment: dict[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            cwd=workspace.root,
            env=environment or self.environment(workspace),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def environment(self, workspace: Workspace) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return self.nodes.environment | {"UNIMED_WORKSPACE": str(workspace.root), "PATH": path}

    def say(self, what: str, held: bool, told: str) -> None:
        print(f"{'met   ' if held else 'MISSED'} {what}: {told}", flush=True)
        self.failures += not held


def fresh_nodes(proof: Proof, cache_disk: str) -> None:
    """Two nodes that have fetched nothing."""
    for number in list(proof.nodes.running):
        proof.nodes.kill(number)
    for number in (1, 2):
        proof.nodes.start(number, cache_disk=cache_disk)


@contextmanager
def under_way(
    proof: Proof, workspace: Workspace, *command: str, environment: dict[str, str] | None = None
) -> "Iterator[tuple[subprocess.Popen[str], Path]]":
    """The command at work in the middle of the stage, which began from its first step, and the stage's progress file."""
    forget_states(workspace, [STAGE])
    progress = workspace.progress / f"train-{STAGE}.jsonl"
    progress.unlink(missing_ok=True)
    with proof.begin(workspace, *command, environment=environment) as process:
        await_step(progress, process)
        yield process, progress


def disturbed(
    proof: Proof,
    workspace: Workspace,
    does: Callable[[], None],
    *command: str,
    environment: dict[str, str] | None = None,
) -> float:
    """Runs the command, disturbs it in the middle of the stage; seconds from the last step before to the next new one."""
    with under_way(proof, workspace, *command, environment=environment) as (process, progress):
        before, reached = steps(progress), time.time()
        does()
        said = process.communicate(timeout=LIMIT_SECONDS)[0]
        assert process.returncode == 0, said
    told = [*before, *steps(progress)]  # a stage that begins anew begins its file anew
    last, furthest = max((row for row in told if row[0] <= reached + 2), key=lambda row: row[0])
    # What is trained again counts too: the workers are back.
    after = [(at, step) for at, step in told if at > reached + 2]
    print(f"disturbed at step {furthest:.0f}, next step {after[0][1]:.0f}, of {STEPS}", flush=True)
    return after[0][0] - last


def ranks_of(progress: Path) -> list[str]:
    """How many workers trained, one number after the other."""
    return re.findall(r"training on (\d+) workers", progress.read_text() if progress.is_file() else "")


def await_ranks(progress: Path, process: "subprocess.Popen[str]", ranks: int) -> None:
    """Returns when so many workers train."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while ranks_of(progress)[-1:] != [str(ranks)]:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.1)


def await_step(progress: Path, process: "subprocess.Popen[str]", step: float = DISTURBED_AT) -> None:
    """Returns in the middle of the stage."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not any(found >= step for _, found in steps(progress)):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.1)


def steps(progress: Path) -> list[tuple[float, float]]:
    """(when, step) of each line about one."""
    lines = progress.read_text().splitlines() if progress.is_file() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return [(row["at"], row["done"]) for row in rows if "done" in row]


def working(proof: Proof) -> int:
    """A node on which a worker trains."""
    for number in proof.nodes.running:
        if workers_on(proof, number):
            return number
    raise AssertionError(f"none of the nodes {list(proof.nodes.running)} has a worker of Ray Train")


def workers_on(proof: Proof, number: int) -> list[int]:
    """The processes of Ray Train's workers on the node."""
    pids = proof.network.pids(number)
    return [pid for pid in pids if b"RayTrainWorker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def compare(proof: Proof, what: str, found: Workspace, expected: Workspace, stage: str) -> None:
    hashes = weights(found, stage), weights(expected, stage)
    proof.say(what, hashes[0] == hashes[1], " and ".join(sorted({value[:16] for value in hashes})))


def weights(workspace: Workspace, stage: str) -> str:
    return hashlib.sha256((workspace.checkpoints / stage / "model.safetensors").read_bytes()).hexdigest()
