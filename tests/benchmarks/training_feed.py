"""The live feed beside the same steps from memory: what reading, decoding, encoding and laying out cost a training."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from components.context import StageContext
from components.recipes.recipe import read_recipe
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from components.training.batches import MicroBatch
from components.training.job import StageJob
from components.training.loop import train_step
from components.training.run import StageWork, prepare
from components.training.stage import stage_job
from components.training.world import World
from tests.benchmarks.contest import Contest
from tests.benchmarks.figures import Figure

TURNS = 3
FIRST = 2
"""Steps before the clock begins: loader processes are up by then."""
STAGE = "unified"
RATE = 1e-5


def fed(workspace: Path, folder: Path, steps: int) -> Iterator[Figure]:
    """With latents of an earlier pass, as nearly all steps of a stage have them, and with none; with loaders and without.

    The workspace is one that `unimed retrain` has trained in; nothing is written into it."""
    job = job_of(Workspace(workspace), folder)
    first = prepare(job, World())
    memory = [first.feed.next_step() for _ in range(FIRST + steps)]
    first.latents.keep(job.latents)
    for loaders in (0, 1):
        for kept in (True, False):
            asked = _with_loaders(job if kept else replace(job, latents=folder / "none"), loaders)
            yield Contest(
                name=f"training.live_feed_{loaders}_loaders{'' if kept else '_first_pass'}",
                peer_name="the same steps from memory",
                unit="steps/s",
                goal=0.97 if kept else None,
                ours=lambda asked=asked: _live(asked, steps),
                peer=lambda: _timed(prepare(job, World()), memory[FIRST:].__iter__().__next__, steps),
            ).run(TURNS)


def job_of(workspace: Workspace, folder: Path) -> StageJob:
    """The last stage of the workspace, whose results would go into the folder."""
    recipe = read_recipe(workspace.params)
    progress = Progress.start(folder / "progress", "train")
    context = StageContext(workspace=workspace, recipe=recipe, item=STAGE, progress=progress)
    job = stage_job(context, "benchmark")
    places = {name: folder / name for name in ("checkpoint", "losses", "states", "latents", "lengths")}
    return replace(job, **places)


def _with_loaders(job: StageJob, loaders: int) -> StageJob:
    return replace(job, recipe=replace(job.recipe, compute=replace(job.recipe.compute, loaders=loaders)))


def _live(job: StageJob, steps: int) -> float:
    work = prepare(job, World())
    try:
        for _ in range(FIRST):
            work.feed.next_step()
        return _timed(work, work.feed.next_step, steps)
    finally:
        work.feed.close()


def _timed(work: StageWork, next_step: Callable[[], Sequence[MicroBatch]], steps: int) -> float:
    """Steps a second."""
    train_step(work.learner, next_step(), step=1, rate=RATE)
    begun = time.perf_counter()
    for step in range(2, steps + 1):
        train_step(work.learner, next_step(), step=step, rate=RATE)
    return (steps - 1) / (time.perf_counter() - begun)
