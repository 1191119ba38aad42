"""Workers change who does the work, never what is learnt."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from components.context import StageContext
from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.training import workers as workers_room
from components.training.batches import MicroBatch
from components.training.job import StageJob
from components.training.run import prepare
from components.training.stage import stage_job
from components.training.state_places import MANIFEST
from components.training.trainer import train_through_ray
from components.training.workers import GIGABYTE, Ask, Resources, Room, ask_of, unmet
from components.training.world import World
from tests.components.training.conftest import context, small_recipe
from tests.components.training.ranks import Seen, Task, on_ranks, seen, train
from tests.components.training.test_board import until


def sha256(job: StageJob) -> str:
    return hashlib.sha256((job.checkpoint / "ema.safetensors").read_bytes()).hexdigest()


def of(ctx: StageContext, name: str) -> StageJob:
    job = stage_job(ctx, "key")
    root = ctx.workspace.root / name
    return replace(job, checkpoint=root / "checkpoint", losses=root / "losses.json", states=root / "states")


def near(found: Seen, expected: Seen, rel: float = 1e-5) -> bool:
    """Whether losses and gradient norms of every step, and each weight's gradient in the first, are as good as equal."""
    names = ("text_loss", "image_loss", "grad_norm", "tokens", "skipped")
    steps = [[row[name] for row in seen.steps for name in names] for seen in (found, expected)]
    return (
        steps[0] == pytest.approx(steps[1], rel=rel)
        and found.gradients.keys() == expected.gradients.keys()
        and all(apart(found.gradients[name], wanted) <= rel for name, wanted in expected.gradients.items())
    )


def apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Euclidean distance relative to the second's length."""
    return float((found - expected).norm()) / max(float(expected.norm()), 1e-6)


@pytest.fixture
def no_group() -> Iterator[None]:
    """What a world of one makes for itself is taken down."""
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("no_group")
def test_weights_that_lie_in_ram_learn_what_others_do_and_go_on_as_others(workspace: Workspace, recipe: Recipe) -> None:
    """On a CPU it is the same memory, and the same code but for the copies to a card."""
    moved = replace(recipe, compute=replace(recipe.compute, offload=True))
    found = {}
    for name, one in (("plain", recipe), ("moved", moved)):
        task = Task(of(context(workspace.root, one, "foundation"), name), workspace.root / name)
        train(replace(task, until=2), World())
        train(task, World())
        found[name] = task
    assert near(seen(found["moved"]), seen(found["plain"]))
    assert sha256(found["moved"].job) == sha256(found["plain"].job)


@pytest.mark.slow
def test_two_ranks_learn_what_one_does(workspace: Workspace, recipe: Recipe) -> None:
    stage = replace(recipe.curriculum["foundation"], freeze_und=True, vit_learning_rate_scale=0.0)
    frozen_recipe = replace(recipe, curriculum={**recipe.curriculum, "foundation": stage})

    def task(name: str, recipe: Recipe = recipe, fault: str = "") -> Task:
        return Task(of(context(workspace.root, recipe, "foundation"), name), workspace.root / name, fault=fault)

    alone, frozen_alone = task("alone"), task("frozen-alone", frozen_recipe)
    for one in (alone, frozen_alone):
        train(one, World())
    together, frozen = task("together"), task("frozen", frozen_recipe)
    divided = task("divided", fault="gradients divided by the ranks")
    own_counts = task("own-counts", fault="own counts")
    thawed = task("thawed", frozen_recipe, fault="a frozen part that learns")
    moved = task("moved", replace(recipe, compute=replace(recipe.compute, offload=True)))
    assert on_ranks(workspace.root / "ranks", [together, frozen, divided, own_counts, thawed, moved], 2) == [0, 0]

    assert sha256(moved.job) == sha256(together.job)
    assert near(seen(together), seen(alone)) and near(seen(frozen), seen(frozen_alone))
    for wrong, right in ((divided, alone), (own_counts, alone), (thawed, frozen_alone)):
        assert not near(seen(wrong), seen(right), rel=1e-2), f"{wrong.fault}: must not pass"
    # A world of one goes on from what two ranks saved, and writes the same networks.
    before = load_file(together.job.checkpoint / "ema.safetensors")
    (together.job.checkpoint / "ema.safetensors").unlink()
    train(together, World())
    after = load_file(together.job.checkpoint / "ema.safetensors")
    assert {name: value.shape for name, value in before.items()} == {k: v.shape for k, v in after.items()}
    assert seen(together).steps[-1]["text_loss"] == pytest.approx(seen(alone).steps[-1]["text_loss"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("copies", [1, 2])
def test_two_ranks_one_of_which_was_killed_end_with_the_bytes_of_two_that_were_not(
    workspace: Workspace, recipe: Recipe, copies: int
) -> None:
    root = workspace.root
    straight, broken = (Task(of(context(root, recipe, "foundation"), name), root / name) for name in ("one", "other"))
    broken = replace(broken, fault="a slow disk")
    saved = broken.job.states / "step-000002" / MANIFEST
    ended = on_ranks(root / "killed", [broken], 2, copies=copies, kill_when=saved.exists, killed=slice(1, 2))
    assert all(ended) and saved.exists() and not broken.job.checkpoint.exists()
    for task in (broken, straight):
        assert on_ranks(root / "ranks", [task], 2, copies=copies) == [0, 0]
    assert seen(broken).steps == seen(straight).steps[2:], "it went on after the second step"
    for name in ("ema.safetensors", "model.safetensors"):
        assert (broken.job.checkpoint / name).read_bytes() == (straight.job.checkpoint / name).read_bytes(), name


def test_the_ranks_of_a_step_have_unequal_numbers_of_targets_and_together_those_of_one(
    workspace: Workspace, recipe: Recipe
) -> None:
    """Else the comparison above would not tell a mean of means from a mean."""
    job = of(context(workspace.root, recipe, "foundation"), "counted")
    feeds = [prepare(job, World()).feed for _ in range(3)]
    for rank in range(2):  # of a world whose other rank is not there
        feeds[rank + 1]._world = World(rank=rank, size=2)
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


def test_a_worker_asks_for_what_the_recipe_says_and_what_the_nodes_lack_is_said() -> None:
    compute = replace(small_recipe().compute, threads=4, workers=4, missing_workers=2, worker_memory_bytes=8 * GIGABYTE)
    assert ask_of(compute, has_gpu=False).resources == {"CPU": 4, "memory": 8 * GIGABYTE}
    assert ask_of(compute, has_gpu=True).resources["GPU"] == 1
    assert ask_of(replace(compute, worker_gpu="always"), has_gpu=False).resources["GPU"] == 1
    assert "GPU" not in ask_of(replace(compute, worker_gpu="never"), has_gpu=True).resources

    ask = ask_of(compute, has_gpu=False)
    nodes = {"node-a": {"CPU": 9.0, "memory": 64e9, "GPU": 1.0}, "node-b": {"CPU": 64.0, "memory": 7e9}}
    assert ask.room(nodes.values()) == 2 and unmet(ask, 2, nodes) == ""
    assert unmet(ask, 3, nodes) == (
        "training asks for 3 workers with 4 CPU, 0 GPU and 8.0 GB of memory each, and the nodes have room for 2: node-a has 9 "
        "CPU, 1 GPU and 64.0 GB of memory; node-b has 64 CPU, 0 GPU and 7.0 GB of memory; ask for less (compute.threads, "
        "worker_gpu, worker_memory_bytes, workers, missing_workers) or give the cluster more"
    )


def test_room_for_more_is_what_was_there_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_room, "LOOK_SECONDS", 0.01)
    looks = iter([[{"CPU": 2.0}], [{"CPU": 1.0}, {"CPU": 3.0}], ConnectionError(), [{"CPU": 2.0}]])
    seen, last = [], [{"CPU": 2.0}]

    def free() -> list[Resources]:
        seen.append(room.more)
        found = next(looks, last)
        if isinstance(found, Exception):
            raise found
        return found

    room = Room(Ask(cpus=1, gpus=0, memory_bytes=0), free)
    until(lambda: len(seen) > 6)
    room.close()
    assert seen[:6] == [0, 0, 2, 0, 0, 2]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"workers": 2, "missing_workers": 2}, r"missing_workers is 2 of 2 workers; set it to 0 or more, and less"),
        ({"workers": 4, "missing_workers": 2, "copies": 2}, r"set compute.copies to 1"),
        ({"hang_seconds": 0.0}, r"set them above 0"),
        ({"worker_memory_bytes": -1}, r"set it to 0 or more"),
    ],
)
def test_numbers_of_workers_that_cannot_be_are_refused(numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(small_recipe().compute, **numbers)
