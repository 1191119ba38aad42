"""A curriculum stage through Ray Train: in this process with no workers, else on as many as the recipe says.

Ray starts the ranks, restarts lost ones and gives them their places. What a stage has learnt lies in our own training
states, so a restarted worker group, like a restarted stage, goes on from the newest of them.
"""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.cluster import start_ray
from components.context import StageContext
from components.training.job import StageJob
from components.training.loop import Hook
from components.training.losses import OnRow, nobody
from components.training.run import train_stage
from components.training.world import World

MAX_FAILURES = 3
"""How often a lost worker group is started again."""
STOP_FILE = "stop"


def train_through_ray(ctx: StageContext, job: StageJob, name: str, on_row: OnRow = nobody) -> bool:
    """Trains the stage; True when its checkpoint is written, False when it was stopped and its state saved.

    `on_row` is called with each row of the loss curve, in the process of the first rank.
    """
    if job.recipe.compute.workers == 0:
        return _in_this_process(ctx, job, name, on_row)
    return _on_workers(ctx, job, name, on_row)


def _in_this_process(ctx: StageContext, job: StageJob, name: str, on_row: OnRow) -> bool:
    hooks = [ProgressHook(ctx.progress.update, job.stage, job.settings.steps)]

    def loop(_: dict[str, Any]) -> bool:
        return train_stage(job, World(), hooks=hooks, should_stop=ctx.stop.is_set, say=ctx.progress.say, on_row=on_row)

    return bool(_trainer(ctx, loop, {}, name, workers=0).fit().return_value)


def _on_workers(ctx: StageContext, job: StageJob, name: str, on_row: OnRow) -> bool:
    """Fits in a daemon thread: Ray would take our signal handlers in the main one, and a stopped stage must save."""
    import ray

    stop_file = job.states / STOP_FILE
    job.states.mkdir(parents=True, exist_ok=True)
    stop_file.unlink(missing_ok=True)
    # A finished or broken run of the same name would be taken up by Ray; our own states say where to go on.
    shutil.rmtree(_storage(ctx) / name, ignore_errors=True)
    outcome: list[BaseException] = []
    config = {"job": job, "progress": ctx.progress, "stop_file": str(stop_file), "on_row": on_row}

    def fit() -> None:
        try:
            _trainer(ctx, train_on_worker, config, name, workers=job.recipe.compute.workers).fit()
        except BaseException as error:
            outcome.append(error)

    start_ray(job.recipe.compute.workers, job.recipe.compute.threads)
    try:
        thread = threading.Thread(target=fit, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
            if ctx.stop.is_set() and not stop_file.exists():
                stop_file.touch()
    finally:
        ray.shutdown()
    if outcome:
        raise _plain(outcome[0])
    stopped = stop_file.exists()
    stop_file.unlink(missing_ok=True)
    return not stopped


def train_on_worker(config: dict[str, Any]) -> None:
    """What each Ray worker does: its rank's part of the stage."""
    import ray.train

    context = ray.train.get_context()
    job, progress, stop_file = config["job"], config["progress"], Path(config["stop_file"])
    copies = job.recipe.compute.copies
    world = World(rank=context.get_world_rank(), size=context.get_world_size(), copies=copies)
    hooks: list[Hook] = [ProgressHook(progress.update, job.stage, job.settings.steps)] if world.is_first else []
    say = progress.say if world.is_first else _silent
    on_row = config["on_row"] if world.is_first else nobody
    train_stage(job, world, hooks=hooks, should_stop=stop_file.exists, say=say, on_row=on_row)


class ProgressHook:
    """A hook that tells the display how far the stage is."""

    def __init__(self, update: Callable[..., None], stage: str, total: int) -> None:
        self._update, self._stage, self._total = update, stage, total

    def on_step(self, report: Any) -> None:
        self._update(
            report.step,
            self._total,
            f"training {self._stage}",
            text_loss=report.text_loss,
            image_loss=report.image_loss,
            tokens=report.tokens,
        )


def _trainer(ctx: StageContext, loop: Callable[..., Any], config: dict[str, Any], name: str, *, workers: int) -> Any:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    run = RunConfig(name=name, storage_path=str(_storage(ctx)), failure_config=FailureConfig(max_failures=MAX_FAILURES))
    scaling = ScalingConfig(num_workers=workers, use_gpu=workers > 0 and _has_gpu())
    return TorchTrainer(loop, train_loop_config=config, scaling_config=scaling, run_config=run)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _storage(ctx: StageContext) -> Path:
    return ctx.workspace.private / "ray"


def _plain(error: BaseException) -> BaseException:
    """The worker's own ValueError out of what Ray wraps around it, so that a person reads one sentence."""
    failures = getattr(error, "worker_failures", None) or {}
    for failure in failures.values():
        cause = getattr(failure, "cause", failure)
        if isinstance(cause, ValueError):
            return ValueError(str(cause))
    return error


def _silent(_: str) -> None:
    return None
