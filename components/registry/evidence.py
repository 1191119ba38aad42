"""What a finished run in a workspace consists of: hashes of weights, data, evaluation, code, and where it was made."""

import os
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from components.recipes.recipe import Recipe
from components.storage.dvc_repository import read_lock
from components.storage.keys import digest
from components.storage.processor import processor_name
from components.storage.workspace import Workspace

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
GIT_SECONDS = 60
CODE_PATHS = ("components", "flows", "model", "pyproject.toml", "requirements.lock")


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """The present state of a workspace whose graph is up to date."""

    checkpoint: Path
    checkpoint_md5: str
    """DVC's hash of the checkpoint folder; ends in `.dir`."""
    dataset_md5: str
    evaluation_md5: str
    gate_sha256: str
    """Hash of the gate's settings: a changed rule judges again."""

    @property
    def key(self) -> str:
        """What is judged: weights, data, evaluation and the rule, in one word. Needs no byte of the weights."""
        return digest([self.checkpoint_md5, self.dataset_md5, self.evaluation_md5, self.gate_sha256])[:32]


def read_evidence(workspace: Workspace, recipe: Recipe) -> Evidence:
    """The evidence that dvc.lock names; raises ValueError that names what has not been made yet."""
    outs = {out["path"]: out.get("md5", "") for entry in read_lock(workspace).values() for out in entry.get("outs", [])}
    wanted = {
        "weights": f"checkpoints/{recipe.final_stage}",
        "data set": "data/unimed",
        "evaluation": "evaluation/evaluation.json",
    }
    missing = [f"{what} ({path})" for what, path in wanted.items() if not outs.get(path)]
    if missing:
        raise ValueError(f"nothing to register: dvc.lock has no {', no '.join(missing)}; run `unimed retrain` first")
    return Evidence(
        checkpoint=workspace.checkpoints / recipe.final_stage,
        checkpoint_md5=outs[wanted["weights"]],
        dataset_md5=outs[wanted["data set"]],
        evaluation_md5=outs[wanted["evaluation"]],
        gate_sha256=digest(repr(recipe.gate)),
    )


def lock_sha256(workspace: Workspace) -> str:
    """Hash of what dvc.lock says, whatever the order in which stages ended."""
    return digest(read_lock(workspace))


def code_origin() -> dict[str, str]:
    """Commit of the code and whether code files differ from it; `none` where the code is not in git."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {"commit": "none", "dirty": "unknown"}
    changed = _git("status", "--porcelain", "--", *CODE_PATHS)
    return {"commit": commit, "dirty": "unknown" if changed is None else "yes" if changed else "no"}


def processor() -> dict[str, str]:
    """Processor model, vector level and torch build: other floats on other ones."""
    level = os.environ.get("ATEN_CPU_CAPABILITY", "avx2")
    return {"processor": f"{processor_name()}, {level}", "torch": installed("torch")}


def installed(package: str) -> str:
    """The installed version of a package, or `absent`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _git(*arguments: str) -> str | None:
    """What git says; None where it cannot say, or not in time (a disk that hangs)."""
    if not any((folder / ".git").exists() for folder in (PACKAGE_ROOT, *PACKAGE_ROOT.parents)):
        return None
    command = ["git", *arguments]
    try:
        answer = subprocess.run(
            command, cwd=PACKAGE_ROOT, capture_output=True, text=True, check=False, timeout=GIT_SECONDS
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
