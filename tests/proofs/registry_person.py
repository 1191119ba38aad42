"""A person of the proof `registry`: a process that lives long, looks, promotes, approves and rolls back, and keeps what it
was told. `python -m tests.proofs.registry_person WORKSPACE WHO SEED CALLS LOG`."""

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.assembly.benchmark.exam import NONE
from components.registry import gate
from components.registry.catalogue import resolve
from components.registry.decisions import Decision
from components.registry.people import approve, promote, rollback
from components.registry.promotion import decide
from components.registry.versions import models, register
from components.storage.workspace import Workspace
from flows.environment import enter
from tests.fixtures.registry_workspace import run

LOOKS, JUDGES = 0.7, 0.5
"""How often a person looks at `models` before deciding, and how often a flow judges what is then to be approved."""
PAUSE_SECONDS, PAUSES = 1.5, 12
"""A person pauses for up to so many times as long as the last decision took, so that not all find the lease held."""
CALLS = ("promote", "promote", "approve", "rollback")


def at_work(root: Path) -> Workspace:
    """The workspace, entered; its stages make no exam: what a version scored there is what its evaluation says."""
    workspace = Workspace(root)
    enter(workspace)
    gate.freeze_exam = lambda *_: NONE
    gate.exam_scores = lambda workspace, *_, why: workspace.evaluation / "scores"
    return workspace


def make_versions(root: Path, names: list[str]) -> None:
    """Register a version of each of these weights, and let the gate judge the first."""
    workspace = at_work(root)
    for name in names:
        (workspace.root / "weights.txt").write_text(name)
        run(workspace)
        version = register(workspace)
        if name == names[0]:
            decide(workspace, version, "gate")


def keep_deciding(root: Path, who: str, seed: int, calls: int, log: Path) -> None:
    workspace, chance, took = at_work(root), random.Random(seed), 0.0
    with log.open("w") as out:
        for number in range(calls):
            time.sleep(chance.random() * max(PAUSE_SECONDS, PAUSES * took))
            names = [str(row["version"]) for row in models(workspace)] if chance.random() < LOOKS else []
            version = chance.choice(names or ["1", "2", "3"])
            kind = chance.choice(CALLS)
            if kind == "approve" and chance.random() < JUDGES:
                version = str(register(workspace).number)  # what the workspace holds; another's is not for it to judge
                _call(out, "judge", who, lambda v=version: decide(workspace, resolve(workspace, v), "approve"))
            why = f"call {number} of {who}"
            deciding: dict[str, Callable[[], Decision]] = {
                "promote": lambda v=version, why=why: promote(workspace, v, who=who, why=why),
                "approve": lambda v=version, why=why: approve(workspace, v, who=who, why=why),
                "rollback": lambda why=why: rollback(workspace, who=who, why=why),
            }
            took = _call(out, kind, who, deciding[kind]) or took


def _call(out: Any, kind: str, who: str, work: Callable[[], Decision]) -> float:
    """Do it and write down what came of it: one line a call. Returns how many seconds a decision took, 0 for none."""
    said: dict[str, Any] = {"call": kind, "who": who, "began": time.time()}
    try:
        decision = work()
        said |= {"sequence": decision.sequence, "hash": decision.hash}
    except Exception as error:
        said |= {"error": type(error).__name__, "message": str(error)}
    said["ended"] = time.time()
    out.write(json.dumps(said) + "\n")
    out.flush()
    return said["ended"] - said["began"] if "hash" in said else 0.0


if __name__ == "__main__":
    if sys.argv[2] == "versions":
        make_versions(Path(sys.argv[1]), sys.argv[3:])
    else:
        keep_deciding(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
