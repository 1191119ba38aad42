"""`make prove ONLY=noise`: a trained model whose drawing expert is replaced by noise is refused for what it draws.

Its answers stay what they were, to the letter, so that nothing else can be what refuses it. Both sides are predicted on
the frozen exam through the gate's own door, and judged by the recipe's own rules.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from components.assembly.benchmark.freezing import freeze_exam
from components.context import StageContext
from components.evaluation.decision_table import decision_table
from components.evaluation.exam import predict_exam, scores_folder
from components.recipes.recipe import Recipe, read_recipe
from components.registry.verdict import Facts, verdict
from components.storage.file_hashes import checkpoint_sha256
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from tests.fixtures.micro import run_unimed
from tests.proofs.outcome import FAILED, PASSED

WEIGHTS, DRAWING_EXPERT = "ema.safetensors", "moe_gen"
READ = ("data/unimed", "evaluation/judge", "code.json", "params.yaml")
"""What the gate reads of a finished workspace."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, help="a finished one, which is only read; without it one is made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unimed-noise-") as folder:
        trained = Workspace((arguments.workspace or Path(folder) / "trained").absolute())
        if not arguments.workspace:
            run_unimed("init", str(trained.root))
            run_unimed("retrain", cwd=trained.root)
        workspace = lay_out(trained, Path(folder) / "gate")
        recipe = read_recipe(workspace.params)
        freeze_exam(workspace, recipe)
        champion = judge_side(workspace, recipe, trained.checkpoints / recipe.final_stage)
        challenger = judge_side(
            workspace, recipe, damaged(trained.checkpoints / recipe.final_stage, Path(folder) / "x")
        )
        gate = recipe.gate
        table = decision_table(challenger, champion, cluster=gate.cluster, demonstrative=gate.demonstrative)
        found = verdict(table, gate, Facts())
    failed = [one for one in found.ruled if one.answer == "fail"]
    for one in failed:
        print(one.why)
    answers = [row for row in table.rows if row.capability.startswith("answers")]
    untouched = bool(answers) and all(row.difference == 0 for row in answers)
    drawn = {one.row for one in failed if one.row.startswith(("drawing", "edit/"))}
    print(
        f"{found.outcome}: {len(drawn)} rows of drawings and edits failed, {len(answers)} rows of answers are "
        f"{'as before' if untouched else 'OTHERS'}"
    )
    return PASSED if found.outcome == "refuse" and drawn and untouched else FAILED


def lay_out(trained: Workspace, root: Path) -> Workspace:
    """A workspace that holds what the gate reads of another one, as links."""
    for name in READ:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(trained.root / name)
    return Workspace(root)


def damaged(checkpoint: Path, folder: Path) -> Path:
    """A copy of the checkpoint in which every weight of the drawing expert is noise of the weight's own spread."""
    shutil.copytree(checkpoint, folder)
    generator = torch.Generator().manual_seed(1)
    weights = load_file(folder / WEIGHTS)
    for name, weight in weights.items():
        if DRAWING_EXPERT in name and weight.ndim > 1:
            noise = torch.randn(weight.shape, generator=generator) * weight.float().std()
            weights[name] = noise.to(weight.dtype)
    (folder / WEIGHTS).unlink()
    save_file(weights, folder / WEIGHTS)
    return folder


def judge_side(workspace: Workspace, recipe: Recipe, checkpoint: Path) -> Path:
    """The scores of a checkpoint on the exam, made by the stage that both sides of a decision come through."""
    weights = checkpoint_sha256(checkpoint)
    shutil.copytree(checkpoint, workspace.model_folder(weights))
    progress = Progress.start(workspace.progress, "predict-exam")
    predict_exam(StageContext(workspace=workspace, recipe=recipe, item=weights[:16], progress=progress))
    return scores_folder(workspace, recipe, weights)


if __name__ == "__main__":
    sys.exit(main())
