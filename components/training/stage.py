"""The stage `train`: one stage of the curriculum, from its parent's checkpoint to its own."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from components.assembly.dataset import Dataset
from components.context import Interrupted, StageContext, StageRun
from components.recipes.nearest import nearest
from components.storage.file_hashes import file_sha256
from components.storage.keys import keyed_hash
from components.storage.recorded_code import recorded_code
from components.training.job import StageJob
from components.training.losses import log_row
from components.training.samples import check_samples
from components.training.state_folders import forget_states, state_folder
from components.training.trainer import train_through_ray


def train(ctx: StageContext) -> None:
    """Writes checkpoints/<stage>/ and training/<stage>.json.

    Raises Interrupted when asked to stop (the state is saved) and ValueError for what a person can mend.
    """
    if ctx.item not in ctx.recipe.curriculum:
        raise ValueError(f"no curriculum stage {ctx.item!r}{nearest(ctx.item, ctx.recipe.curriculum)}")
    ctx.grace(ctx.recipe.compute.grace_seconds)
    key = run_key(ctx)
    job = stage_job(ctx, key)
    forget_states(ctx.workspace, _before(ctx))
    check_samples(job)
    with ctx.tracker(ctx.progress.stage, key) as run:
        _describe(ctx, run)
        if not train_through_ray(ctx, job, f"{ctx.item}-{key}", partial(log_row, run)):
            raise Interrupted(f"train@{ctx.item} was asked to stop; its state is saved")
        # Workers that were lost may have told them to nobody; the rest are there already.
        for row in json.loads(job.losses.read_text()):
            log_row(run, row)
    forget_states(ctx.workspace, [job.stage], keep=job.states)  # other numbers or inputs, finished or given up


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
        states=state_folder(workspace, ctx.item, key),
        latents=workspace.training_state / "latents",
        lengths=workspace.training_state / "lengths",
        code=recorded_code(workspace, "training"),
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


def _describe(ctx: StageContext, run: StageRun) -> None:
    run.params({"seed": ctx.recipe.seed, "training": asdict(ctx.recipe.training)})
    run.params({f"curriculum.{ctx.item}": asdict(ctx.recipe.curriculum[ctx.item])})
    run.dataset(Dataset(ctx.workspace.dataset).dataset_id, "training")


def _before(ctx: StageContext) -> list[str]:
    """The stages of the curriculum that this one stands on, which are finished."""
    found, parent = [], ctx.recipe.curriculum[ctx.item].parent
    while parent in ctx.recipe.curriculum:
        found.append(parent)
        parent = ctx.recipe.curriculum[parent].parent
    return found
