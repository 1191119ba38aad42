"""`make prove ONLY=nodes`: nodes that share no disk, in network and mount namespaces of their own, an S3 server between them.

A recipe is retrained on two workers, undisturbed and with a node killed in the middle; then one stage of it with a node cut off
in silence, with the bucket away for a minute, slow or full, with an object damaged, with a node's disk full, with the head lost.
Weights must be the undisturbed run's, byte for byte; where the number of workers changes, losses and norms nearly so.
ARGS="cut bucket" chooses.
"""

import argparse
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from components.storage.dvc_objects import object_name, recorded_tree
from components.storage.workspace import Workspace
from components.training.state_folders import forget_states
from tests.fixtures.disks import fill
from tests.fixtures.micro import UNIMED
from tests.fixtures.nodes import Network, can_unshare, cluster
from tests.fixtures.seaweed import WEED, server
from tests.proofs.nodes_bench import (
    AGAIN,
    BUCKET,
    FOUNDATION,
    LIMIT_SECONDS,
    STAGE,
    Proof,
    await_ranks,
    await_step,
    compare,
    disturbed,
    fresh_nodes,
    ranks_of,
    under_way,
    weights,
    workers_on,
    working,
)
from tests.proofs.outcome import FAILED, NOT_TRIED, PASSED

DVC_FAILED = 255
KILL_SECONDS, CUT_SECONDS, AWAY_SECONDS = 60.0, 150.0, 60.0
HEAD_SECONDS = 120.0
SLOW_BYTES = 10**6
ELASTIC_STEPS, ELASTIC_NEAR = 400, 1e-5
MEASURED = ("text_loss", "image_loss", "grad_norm")
"""Of a loss row; six digits are kept of each."""
STORE_DISK, SEAWEED_LOOKS_SECONDS = "1g", 90.0
"""The store looks once a minute whether its disk has room."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("which", nargs="*", choices=[*PARTS, []], default=[])
    chosen = parser.parse_args(arguments).which or list(PARTS)
    if os.getuid() or not can_unshare() or not shutil.which("ip") or not WEED.exists():
        print("not tried: it takes root, namespaces (ip, unshare), and weed, the S3 server")
        return NOT_TRIED
    with (
        tempfile.TemporaryDirectory(prefix="unimed-nodes-", ignore_cleanup_errors=True) as temporary,
        Network(4) as network,
        server(BUCKET, network.address(0), STORE_DISK) as store,
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
        proof.run(workspace, *((UNIMED, "retrain") if "kill" in chosen else FOUNDATION))
        print(f"trained on two nodes in {time.monotonic() - begun:.0f} s", flush=True)
        for name in chosen:
            print(f"-- {name}", flush=True)
            try:
                PARTS[name](proof, workspace)
            except AssertionError as error:  # the next part begins on fresh nodes, and may tell more
                proof.say(name, held=False, told=str(error)[-3000:])
                fresh_nodes(proof, "1g")
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


def slow_bucket(proof: Proof, undisturbed: Workspace) -> None:
    """A megabyte a second to each node and from it, from before it fetches anything to the end."""
    before = weights(undisturbed, STAGE)
    fresh_nodes(proof, "1g")
    forget_states(undisturbed, [STAGE])
    for number in proof.nodes.running:
        proof.network.slow(number, SLOW_BYTES)
    begun = time.monotonic()
    try:
        proof.run(undisturbed, *AGAIN)
    finally:
        for number in proof.nodes.running:
            proof.network.quick(number)
    took = time.monotonic() - begun
    told = f"the same weights after {took:.0f} s"
    proof.say("a bucket of a megabyte a second", weights(undisturbed, STAGE) == before, told)


def full_bucket(proof: Proof, undisturbed: Workspace) -> None:
    """The store's disk is full in the middle of the stage, and later has room again."""
    before = weights(undisturbed, STAGE)
    with under_way(proof, undisturbed, *AGAIN) as (process, progress):
        ballast, begun = fill(Path(proof.store["SEAWEED_DATA"])), time.monotonic()
        process.communicate(timeout=LIMIT_SECONDS)
    took, said = time.monotonic() - begun, progress.read_text().strip().splitlines()[-1]
    ballast.unlink()
    clear = process.returncode == DVC_FAILED and "does not do what is asked" in said
    whole = not (undisturbed.checkpoints / STAGE).exists()
    proof.say("a full bucket", clear and whole, f"the stage ends after {took:.0f} s: {said[:500]}")
    time.sleep(SEAWEED_LOOKS_SECONDS)
    proof.run(undisturbed, *AGAIN)
    proof.say("a full bucket, then room", weights(undisturbed, STAGE) == before, "the same weights")


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


def elastic(proof: Proof, undisturbed: Workspace) -> None:
    """Two workers of at most four, then one, two and four, as nodes go and come."""
    numbers = {"training__sequences_per_step": 4, "training__sequences_per_forward": 1, "training__save_every": 10}
    fresh_nodes(proof, "1g")
    steady = proof.workspace("steady", **numbers, **{f"curriculum__{STAGE}__steps": ELASTIC_STEPS})
    proof.run(steady, *FOUNDATION)
    fresh_nodes(proof, "1g")
    numbers |= {"compute__workers": 4, "compute__missing_workers": 3}
    changing = proof.workspace("changing", **numbers, **{f"curriculum__{STAGE}__steps": ELASTIC_STEPS})
    progress = changing.progress / f"train-{STAGE}.jsonl"

    with proof.begin(changing, *FOUNDATION) as process:
        await_step(progress, process)
        proof.nodes.kill(2)
        await_ranks(progress, process, 1)
        proof.nodes.start(2)
        await_ranks(progress, process, 2)
        with ThreadPoolExecutor() as pool:
            list(pool.map(proof.nodes.start, (3, 4)))
        said = process.communicate(timeout=LIMIT_SECONDS)[0]
        assert process.returncode == 0, said
    changes = " -> ".join(ranks_of(progress))
    proof.say("elastic", changes == "2 -> 1 -> 2 -> 4", f"workers {changes}")
    rows = [json.loads((each.losses / f"{STAGE}.json").read_text()) for each in (changing, steady)]
    exact = [[{k: v for k, v in row.items() if k not in MEASURED} for row in one] for one in rows]
    apart = max(abs(a[k] - b[k]) / max(abs(b[k]), 1e-6) for a, b in zip(*rows, strict=True) for k in MEASURED)
    proof.say("elastic", exact[0] == exact[1], f"tokens, fill and passes through each source of {len(exact[0])} rows")
    proof.say("elastic", apart <= ELASTIC_NEAR, f"losses and norms within {apart:.1e} (goal {ELASTIC_NEAR:.0e})")
    for number in (3, 4):
        proof.nodes.kill(number)


def hang(proof: Proof, undisturbed: Workspace) -> None:
    """A worker stands still, and holds all others up."""
    before = weights(undisturbed, STAGE)
    fresh_nodes(proof, "1g")

    def stop_one() -> None:
        os.kill(workers_on(proof, working(proof))[0], signal.SIGSTOP)

    took = disturbed(proof, undisturbed, stop_one, *AGAIN)
    told = (undisturbed.progress / f"train-{STAGE}.jsonl").read_text()
    named = re.search(r"rank \d on [^:]+ says nothing any more, last seen at [^;]*?step \d+: no step for \d+ s", told)
    proof.say("a rank that hangs", bool(named), f"{named[0] if named else told[-600:]}; next step after {took:.0f} s")
    proof.say("a rank that hangs", weights(undisturbed, STAGE) == before, "the same weights")


def head(proof: Proof, undisturbed: Workspace) -> None:
    """The head is lost, with all that ran beside it but the stage; later a fresh one is there, at the same address."""
    before = weights(undisturbed, STAGE)
    with under_way(proof, undisturbed, *AGAIN) as (process, progress):
        begun = time.monotonic()
        proof.nodes.kill_head()
        said = process.communicate(timeout=LIMIT_SECONDS)[0]
    took = time.monotonic() - begun
    left = (undisturbed.checkpoints / STAGE).exists()
    proof.say("the head lost", took <= HEAD_SECONDS, f"the stage ends after {took:.0f} s (goal {HEAD_SECONDS:.0f})")
    proof.say("the head lost", "exited with 75" in said and not left, said.strip().splitlines()[-1][:300])
    for number in list(proof.nodes.running):
        proof.nodes.kill(number)
    proof.nodes.start_head()
    fresh_nodes(proof, "1g")
    proof.run(undisturbed, *AGAIN)
    told = progress.read_text()
    proof.say("the head back", "going on after step" in told, told[told.find("going on") :].split('"')[0])
    proof.say("the head back", weights(undisturbed, STAGE) == before, "the same weights")


def own_head(proof: Proof, undisturbed: Workspace) -> None:
    """The stage has a cluster of its own, and its head is lost: the stage begins anew by itself."""
    before = weights(undisturbed, STAGE)
    environment = {k: v for k, v in proof.environment(undisturbed).items() if not k.startswith("RAY_")}

    def lose() -> None:
        ours = psutil.Process().children(recursive=True)
        (gcs,) = [one for one in ours if one.name() == "gcs_server" and "RAY_ADDRESS" not in one.environ()]
        gcs.kill()

    took = disturbed(proof, undisturbed, lose, *AGAIN, environment=environment)
    told = (undisturbed.progress / f"train-{STAGE}.jsonl").read_text()
    proof.say(
        "an own head lost", "begun anew" in told, f"the stage begins anew by itself, next step after {took:.0f} s"
    )
    proof.say("an own head lost", weights(undisturbed, STAGE) == before, "the same weights")


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


PARTS: dict[str, Callable[[Proof, Workspace], None]] = {
    "kill": kill,
    "cut": cut,
    "bucket": bucket,
    "slow_bucket": slow_bucket,
    "full_bucket": full_bucket,
    "damage": damage,
    "full": full,
    "elastic": elastic,
    "hang": hang,
    "head": head,
    "own_head": own_head,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
