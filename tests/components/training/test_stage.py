"""A curriculum stage ends with the same bytes however often it was stopped, and fails rather than learn nonsense."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from components.context import Interrupted
from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.training import loop, losses
from components.training.job import StageJob
from components.training.loop import StepReport
from components.training.run import train_stage
from components.training.stage import run_key, stage_job, train
from components.training.state_places import MANIFEST
from components.training.world import World
from tests.components.training.conftest import context


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class StopAfter:
    """A hook and a stop flag in one: asks to stop once a step is done."""

    def __init__(self, step: int) -> None:
        self.step, self.seen = step, 0

    def on_step(self, report: StepReport) -> None:
        self.seen = report.step

    def __call__(self) -> bool:
        return self.seen >= self.step


def job_of(workspace: Workspace, recipe: Recipe, stage: str = "foundation") -> StageJob:
    return stage_job(context(workspace.root, recipe, stage), "key")


def run(job: StageJob, stop: int = 10**9, hooks: tuple = ()) -> bool:
    stopper = StopAfter(stop)
    return train_stage(job, World(), hooks=[stopper, *hooks], should_stop=stopper, say=lambda _: None)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, started: Workspace, recipe: Recipe) -> Workspace:
    root = tmp_path_factory.mktemp("unbroken")
    (root / "data").mkdir()
    (root / "data" / "unimed").symlink_to(started.dataset.resolve())
    shutil.copytree(started.checkpoints, root / "checkpoints")
    assert run(job_of(Workspace(root), recipe))
    return Workspace(root)


@pytest.mark.parametrize("stops", [(3,), (1, 4), (2, 3, 5)])
def test_a_stopped_and_resumed_stage_gives_the_bytes_of_an_unbroken_one(
    workspace: Workspace, unbroken: Workspace, recipe: Recipe, stops: tuple[int, ...]
) -> None:
    job = job_of(workspace, recipe)
    for stop in stops:
        assert not run(job, stop)
        assert not job.checkpoint.exists()
    assert run(job)
    for name in ("ema.safetensors", "model.safetensors", "config.json", "tokenizer.json"):
        assert sha256(job.checkpoint / name) == sha256(unbroken.checkpoints / "foundation" / name), name
    assert job.losses.read_bytes() == (unbroken.losses / "foundation.json").read_bytes()


def test_with_a_frozen_und_side_only_what_draws_and_the_text_head_learn(workspace: Workspace, recipe: Recipe) -> None:
    stage = replace(recipe.curriculum["foundation"], freeze_und=True, vit_learning_rate_scale=0.0)
    frozen = replace(recipe, curriculum={**recipe.curriculum, "foundation": stage})
    job = job_of(workspace, frozen)
    assert not run(job, 3)
    assert run(job)
    for name in ("ema.safetensors", "model.safetensors"):
        before, after = load_file(job.parent / "ema.safetensors"), load_file(job.checkpoint / name)
        moved = {key for key in before if not torch.equal(before[key], after[key])}
        drawing = ("time_embedder.", "vae2llm.", "llm2vae.", "language_model.lm_head.")
        assert moved == {key for key in before if "_moe_gen" in key or key.startswith(drawing)}, name


def test_a_killed_stage_goes_on_from_its_last_saved_state(
    workspace: Workspace, unbroken: Workspace, recipe: Recipe
) -> None:
    class Killed(BaseException):
        pass

    class KillAt:
        def on_step(self, report: StepReport) -> None:
            if report.step == 5:
                raise Killed

    job = job_of(workspace, recipe)
    with pytest.raises(Killed):
        run(job, hooks=(KillAt(),))
    # The save of step 4 was under way: no manifest says that it is complete.
    assert [path.parent.name for path in sorted(job.states.glob("step-*/manifest.json"))] == ["step-000002"]
    seen: list[int] = []

    class Watch:
        def on_step(self, report: StepReport) -> None:
            seen.append(report.step)

    assert run(job, hooks=(Watch(),))
    assert seen == [3, 4, 5, 6]
    assert sha256(job.checkpoint / "ema.safetensors") == sha256(unbroken.checkpoints / "foundation" / "ema.safetensors")


@pytest.mark.parametrize("damage", ["flip a byte", "no manifest", "cut"])
def test_a_damaged_state_is_passed_over_for_an_older_one(
    workspace: Workspace, unbroken: Workspace, recipe: Recipe, damage: str
) -> None:
    job = job_of(workspace, recipe)
    assert not run(job, 4)
    newest = job.states / "step-000004"
    data = max((f for f in newest.iterdir() if f.name != MANIFEST), key=lambda f: f.stat().st_size)
    if damage == "no manifest":
        (newest / MANIFEST).unlink()
    elif damage == "cut":
        data.write_bytes(data.read_bytes()[:-1])
    else:
        raw = bytearray(data.read_bytes())
        raw[len(raw) // 2] ^= 1
        data.write_bytes(bytes(raw))
    seen: list[int] = []

    class Watch:
        def on_step(self, report: StepReport) -> None:
            seen.append(report.step)

    assert run(job, hooks=(Watch(),))
    assert seen[0] == 3
    assert sha256(job.checkpoint / "ema.safetensors") == sha256(unbroken.checkpoints / "foundation" / "ema.safetensors")


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(
    workspace: Workspace, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = loop.summed_losses, []

    def sometimes_nan(*args: object, **kwargs: object) -> object:
        losses = real(*args, **kwargs)
        calls.append(1)
        return losses._replace(text_loss_sum=losses.text_loss_sum * float("nan")) if len(calls) == 6 else losses

    weights: list[dict[str, torch.Tensor]] = []
    reports: list[StepReport] = []
    holder: dict[str, loop.Learner] = {}
    real_step = loop.train_step

    def watched(learner: loop.Learner, *args: object, **kwargs: object) -> StepReport:
        holder["learner"] = learner
        report = real_step(learner, *args, **kwargs)
        reports.append(report)
        weights.append({name: value.clone() for name, value in learner.model.state_dict().items()})
        return report

    monkeypatch.setattr(loop, "summed_losses", sometimes_nan)
    monkeypatch.setattr(loop, "train_step", watched)
    job = job_of(workspace, recipe)
    assert run(job)
    assert [report.skipped for report in reports] == [False] * 5 + [True]
    assert all(torch.equal(weights[4][name], weights[5][name]) for name in weights[4])
    assert all(value.isfinite().all() for value in holder["learner"].average.weights.values())
    rows = json.loads(job.losses.read_text())
    assert rows[-1]["skipped"] == 1


def test_too_many_steps_that_are_not_finite_end_the_stage(
    workspace: Workspace, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop.summed_losses
    monkeypatch.setattr(loop, "MAX_SKIPPED_STEPS", 2)
    monkeypatch.setattr(
        loop,
        "summed_losses",
        lambda *a, **k: (x := real(*a, **k))._replace(image_loss_sum=x.image_loss_sum * float("inf")),
    )
    job = job_of(workspace, recipe)
    with pytest.raises(ValueError, match=r"3 of 3 steps .* not finite, over the limit of 2; lower curriculum"):
        run(job)
    assert not job.checkpoint.exists()


def test_a_frozen_vit_keeps_its_parents_bytes_and_the_rest_moves(workspace: Workspace, recipe: Recipe) -> None:
    from safetensors.torch import load_file

    stage = replace(recipe.curriculum["foundation"], vit_learning_rate_scale=0.0, steps=2)
    job = job_of(workspace, replace(recipe, curriculum={"foundation": stage}))
    assert run(job)
    before = load_file(job.parent / "ema.safetensors")
    after = load_file(job.checkpoint / "model.safetensors")
    vit = [name for name in before if name.startswith("vit_model.")]
    assert vit and all(torch.equal(before[name], after[name]) for name in vit)
    assert not torch.equal(before["connector.fc1.weight"], after["connector.fc1.weight"])


def test_bf16_trains_alike_and_leaves_float32_weights(workspace: Workspace, recipe: Recipe, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    found = {}
    for precision in ("fp32", "bf16"):
        compute = replace(recipe.compute, precision=precision)
        job = replace(
            job_of(workspace, replace(recipe, compute=compute)),
            checkpoint=tmp_path / precision,
            losses=tmp_path / f"{precision}.json",
            states=tmp_path / f"states-{precision}",
        )
        assert run(job)
        weights = load_file(job.checkpoint / "ema.safetensors")
        assert {value.dtype for value in weights.values()} == {torch.float32}
        found[precision] = (json.loads(job.losses.read_text())[-1], weights)
    (wide, wide_weights), (narrow, narrow_weights) = found["fp32"], found["bf16"]
    assert any(not torch.equal(wide_weights[name], narrow_weights[name]) for name in wide_weights)
    for name in ("text_loss", "image_loss", "grad_norm"):
        assert narrow[name] == pytest.approx(wide[name], rel=0.05)


def test_a_sample_that_does_not_fit_is_an_error_before_training(workspace: Workspace, recipe: Recipe) -> None:
    job = job_of(workspace, replace(recipe, training=replace(recipe.training, tokens_per_sequence=60)))
    with pytest.raises(ValueError, match=r"do not fit in a packed sequence of 60 tokens.*raise training.tokens_per"):
        run(job)
    assert not job.states.exists()


def test_the_run_key_follows_numbers_and_inputs_but_not_workers(workspace: Workspace, recipe: Recipe) -> None:
    key = run_key(context(workspace.root, recipe, "foundation"))
    workers = replace(recipe, compute=replace(recipe.compute, workers=2))
    assert run_key(context(workspace.root, workers, "foundation")) == key
    for other in (
        replace(recipe, seed=2),
        replace(recipe, training=replace(recipe.training, timestep_shift=1.0)),
        replace(recipe, compute=replace(recipe.compute, threads=2)),
    ):
        assert run_key(context(workspace.root, other, "foundation")) != key
    assert run_key(context(workspace.root, recipe, "foundation")) == key


def test_the_stage_goes_through_ray_in_this_process_and_leaves_whole_outputs(
    workspace: Workspace, unbroken: Workspace, recipe: Recipe
) -> None:
    stale = workspace.training_state / "foundation-other"
    stale.mkdir(parents=True)
    ctx = context(workspace.root, recipe, "foundation")
    train(ctx)
    written = workspace.checkpoints / "foundation"
    assert sha256(written / "ema.safetensors") == sha256(unbroken.checkpoints / "foundation" / "ema.safetensors")
    assert not stale.exists()
    assert "training foundation" in ctx.progress.path.read_text()


def test_a_stop_flag_set_beforehand_saves_and_raises_interrupted(workspace: Workspace, recipe: Recipe) -> None:
    ctx = context(workspace.root, recipe, "foundation")
    ctx.stop.set()
    with pytest.raises(Interrupted, match="train@foundation"):
        train(ctx)
    assert list(workspace.training_state.glob("foundation-*/step-000001/manifest.json"))
    assert not (workspace.checkpoints / "foundation").exists()


def test_unknown_stages_and_missing_parents_are_named(workspace: Workspace, recipe: Recipe) -> None:
    with pytest.raises(ValueError, match=r"no curriculum stage 'foundatoin'; did you mean 'foundation'"):
        train(context(workspace.root, recipe, "foundatoin"))
    with pytest.raises(ValueError, match=r"checkpoints/foundation is missing; run"):
        train(context(workspace.root, recipe, "instruction"))


class Told:
    """The run of a stage, as a list of what it was told."""

    def __init__(self) -> None:
        self.facts: dict[str, object] = {}
        self.rows: dict[int, dict[str, float]] = {}
        self.waited: set[int] = set()

    def params(self, values: Mapping[str, Any]) -> None:
        self.facts.update(values)

    def dataset(self, dataset_id: str, context: str) -> None:
        self.facts[context] = dataset_id

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        measured = dict(metrics)
        if measured.pop("train/wait_seconds", -1) >= 0:
            self.waited.add(step)
        assert self.rows.setdefault(step, measured) == measured, "a step that is told twice is told alike"


def test_the_run_of_a_stage_that_was_stopped_has_the_rows_of_the_whole_curve(
    workspace: Workspace, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "EVERY", 1)
    told = Told()
    ctx = replace(context(workspace.root, recipe, "foundation"), tracker=lambda *_: nullcontext(told))
    ctx.stop.set()
    with pytest.raises(Interrupted):
        train(ctx)
    assert list(told.rows) == [1]
    ctx.stop.clear()
    train(ctx)
    curve = json.loads((workspace.losses / "foundation.json").read_text())
    assert [{"step": step, **row} for step, row in told.rows.items()] == [
        {"step": row.pop("step"), **{f"train/{name}": value for name, value in row.items()}} for row in curve
    ]
    assert told.waited == set(told.rows), "each row was told with what was waited for it"
    assert told.facts["seed"] == recipe.seed and told.facts["training"] == "made-by-hand"
