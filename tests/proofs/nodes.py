"""`make prove ONLY=nodes`: nodes that share no disk, in network and mount namespaces of their own, an S3 server between them.

A recipe is retrained on two workers, undisturbed and with a node killed in the middle; then one stage of it with a node cut off
in silence, with the bucket away for a minute, with an object damaged and with a node's disk full. Weights must be the
undisturbed run's, byte for byte. ARGS="cut bucket" chooses.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.storage.dvc_objects import object_name, recorded_tree
from components.storage.object_store import ObjectStore
from components.storage.workspace import Workspace
from components.training.state_folders import forget_states
from tests.fixtures.micro import UNIMED, make_workspace
from tests.fixtures.nodes import Network, Nodes, can_unshare, cluster
from tests.fixtures.seaweed import WEED, server
from tests.proofs.outcome import FAILED, NOT_TRIED, PASSED

DVC = (sys.executable, "-m", "dvc")
AGAIN = (*DVC, "repro", "--force", "--single-item", "train@foundation")
DVC_FAILED = 255
BUCKET = "store"
STAGE = "foundation"
STEPS, LATER = 60, 4
DISTURBED_AT = 20
KILL_SECONDS, CUT_SECONDS, AWAY_SECONDS = 60.0, 150.0, 60.0
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

    def workspace(self, name: str) -> Workspace:
        """A fresh one whose remote is the store."""
        steps = {f"curriculum__{stage}__steps": LATER for stage in ("instruction", "unified")}
        made = make_workspace(self.folder / name, compute__workers=2, **steps, **{f"curriculum__{STAGE}__steps": STEPS})
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

    def begin(self, workspace: Workspace, *command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            cwd=workspace.root,
            env=self.environment(workspace),
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


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("which", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    chosen = parser.parse_args(arguments)
    if os.getuid() or not can_unshare() or not shutil.which("ip") or not WEED.exists():
        print("not tried: it takes root, namespaces (ip, unshare), and weed, the S3 server")
        return NOT_TRIED
    with (
        tempfile.TemporaryDirectory(prefix="unimed-nodes-", ignore_cleanup_errors=True) as temporary,
        Network(3) as network,
        server(BUCKET, network.address(0)) as store,
        cluster(store, network) as nodes,
    ):
        os.environ.update(store)  # what forgets states forgets those in the bucket too
        proof = Proof(Path(temporary), nodes, network, dict(store))
        begun = time.monotonic()
        for number in (1, 2):
            nodes.start(number)
        print(f"head and two nodes up in {time.monotonic() - begun:.0f} s", flush=True)
        workspace = proof.workspace("undisturbed")
        begun = time.monotonic()
        proof.run(workspace, UNIMED, "retrain")
        print(f"retrained on two nodes in {time.monotonic() - begun:.0f} s", flush=True)
        for name in chosen.which:
            print(f"-- {name}", flush=True)
            PARTS[name](proof, workspace)
        print(f"{proof.failures} goals missed")
    return FAILED if proof.failures else PASSED


def kill(proof: Proof, undisturbed: Workspace) -> None:
    """A node dies in the middle of a retraining; a third one is there, and the first comes back empty."""
    proof.nodes.start(3)
    workspace = proof.workspace("killed")
    lost: list[int] = []

    def kill_one_that_works() -> None:
        lost.append(working(proof))
        proof.nodes.kill(lost[0])

    took = disturbed(proof, workspace, kill_one_that_works, UNIMED, "retrain")
    proof.say("next step after a kill", took <= KILL_SECONDS, f"{took:.0f} s (goal {KILL_SECONDS:.0f})")
    for stage in (STAGE, "unified"):
        compare(proof, f"weights of {stage} after a kill", workspace, undisturbed, stage)
    proof.nodes.start(lost[0])


def cut(proof: Proof, undisturbed: Workspace) -> None:
    """A node's link dies without a word."""
    if proof.nodes.count() < 4:
        proof.nodes.start(3)
    before = weights(undisturbed, STAGE)
    lost: list[int] = []

    def cut_one_that_works() -> None:
        lost.append(working(proof))
        proof.network.cut(lost[0])

    took = disturbed(proof, undisturbed, cut_one_that_works, *AGAIN)
    proof.say("next step after a silent cut", took <= CUT_SECONDS, f"{took:.0f} s (goal {CUT_SECONDS:.0f})")
    proof.say("weights after a silent cut", weights(undisturbed, STAGE) == before, before[:16])
    proof.network.mend(lost[0])
    proof.nodes.kill(lost[0])
    proof.nodes.start(lost[0])


def bucket(proof: Proof, undisturbed: Workspace) -> None:
    """The store answers nobody for a minute."""
    before, process = weights(undisturbed, STAGE), int(proof.store["SEAWEED_PID"])

    def stop() -> None:
        os.killpg(process, signal.SIGSTOP)
        time.sleep(AWAY_SECONDS)
        os.killpg(process, signal.SIGCONT)

    disturbed(proof, undisturbed, stop, *AGAIN)
    proof.say("bucket away for a minute", weights(undisturbed, STAGE) == before, "goes on, the same weights")


def damage(proof: Proof, undisturbed: Workspace) -> None:
    """An object of the parent's weights has other bytes, and no node has the right ones."""
    entry = max(recorded_tree(undisturbed, undisturbed.checkpoints / "start").entries, key=lambda entry: entry.size)
    name = object_name(entry.md5)
    right = proof.remote.read(name)
    assert right is not None
    proof.remote.write(name, bytes(entry.size))
    refused(
        proof,
        undisturbed,
        f"{name} ({entry.name}) is damaged",
        lambda: proof.remote.write(name, right),
        "an object damaged",
    )


def full(proof: Proof, undisturbed: Workspace) -> None:
    """The disk of the nodes' cache has no room for the data."""
    refused(proof, undisturbed, "has no room for", lambda: None, "a cache's disk is full", cache_disk="1m")


def refused(
    proof: Proof, workspace: Workspace, words: str, mend: Callable[[], object], what: str, *, cache_disk: str = "1g"
) -> None:
    """On fresh nodes the stage fails with these words and leaves nothing half-written; mended, it goes well."""
    before = weights(workspace, STAGE)
    fresh_nodes(proof, cache_disk)
    forget_states(workspace, [STAGE])
    proof.run(workspace, *AGAIN, expect=DVC_FAILED)
    said = (workspace.progress / f"train-{STAGE}.jsonl").read_text()
    proof.say(what, words in said and not (workspace.checkpoints / STAGE).exists(), said.strip().splitlines()[-1][:400])
    mend()
    fresh_nodes(proof, "1g")
    proof.run(workspace, *AGAIN)
    proof.say(f"{what}, then mended", weights(workspace, STAGE) == before, "the same weights")


def fresh_nodes(proof: Proof, cache_disk: str) -> None:
    """Two nodes that have fetched nothing."""
    for number in list(proof.nodes.running):
        proof.nodes.kill(number)
    for number in (1, 2):
        proof.nodes.start(number, cache_disk=cache_disk)


def disturbed(proof: Proof, workspace: Workspace, does: Callable[[], None], *command: str) -> float:
    """Runs the command, disturbs it in the middle of the stage; seconds from the last step before to the next new one."""
    forget_states(workspace, [STAGE])
    progress = workspace.progress / f"train-{STAGE}.jsonl"
    progress.unlink(missing_ok=True)
    with proof.begin(workspace, *command) as process:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not any(step >= DISTURBED_AT for _, step in steps(progress)):
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
            time.sleep(0.1)
        reached = time.time()
        does()
        said = process.communicate(timeout=LIMIT_SECONDS)[0]
        assert process.returncode == 0, said
    told = steps(progress)
    last, furthest = max((row for row in told if row[0] <= reached + 2), key=lambda row: row[0])
    # What is trained again counts too: the workers are back.
    after = [(at, step) for at, step in told if at > reached + 2]
    print(f"disturbed at step {furthest:.0f}, next step {after[0][1]:.0f}, of {STEPS}", flush=True)
    return after[0][0] - last


def steps(progress: Path) -> list[tuple[float, float]]:
    """(when, step) of each line about one."""
    lines = progress.read_text().splitlines() if progress.is_file() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return [(row["at"], row["done"]) for row in rows if "done" in row]


def working(proof: Proof) -> int:
    """A node on which a worker trains."""
    for number in proof.nodes.running:
        names = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in proof.network.pids(number)]
        if any(b"RayTrainWorker" in name for name in names):
            return number
    raise AssertionError(f"none of the nodes {list(proof.nodes.running)} has a worker of Ray Train")


def compare(proof: Proof, what: str, found: Workspace, expected: Workspace, stage: str) -> None:
    hashes = weights(found, stage), weights(expected, stage)
    proof.say(what, hashes[0] == hashes[1], " and ".join(sorted({value[:16] for value in hashes})))


def weights(workspace: Workspace, stage: str) -> str:
    return hashlib.sha256((workspace.checkpoints / stage / "model.safetensors").read_bytes()).hexdigest()


PARTS: dict[str, Callable[[Proof, Workspace], None]] = {
    "kill": kill,
    "cut": cut,
    "bucket": bucket,
    "damage": damage,
    "full": full,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
