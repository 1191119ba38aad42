"""Workers change who does the work, never what is learnt."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from components.context import StageContext
from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.training.job import StageJob
from components.training.run import train_stage
from components.training.stage import stage_job
from components.training.trainer import train_through_ray
from components.training.world import World
from tests.components.training.conftest import context

RANK = """
import pickle, sys
import torch.distributed as dist
from components.training.run import train_stage
from components.training.world import World
job_file, store, rank = sys.argv[1], sys.argv[2], int(sys.argv[3])
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
with open(job_file, "rb") as handle:
    job = pickle.load(handle)
train_stage(job, World(rank=rank, size=2), hooks=[], should_stop=lambda: False, say=lambda _: None)
dist.destroy_process_group()
"""


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Euclidean, over all weights."""
    return sum(float((one[name] - other[name]).double().square().sum()) for name in one) ** 0.5


def sha256(job: StageJob) -> str:
    return hashlib.sha256((job.checkpoint / "ema.safetensors").read_bytes()).hexdigest()


def of(ctx: StageContext, name: str) -> StageJob:
    job = stage_job(ctx, "key")
    root = ctx.workspace.root / name
    return replace(job, checkpoint=root / "checkpoint", losses=root / "losses.json", states=root / "states")


@pytest.mark.slow
def test_two_ranks_learn_what_one_does(workspace: Workspace, recipe: Recipe) -> None:
    import pickle

    from safetensors.torch import load_file

    ctx = context(workspace.root, recipe, "foundation")
    alone, together = of(ctx, "alone"), of(ctx, "together")
    assert train_stage(alone, World(), hooks=[], should_stop=lambda: False, say=lambda _: None)
    job_file = workspace.root / "job.pickle"
    job_file.write_bytes(pickle.dumps(together))
    source = str(Path(__file__).parents[3])
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, str(job_file), str(workspace.root / "store"), str(rank)], cwd=source
        )
        for rank in range(2)
    ]
    assert [rank.wait(240) for rank in ranks] == [0, 0]
    one, two = load_file(alone.checkpoint / "ema.safetensors"), load_file(together.checkpoint / "ema.safetensors")
    before = distance(load_file(alone.parent / "ema.safetensors"), one)
    # Gradients are summed in another order, and AdamW blows up what differs in a gradient near zero.
    assert distance(one, two) < 0.1 * before, "two ranks went another way than one"
    assert [line.count("step") for line in alone.losses.read_text().splitlines()] == [
        line.count("step") for line in together.losses.read_text().splitlines()
    ]
    # A world of one goes on from what two ranks saved.
    (together.checkpoint / "ema.safetensors").unlink()
    assert train_stage(together, World(), hooks=[], should_stop=lambda: False, say=lambda _: None)
    resumed = load_file(together.checkpoint / "ema.safetensors")
    assert distance(resumed, two) < 0.1 * before


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
            assert not train_through_ray(ctx, job, f"foundation-test-{workers}", [])
            assert list(job.states.glob("step-*/manifest.json")) and not job.checkpoint.exists()
            ctx.stop.clear()
        assert train_through_ray(ctx, job, f"foundation-test-{workers}", [])
        found.append(sha256(job))
    assert found[0] == found[1]


def test_sums_over_one_rank_are_the_values_themselves() -> None:
    world = World()
    assert world.sum([1.5, float("inf")], torch.device("cpu")) == [1.5, float("inf")]
    world.barrier()
