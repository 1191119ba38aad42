"""The gate's word on a challenger: its evaluation laid beside the champion's, and what the rules say of both."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from components.assembly.dataset import Dataset
from components.evaluation.champion import STAGE, scores_folder
from components.evaluation.decision_table import decision_table
from components.evaluation.predictions import FILE
from components.recipes.recipe import Recipe
from components.registry.catalogue import Version, checkpoint_of
from components.registry.decision_page.worst import Side, worst_items
from components.registry.judgement import keep_judgement
from components.registry.tracking import Tracking
from components.registry.verdict import Facts, Verdict, incomparable, verdict
from components.storage.dvc import INTERRUPTED, StageFailed, StageInterrupted
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace


def judge(
    workspace: Workspace, recipe: Recipe, tracking: Tracking, challenger: Version, champion: Version | None
) -> Verdict:
    """The verdict about the workspace's present evaluation, which the challenger was registered with.

    Predicts with the champion on the challenger's benchmark where that is not cached, and keeps what was judged. Raises
    StageInterrupted when it was asked to stop meanwhile, StageFailed when it was killed.
    """
    made = file_sha256(workspace.evaluation / "evaluation.json")
    if made != challenger.evaluation_sha256:
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
    facts = Facts()
    found = verdict(table, recipe.gate, facts)
    keep_judgement(
        workspace,
        version=challenger.number,
        champion=champion.number if champion else None,
        table=table,
        facts=facts,
        verdict=found,
        worst=_worst(workspace, theirs),
    )
    return found


def _worst(workspace: Workspace, theirs: Path | None) -> list[dict[str, Any]]:
    """The items that went worst; none where the predictions are not here."""
    ours = Side(workspace.evaluation / "scores", workspace.evaluation / "predictions")
    champion = Side(theirs, theirs.with_name("predictions")) if theirs else None
    if not all((side.predictions / FILE).is_file() for side in (ours, champion) if side):
        return []
    data = Dataset(workspace.dataset)
    items = {item.item_id: item for item in data.benchmark()}
    return worst_items(ours, champion, items, lent=data.manifest.get("lent", ()))


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
