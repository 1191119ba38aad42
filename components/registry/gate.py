"""The gate's word on a challenger: its evaluation laid beside the champion's, and what the rules say of both."""

import subprocess
import sys
from pathlib import Path

from components.evaluation.champion import STAGE, scores_folder
from components.evaluation.decision_table import Table, decision_table
from components.recipes.recipe import Recipe
from components.registry.catalogue import Version, checkpoint_of
from components.registry.tracking import Tracking
from components.registry.verdict import Facts, Verdict, incomparable, verdict
from components.storage.atomic import read_object, write_json
from components.storage.dvc import INTERRUPTED, StageFailed, StageInterrupted
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace


def judge(
    workspace: Workspace, recipe: Recipe, tracking: Tracking, challenger: Version, champion: Version | None
) -> Verdict:
    """The verdict about the workspace's present evaluation, which the challenger was registered with.

    Predicts with the champion on the challenger's benchmark where that is not cached, and keeps the table. Raises
    StageInterrupted when it was asked to stop meanwhile, StageFailed when it was killed.
    """
    found = file_sha256(workspace.evaluation / "evaluation.json")
    if found != challenger.evaluation_sha256:
        raise ValueError(
            f"version {challenger.number} was registered with another evaluation than the workspace holds now; "
            "`unimed retrain` brings both together"
        )
    theirs = None
    try:
        if champion is not None:
            theirs = champion_scores(workspace, recipe, tracking, champion)
        table = decision_table(
            workspace.evaluation / "scores",
            theirs,
            cluster=recipe.gate.cluster,
            demonstrative=recipe.gate.demonstrative,
        )
    except StageFailed:
        raise
    except ValueError as error:
        if champion is None:
            raise
        reason = f"champion {champion.number} cannot be compared with today's code: {str(error).splitlines()[-1]}"
        return incomparable(recipe.gate, reason)
    write_json(table_file(workspace, challenger.number), table.to_json())
    return verdict(table, recipe.gate, Facts())


def table_file(workspace: Workspace, version: int) -> Path:
    """Where the table lies that a version was judged on last."""
    return workspace.private / "decisions" / f"{version}.json"


def stored_table(workspace: Workspace, version: int) -> Table:
    """The table that a version was judged on last; raises ValueError where there is none."""
    path = table_file(workspace, version)
    if not path.is_file():
        raise ValueError(f"version {version} has no decision table here; `unimed retrain` judges and keeps it")
    return Table.from_json(read_object(path))


def champion_scores(workspace: Workspace, recipe: Recipe, tracking: Tracking, champion: Version) -> Path:
    """The folder with the champion's scores on the present benchmark, made by `components.stage` if need be.

    Raises ValueError with the stage's last words when today's code cannot do it.
    """
    weights = champion.weights_sha256
    scores = scores_folder(workspace, recipe, weights)
    if not scores.is_dir():
        checkpoint = checkpoint_of(workspace, tracking, champion)
        command = [sys.executable, "-P", "-m", "components.stage", STAGE, checkpoint.name]
        done = subprocess.run(command, cwd=workspace.root, capture_output=True, text=True, check=False)
        if done.returncode == INTERRUPTED:
            raise StageInterrupted(STAGE)
        if done.returncode < 0:
            # Killed, not refused: an accident is no verdict, the same command tries again.
            raise StageFailed(STAGE, done.returncode, f"killed by signal {-done.returncode}", [])
        if done.returncode != 0 or not scores.is_dir():
            log = workspace.logs / f"{STAGE}-{checkpoint.name}.log"
            words = (log.read_text() if log.is_file() else done.stderr).strip().splitlines()
            raise ValueError("\n".join(words[-5:]) or f"{STAGE} left with {done.returncode}")
    return scores
