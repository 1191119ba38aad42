"""Workers change who does the work, never what is learnt."""

import hashlib
import json
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from components.context import StageContext
from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.training.batches import MicroBatch
from components.training.job import StageJob
from components.training.run import prepare
from components.training.stage import stage_job
from components.training.trainer import train_through_ray
from components.training.world import World
from tests.components.training.conftest import context
from tests.components.training.two_ranks import reports_file, train


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Euclidean, over all weights."""
    return sum(float((one[name] - other[name]).double().square().sum()) for name in one) ** 0.5


def sha256(job: StageJob) -> str:
    return hashlib.sha256((job.checkpoint / "ema.safetensors").read_bytes()).hexdigest()


def of(ctx: StageContext, name: str) -> StageJob:
    job = stage_job(ctx, "key")
    root = ctx.workspace.root / name
    return replace(job, checkpoint=root / "checkpoint", losses=root / "losses.json", states=root / "states")


def train_on_two_ranks(folder: Path, jobs: dict[str, StageJob]) -> None:
    jobs_file = folder / "jobs.pickle"
    jobs_file.write_bytes(pickle.dumps(jobs))
    command = [sys.executable, "-m", "tests.components.training.two_ranks", str(jobs_file), str(folder / "store")]
    source = Path(__file__).parents[3]
    ranks = [subprocess.Popen([*command, str(rank)], cwd=source) for rank in range(2)]
    assert [rank.wait(240) for rank in ranks] == [0, 0]


def numbers_of(reports: list[dict[str, float]]) -> list[float]:
    names = ("text_loss", "image_loss", "grad_norm", "tokens", "skipped")
    return [report[name] for report in reports for name in names]


@pytest.mark.slow
def test_two_ranks_learn_what_one_does(workspace: Workspace, recipe: Recipe) -> None:
    ctx = context(workspace.root, recipe, "foundation")
    alone, together, divided = (of(ctx, name) for name in ("alone", "together", "divided"))
    expected = numbers_of(train(alone, World()))
    train_on_two_ranks(workspace.root, {"together": together, "divided": divided})

    # Each step's losses and gradient (its length over all weights) are those of one rank.
    found, wrong = (json.loads(reports_file(job).read_text()) for job in (together, divided))
    assert numbers_of(found) == pytest.approx(expected, rel=1e-5)
    assert numbers_of(wrong) != pytest.approx(expected, rel=0.1), "a gradient divided by the ranks must not pass"

    # AdamW knows no scale of gradients, and blows up what differs in one near zero: this sees only another way.
    one, two = load_file(alone.checkpoint / "ema.safetensors"), load_file(together.checkpoint / "ema.safetensors")
    before = distance(load_file(alone.parent / "ema.safetensors"), one)
    assert distance(one, two) < 0.1 * before, "two ranks went another way than one"
    # A world of one goes on from what two ranks saved.
    (together.checkpoint / "ema.safetensors").unlink()
    train(together, World())
    assert distance(load_file(together.checkpoint / "ema.safetensors"), two) < 0.1 * before


def test_the_ranks_of_a_step_have_unequal_numbers_of_targets_and_together_those_of_one(
    workspace: Workspace, recipe: Recipe
) -> None:
    """Else the comparison above would not tell a mean of means from a mean."""
    job = of(context(workspace.root, recipe, "foundation"), "counted")
    feeds = [prepare(job, world).feed for world in (World(), World(rank=0, size=2), World(rank=1, size=2))]
    steps = [[targets(feed.next_step()) for feed in feeds] for _ in range(job.settings.steps)]
    for whole, first, second in steps:
        assert [a + b for a, b in zip(first, second, strict=True)] == whole
    for kind in range(2):
        unequal = [(first[kind], second[kind]) for _, first, second in steps if first[kind] != second[kind]]
        assert any(0 in pair for pair in unequal), "on some step one rank alone has this kind"
        assert any(0 not in pair for pair in unequal), "on some step both have it, one more than the other"


def targets(micro_batches: Sequence[MicroBatch]) -> list[int]:
    """Text and image targets."""
    return [
        sum(len(micro.packed.label_ids) for micro in micro_batches),
        sum(micro.packed.num_targets for micro in micro_batches),
    ]


@pytest.mark.slow
def test_one_ray_worker_stopped_and_started_again_gives_the_bytes_of_none(
    workspace: Workspace, recipe: Recipe, monkeypatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_TRAIN_V2_ENABLED", "1")
    monkeypatch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
    monkeypatch.setenv("RAY_TRAIN_METRICS_ENABLED", "0")
    found = []
    for workers in (0, 1):
        numbers = replace(recipe, compute=replace(recipe.compute, workers=workers))
        ctx = context(workspace.root, numbers, "foundation")
        job = of(ctx, f"workers-{workers}")
        if workers:
            ctx.stop.set()
            assert not train_through_ray(ctx, job, f"foundation-test-{workers}")
            assert list(job.states.glob("step-*/manifest.json")) and not job.checkpoint.exists()
            ctx.stop.clear()
        assert train_through_ray(ctx, job, f"foundation-test-{workers}")
        found.append(sha256(job))
    assert found[0] == found[1]


def test_sums_over_one_rank_are_the_values_themselves() -> None:
    world = World()
    assert world.sum([1.5, float("inf")], torch.device("cpu")) == [1.5, float("inf")]
    world.barrier()
