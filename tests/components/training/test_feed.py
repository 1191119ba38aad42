"""The same micro-batches however many processes gather them, the state of what was handed out, and no process left behind."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest

from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.training.batches import MicroBatch
from components.training.run import StageWork, prepare
from components.training.stage import stage_job
from components.training.state_places import MANIFEST
from components.training.world import World
from tests.components.training.conftest import context
from tests.components.training.ranks import Task, on_ranks
from tests.components.training.test_batches import assert_equal

STEPS = 5


def work_of(workspace: Workspace, recipe: Recipe, loaders: int) -> StageWork:
    recipe = replace(recipe, compute=replace(recipe.compute, loaders=loaders))
    return prepare(stage_job(context(workspace.root, recipe, "foundation"), "key"), World())


def steps(work: StageWork, count: int = STEPS) -> list[MicroBatch]:
    return [micro for _ in range(count) for micro in work.feed.next_step()]


def test_loader_processes_give_the_same_bits_and_the_state_of_the_step_that_was_handed_out(
    workspace: Workspace, recipe: Recipe
) -> None:
    alone, fed = work_of(workspace, recipe, 0), work_of(workspace, recipe, 2)
    try:
        for _ in range(STEPS):
            for found, expected in zip(steps(fed, 1), steps(alone, 1), strict=True):
                assert_equal(found, expected)
            assert fed.feed.state() == alone.feed.state(), "steps under way are not in it"
            assert fed.feed.epochs == alone.feed.epochs
        loaders = grandchildren()
        assert len(loaders) == 2
    finally:
        fed.feed.close()
    _, left = psutil.wait_procs(loaders, timeout=10)
    assert not left


def test_a_feed_goes_on_behind_the_step_whose_state_it_is_given(workspace: Workspace, recipe: Recipe) -> None:
    whole, first, second = (work_of(workspace, recipe, 0) for _ in range(3))
    expected = steps(whole, 6)
    found = steps(first, 2)
    second.feed.restore(json.loads(json.dumps(first.feed.state())))
    for one, other in zip([*found, *steps(second, 4)], expected, strict=True):
        assert_equal(one, other)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_twice_with_loaders_or_without_a_training_ends_with_the_bytes_of_one_that_was_not(
    workspace: Workspace, recipe: Recipe
) -> None:
    def task(name: str, loaders: int) -> Task:
        stage = replace(recipe.curriculum["foundation"], steps=12)
        compute = replace(recipe.compute, loaders=loaders)
        fed = replace(recipe, compute=compute, curriculum={"foundation": stage})
        job = stage_job(context(workspace.root, fed, "foundation"), "key")
        folder = workspace.root / name
        job = replace(job, checkpoint=folder / "checkpoint", losses=folder / "losses.json", states=folder / "states")
        return Task(job, folder)

    straight = task("straight", 0)
    assert on_ranks(workspace.root / "ranks", [straight], 1) == [0]
    for loaders in (0, 3):
        broken = task(f"broken-{loaders}", loaders)
        slow = replace(broken, fault="a slow disk")
        # Behind a save, and in one.
        for mark in (Path("step-000002") / MANIFEST, Path("step-000008")):
            before, started = set(below()), list[psutil.Process]()
            ranks = workspace.root / f"ranks-{loaders}-{mark.parts[0]}"
            here = partial(seen_at, slow.job.states / mark, before, started)
            ended = on_ranks(ranks, [slow], 1, kill_when=here)
            assert ended == [-9] and not broken.job.checkpoint.exists()
            assert len(started) >= 1 + (loaders and 1 + loaders)
            _, left = psutil.wait_procs(started, timeout=20)
            assert not left, "orphans"
        assert on_ranks(workspace.root / f"ranks-{loaders}", [broken], 1) == [0]
        for name in ("ema.safetensors", "model.safetensors"):
            assert (broken.job.checkpoint / name).read_bytes() == (straight.job.checkpoint / name).read_bytes(), name
        assert broken.job.losses.read_bytes() == straight.job.losses.read_bytes()


def seen_at(path: Path, before: set[psutil.Process], started: list[psutil.Process]) -> bool:
    """Whether it is there; then all that was started is taken down."""
    if path.exists():
        started += set(below()) - before
    return bool(started)


def below() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def grandchildren() -> list[psutil.Process]:
    """What the server of this process has forked."""
    return [process for child in psutil.Process().children() for process in child.children()]
