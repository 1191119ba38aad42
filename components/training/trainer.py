"""A curriculum stage through Ray Train: in this process with no workers, else on as many as the recipe says.

Ray starts the ranks, restarts lost ones and gives them their places. What a stage has learnt lies in our own training
states, so a restarted worker group, like a restarted stage, goes on from the newest of them.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.cluster import blind_nodes, has_cluster, start_ray
from components.context import StageContext
from components.recipes.training import ComputeSettings
from components.storage.full_disk import is_full
from components.storage.node_cache import FOLDER
from components.training.board import Messenger, Told, Wish, exchange_with, make_board
from components.training.fitting import Fitting
from components.training.heartbeat import Heartbeat
from components.training.job import StageJob
from components.training.loop import Hook
from components.training.losses import OnRow, nobody
from components.training.reference import JobByReference, Mark, job_here, mark, refer, send_output, take_output
from components.training.run import train_stage
from components.training.workers import Ask, Room, ask_of, nodes_of_cluster, unmet
from components.training.world import OFFLOADING, World

if TYPE_CHECKING:
    from ray.train import ScalingConfig
    from ray.train.torch import TorchTrainer

COLLECTIVE_SECONDS = 600
"""How long a rank waits for the others before it gives up: a step and a gathered tensor take less."""


def train_through_ray(ctx: StageContext, job: StageJob, name: str, on_row: OnRow = nobody) -> bool:
    """Trains the stage; True when its checkpoint is written, False when it was stopped and its state saved.

    `on_row` is called with each row of the loss curve, in this process. Raises ValueError for what a person can mend,
    Interrupted when the cluster's head is gone.
    """
    if job.recipe.compute.workers == 0:
        return _in_this_process(ctx, job, name, on_row)
    return _on_workers(ctx, job, name, on_row)


def _in_this_process(ctx: StageContext, job: StageJob, name: str, on_row: OnRow) -> bool:
    hooks = [ProgressHook(ctx.progress.update, job.stage, job.settings.steps)]

    def loop(_: dict[str, Any]) -> bool:
        return train_stage(job, World(), hooks=hooks, should_stop=ctx.stop.is_set, say=ctx.progress.say, on_row=on_row)

    from ray.train import ScalingConfig

    scaling = ScalingConfig(num_workers=0)
    return bool(_trainer(_storage(ctx), loop, {}, name, scaling).fit().return_value)


def _on_workers(ctx: StageContext, job: StageJob, name: str, on_row: OnRow) -> bool:
    compute = job.recipe.compute
    start_ray(compute.workers, compute.threads)
    with mark(ctx.workspace.private / "nodes") as seen:
        given: StageJob | JobByReference = job
        ask = ask_of(compute, has_gpu=_has_gpu())
        least = compute.workers - compute.missing_workers

        def lacks() -> str:
            return unmet(ask, least, nodes_of_cluster())

        board = make_board()
        fitting = Fitting(ctx, board, on_row, room=Room(ask), lacks=lacks)
        with fitting.ending():
            if lack := lacks():
                if not has_cluster():
                    raise ValueError(lack)
                ctx.progress.say(f"{lack}; waiting {compute.wait_seconds:.0f} s for it (compute.wait_seconds)")
            if has_cluster() and (blind := blind_nodes(seen.is_seen)):
                ctx.progress.say(f"{', '.join(blind)} do not see the workspace: they work by way of the DVC remote")
                given = refer(ctx, job, name, seen)
            config = {"job": given, "board": board, "seen": seen}
            scaling = _scaling(compute, ask)

            def begin() -> object:
                # A finished or broken run of the same name would be taken up by Ray; our own states say where to go on.
                shutil.rmtree(_storage(ctx) / name, ignore_errors=True)
                trainer = _trainer(_storage(ctx), train_on_worker, config, name, scaling, offload=compute.offload)
                return trainer.fit()

            finished = fitting.wait(begin)
    if finished and isinstance(given, JobByReference):
        take_output(given, fitting.made, job)
    return finished


def train_on_worker(config: dict[str, Any]) -> None:
    """What each Ray worker does: its rank's part of the stage."""
    import ray.train
    from ray.util import get_node_ip_address

    context = ray.train.get_context()
    rank, exchange = context.get_world_rank(), exchange_with(config["board"])
    given: StageJob | JobByReference = config["job"]
    world = World(rank=rank, size=context.get_world_size(), copies=given.recipe.compute.copies)
    node = f"{socket.gethostname()} ({get_node_ip_address()})"
    heartbeat = Heartbeat(rank, given.recipe.curriculum[given.stage].steps, node)
    with _told(exchange):
        if given.recipe.compute.worker_gpu == "never":
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        if isinstance(given, StageJob):
            _check_seen(config["seen"], given)
        messenger = Messenger(exchange, heartbeat, world.size)
        job = given if isinstance(given, StageJob) else job_here(given, rank, messenger.say)
        hooks: list[Hook] = [heartbeat]
        if world.is_first:
            hooks.append(ProgressHook(messenger.update, job.stage, job.settings.steps))
        say, on_row = (messenger.say, messenger.row) if world.is_first else (_silent, nobody)
        finished = train_stage(job, world, hooks=hooks, should_stop=messenger.should_stop, say=say, on_row=on_row)
        if world.is_first:
            if finished and isinstance(given, JobByReference):
                messenger.tell("made", send_output(given, job))
            messenger.tell("ended", finished)
        messenger.close()


@contextmanager
def _told(exchange: Callable[[list[Told]], Wish]) -> Iterator[None]:
    """Tells the stage what ends this worker: a user's error is no reason to start again, anything else may be."""
    try:
        yield
    except ValueError as error:
        exchange([Told("failed", str(error))])
        raise
    except OSError as error:
        where = f"{socket.gethostname()}: {error}"
        if is_full(error):
            exchange([Told("failed", f"{where}; free some space there, or set {FOLDER} to a folder that has some")])
        else:
            exchange([Told("broke", where)])
        raise
    except Exception as error:
        exchange([Told("broke", f"{socket.gethostname()}: {type(error).__name__}: {error}")])
        raise


def _check_seen(seen: Mark, job: StageJob) -> None:
    if not seen.is_seen():
        raise ValueError(
            f"{socket.gethostname()}, which joined the cluster late, does not see {job.checkpoint.parent.parent}, while the "
            "nodes before it do; start the same command again: it asks all of them"
        )


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


def _trainer(
    storage: Path,
    loop: Callable[..., Any],
    config: dict[str, Any],
    name: str,
    scaling: "ScalingConfig",
    *,
    offload: bool = False,
) -> "TorchTrainer":
    from ray.train import FailureConfig, RunConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    # How often is too often is for Fitting to say: a node that is lost once a day is no reason to give up.
    failures = FailureConfig(max_failures=-1 if scaling.num_workers else 0)
    return TorchTrainer(
        loop,
        train_loop_config=config,
        torch_config=TorchConfig(OFFLOADING if offload and scaling.use_gpu else None, timeout_s=COLLECTIVE_SECONDS),
        scaling_config=scaling,
        run_config=RunConfig(name=name, storage_path=str(storage), failure_config=failures),
    )


def _scaling(compute: ComputeSettings, ask: Ask) -> "ScalingConfig":
    """All the workers; or as few as may be there, in which case Ray takes what it has room for when it starts them, and more
    later are for Fitting to see: Ray would take them in at once, without the steps since the last state."""
    from ray.train import ScalingConfig

    most = compute.workers
    return ScalingConfig(
        num_workers=(most - compute.missing_workers, most) if compute.missing_workers else most,
        use_gpu=ask.gpus > 0,
        resources_per_worker=ask.resources,
        placement_strategy=compute.placement.upper(),
        elastic_resize_monitor_interval_s=float("inf"),
    )


def _has_gpu() -> bool:
    if has_cluster():
        import ray

        return ray.cluster_resources().get("GPU", 0) > 0
    from model.device import this_device

    return this_device().type == "cuda"


def _storage(ctx: StageContext) -> Path:
    """Where Ray's controller, which runs beside this process or on a named cluster's head, keeps its own notes."""
    return Path(tempfile.gettempdir()) / f"unimed-ray-{os.getuid()}" if has_cluster() else ctx.workspace.private / "ray"


def _silent(_: str) -> None:
    return None
