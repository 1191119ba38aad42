"""A version's scores on the frozen exam, through the one door for both sides, and what it was taught."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from components.evaluation.checkpoint import STAGE as ON_VALIDATION
from components.evaluation.checkpoint import validation_folder
from components.evaluation.exam import STAGE, scores_folder
from components.evaluation.scores import FILE
from components.recipes.recipe import Recipe
from components.registry.catalogue import Version, checkpoint_of, read_record_file
from components.registry.openings import environment
from components.registry.tracking import Tracking
from components.storage.dvc import INTERRUPTED, StageFailed, StageInterrupted
from components.storage.progress import progress_file
from components.storage.spans import take_over
from components.storage.workspace import Workspace

CANNOT_PREDICT = 3
"""Exit code of the stage: a fact about checkpoint and code."""
WHO = "gate"
LONGEST_SECONDS = 48 * 3600
"""A prediction that takes longer hangs; the published size on one accelerator stays far below."""


class Incomparable(ValueError):
    """Today's code cannot load a version's checkpoint or predict with it."""


def exam_scores(workspace: Workspace, recipe: Recipe, tracking: Tracking, version: Version, *, why: str) -> Path:
    """The folder with the version's scores on the newest exam and its costs, made by `components.stage` if need be.

    Raises Incomparable where today's code cannot do it, StageFailed after an accident, StageInterrupted when it was asked
    to stop.
    """
    scores = scores_folder(workspace, recipe, version.weights_sha256)
    if not (scores / FILE).is_file():
        _through_the_door(workspace, STAGE, checkpoint_of(workspace, tracking, version), scores, environment(WHO, why))
    return scores


def validation_scores(workspace: Workspace, recipe: Recipe, tracking: Tracking, version: Version) -> Path:
    """The folder with the version's scores and evaluation.json on the present validation side; raises as exam_scores."""
    scores = validation_folder(workspace, recipe, version.weights_sha256)
    if not (scores / FILE).is_file():
        _through_the_door(workspace, ON_VALIDATION, checkpoint_of(workspace, tracking, version), scores, os.environ)
    return scores


def _through_the_door(
    workspace: Workspace, stage: str, checkpoint: Path, scores: Path, carried: Mapping[str, str]
) -> None:
    """Predict and score the checkpoint in a process of its own, as every stage runs."""
    command, begun = [sys.executable, "-P", "-m", "components.stage", stage, checkpoint.name], time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=workspace.root,
            env=dict(carried),
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        said = f"took more than {LONGEST_SECONDS / 3600:.0f} hours and was ended"
        raise StageFailed(f"{stage}@{checkpoint.name}", None, said, []) from None
    take_over(progress_file(workspace.progress, f"{stage}@{checkpoint.name}"), begun)
    if done.returncode == INTERRUPTED:
        raise StageInterrupted(stage)
    log = workspace.logs / f"{stage}-{checkpoint.name}.log"
    words = (log.read_text() if log.is_file() else done.stderr).strip().splitlines()
    if done.returncode == CANNOT_PREDICT:
        raise Incomparable(words[-1] if words else f"{stage} left with {done.returncode}")
    if done.returncode != 0 or not (scores / FILE).is_file():
        killed = f"killed by signal {-done.returncode}" if done.returncode < 0 else f"left with {done.returncode}"
        raise StageFailed(f"{stage}@{checkpoint.name}", done.returncode, killed, words[-5:])


def taught(tracking: Tracking, version: Version) -> dict[str, frozenset[str]] | None:
    """sources, modalities, classes -> what the version's training showed; None for one of a release that did not say."""
    stored = read_record_file(tracking, version, "manifest.json").get("taught")
    return {kind: frozenset(names) for kind, names in stored.items()} if stored else None
