"""The stage `train`: one stage of the curriculum, from its parent's checkpoint to its own."""

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from components.assembly.dataset import Dataset
from components.context import Interrupted, StageContext, StageRun
from components.recipes.nearest import nearest
from components.storage.file_hashes import file_sha256
from components.storage.keys import keyed_hash
from components.storage.recorded_code import recorded_code
from components.training.job import StageJob
from components.training.loop import Hook, StepReport
from components.training.losses import EVERY
from components.training.trainer import ProgressHook, train_through_ray


def train(ctx: StageContext) -> None:
    """Writes checkpoints/<stage>/ and training/<stage>.json.

    Raises Interrupted when asked to stop (the state is saved) and ValueError for what a person can mend.
    """
    if ctx.item not in ctx.recipe.curriculum:
        raise ValueError(f"no curriculum stage {ctx.item!r}{nearest(ctx.item, ctx.recipe.curriculum)}")
    key = run_key(ctx)
    job = stage_job(ctx, key)
    with ExitStack() as stack:
        hooks: list[Hook] = [ProgressHook(ctx.progress.update, ctx.item, job.settings.steps)]
        run = _tracked(ctx, key, stack)
        if run is not None:
            hooks.append(run)
        finished = train_through_ray(ctx, job, f"{ctx.item}-{key}", hooks)
        if finished and run is not None and (run.is_behind or ctx.recipe.compute.workers > 0):
            run.replay(job.losses)
        if not finished:
            raise Interrupted(f"train@{ctx.item} was asked to stop; its state is saved")
    _forget_other_runs(job)


def stage_job(ctx: StageContext, key: str) -> StageJob:
    """What the stage works on, under its run key."""
    workspace = ctx.workspace
    return StageJob(
        recipe=ctx.recipe,
        stage=ctx.item,
        dataset=workspace.dataset,
        parent=parent_checkpoint(ctx),
        checkpoint=workspace.checkpoints / ctx.item,
        losses=workspace.losses / f"{ctx.item}.json",
        states=workspace.training_state / f"{ctx.item}-{key}",
        latents=workspace.training_state / "latents",
    )


def parent_checkpoint(ctx: StageContext) -> Path:
    """The folder of the checkpoint that the stage starts from; raises ValueError when it is not there."""
    parent = ctx.workspace.checkpoints / ctx.recipe.curriculum[ctx.item].parent
    if not parent.is_dir():
        raise ValueError(f"{parent} is missing; run `dvc repro` or `unimed retrain`, which make it first")
    return parent


def run_key(ctx: StageContext) -> str:
    """What identifies this work: stage, numbers, inputs and code.

    The number of workers is no part of it: a stage may go on with another, from the same samples.
    """
    recipe, workspace = ctx.recipe, ctx.workspace
    stage = recipe.curriculum[ctx.item]
    files = {file.name: file_sha256(file) for file in sorted(parent_checkpoint(ctx).iterdir()) if file.is_file()}
    numbers = {
        "seed": recipe.seed,
        "threads": recipe.compute.threads,
        "attention": recipe.compute.attention,
        "precision": recipe.compute.precision,
        "model": asdict(recipe.model),
        "training": asdict(recipe.training),
        "stage": asdict(stage),
    }
    code = recorded_code(workspace, "training")
    text = json.dumps(numbers, sort_keys=True, default=dict)
    return keyed_hash("train", ctx.item, text, Dataset(workspace.dataset).dataset_id, sorted(files.items()), code)


class TrackedRun:
    """A hook that draws the loss curves in the stage's run while it trains. A row that is not taken ends nothing.

    Opening and closing the run need its server.
    """

    def __init__(self, run: StageRun, say: Callable[[str], None]) -> None:
        self._run, self._say = run, say
        self.is_behind = False
        """Rows are missing there; replay sends them."""

    def on_step(self, report: StepReport) -> None:
        if report.step % EVERY == 0 and not report.skipped and not self.is_behind:
            names = ("text_loss", "image_loss", "learning_rate", "grad_norm")
            self._send(report.step, {f"train/{name}": getattr(report, name) for name in names})

    def replay(self, losses: Path) -> None:
        """Sends every row of the finished curve."""
        for row in json.loads(losses.read_text()):
            self._send(row["step"], {f"train/{name}": value for name, value in row.items() if name != "step"})

    def _send(self, step: int, metrics: Mapping[str, float]) -> None:
        try:
            self._run.log(step, metrics)
        except Exception as error:  # whatever a server, a proxy or a full disk answers: none of it may end a training
            if not self.is_behind:
                self._say(f"MLflow does not take the loss curve ({type(error).__name__}: {error}); training goes on")
            self.is_behind = True


def _tracked(ctx: StageContext, key: str, stack: ExitStack) -> TrackedRun | None:
    run = stack.enter_context(ctx.tracker(ctx.progress.stage, key))
    if run is None:
        return None
    run.params({"seed": ctx.recipe.seed, "training": asdict(ctx.recipe.training)})
    run.params({f"curriculum.{ctx.item}": asdict(ctx.recipe.curriculum[ctx.item])})
    run.dataset(Dataset(ctx.workspace.dataset).dataset_id, "training")
    return TrackedRun(run, ctx.progress.say)


def _forget_other_runs(job: StageJob) -> None:
    """Removes the states of earlier runs of this stage: other numbers or inputs, finished or given up."""
    for folder in job.states.parent.glob(f"{job.stage}-*"):
        if folder != job.states:
            shutil.rmtree(folder, ignore_errors=True)
