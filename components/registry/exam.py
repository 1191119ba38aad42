"""A version's scores on the frozen exam, through the one door for both sides, and what it was taught."""

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from components.assembly.benchmark.exam import Exam
from components.assembly.selection.started import start_patients
from components.evaluation.checkpoint import STAGE as ON_VALIDATION
from components.evaluation.checkpoint import validation_folder
from components.evaluation.exam import STAGE, scores_folder
from components.evaluation.scores import FILE
from components.recipes.recipe import Recipe
from components.recipes.training import TRAIN
from components.records.vocabulary import WITHIN, Bin, Split
from components.registry.catalogue import Version, checkpoint_of, read_record_file, record_folder
from components.registry.openings import environment
from components.registry.patients import decision_files
from components.registry.started import begun_with, known_start
from components.registry.tracking import Tracking
from components.sources.former_keys import FormerKeys
from components.storage.dvc import INTERRUPTED, StageFailed, StageInterrupted
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
    command = [sys.executable, "-P", "-m", "components.stage", stage, checkpoint.name]
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


def trained_patients(workspace: Workspace, tracking: Tracking, version: Version) -> frozenset[str] | None:
    """Keys, as they are now, of the patients whose records the version or its start was trained on; None where nobody
    knows: its weights were imported, its start is not here, or its data set is not in the local DVC cache."""
    begun = begun_with(tracking, version)
    start = known_start(workspace, begun)
    files = decision_files(workspace, record_folder(tracking, version) / "dvc.lock")
    if not files or (start is None and begun.source != TRAIN):
        return None
    wanted = [("bin", "=", Bin.KEPT.value), ("split", "=", Split.TRAIN.value)]
    keys = {
        key for path in files for key in pq.read_table(path, columns=["patient_key"], filters=wanted)[0].to_pylist()
    }
    former = FormerKeys.read(workspace.patients)
    before = start_patients(start, former) if start else ()
    return frozenset({*(former.now(key) for key in keys), *before})


def unfair_items(exam: Exam, challenger: Collection[str] | None, champion: Collection[str] | None) -> dict[str, str]:
    """Item id -> why neither side is judged on it: one of them was trained on its patient. Items within a subject, whose
    other slices train by intention, are not among them."""
    sides = {"the challenger": challenger or (), "the champion": champion or ()}
    found: dict[str, str] = {}
    for item in exam.items:
        if item.split not in WITHIN:
            who = [side for side, keys in sides.items() if item.patient_key in keys]
            if who:
                found[item.item_id] = f"its patient trained {' and '.join(who)}"
    return found
