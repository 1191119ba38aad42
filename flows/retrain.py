"""The main job as a Prefect flow: every stage in order, then register, then decide. Prefect says when, DVC says what."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Cancelled
from prefect.task_runners import ThreadPoolTaskRunner

from components.recipes.recipe import read_recipe
from components.storage.spans import lane, spending
from components.storage.workspace import Workspace
from components.training.state_folders import forget_states
from flows.interruption import GO_ON, stoppable
from flows.journal import keep_seconds, record
from flows.order import stage_order

Promote = Literal["gate", "approve", "never"]

SIDE_BY_SIDE = 2
"""Stages of one group that run at the same time."""


@dataclass(slots=True)
class Outcome:
    """What a run did."""

    ran: dict[str, float] = field(default_factory=dict)
    """Stage -> seconds, for those that did their work."""
    unchanged: list[str] = field(default_factory=list)
    version: Any = None
    decision: Any = None
    own_seconds: dict[str, float] = field(default_factory=dict)
    """register, decide -> seconds."""


class _Stop:
    """The run's wish to stop: one per process, set by signals, read by tasks in their threads."""

    event = threading.Event()


@task(name="stage", task_run_name="{target}", cache_policy=NO_CACHE, persist_result=False)
def stage(workspace: Workspace, target: str) -> Any:
    """Bring one DVC stage up to date, and send what it made to the DVC remote; skipped when nothing it reads changed."""
    from components.storage.dvc import StageFailed, StageInterrupted, reproduce_stage
    from components.storage.dvc_remote import push

    if _Stop.event.is_set():
        raise StageInterrupted(target)
    record(workspace, target, "begin")
    try:
        with lane(target), spending("dvc"):
            outcome = reproduce_stage(workspace, target)
            if outcome.ran:
                push(workspace, target)
    except StageInterrupted:
        record(workspace, target, "end", state="interrupted")
        raise
    except StageFailed as error:
        if _Stop.event.is_set():
            # Killed by the signal before it could listen; nothing was lost.
            record(workspace, target, "end", state="interrupted")
            raise StageInterrupted(target) from None
        record(workspace, target, "end", state="failed")
        raise error from None
    record(workspace, target, "end", state="done" if outcome.ran else "unchanged", seconds=outcome.seconds)
    return outcome


@task(name="register", cache_policy=NO_CACHE, persist_result=False)
def register(workspace: Workspace) -> Any:
    """The version of what the workspace holds; the same one when it was registered before."""
    from components.recipes.registry import model_name
    from components.registry.presence import registered_now
    from components.registry.versions import register as register_version
    from components.storage.dvc_remote import push

    with lane("register"), spending("mlflow"):
        push(workspace)
        # A server that is away is told at once; MLflow's client would try for minutes.
        registered_now(workspace, model_name(workspace.params))
        return register_version(workspace)


@task(name="decide", cache_policy=NO_CACHE, persist_result=False)
def decide(workspace: Workspace, version: Any, promote: Promote) -> Any:
    """The gate's decision about the version, and the promotion that follows from it."""
    from components.registry.promotion import decide as decide_promotion

    with lane("decide"), spending("mlflow"):
        return decide_promotion(workspace, version, promote)


@flow(
    name="retrain",
    flow_run_name="{label}",
    task_runner=ThreadPoolTaskRunner(max_workers=SIDE_BY_SIDE),  # type: ignore[arg-type]
    persist_result=False,
    validate_parameters=False,
)
def retrain(root: str, promote: Promote = "gate", label: str = "retrain") -> Any:
    """Bring every stage up to date, register what came out, promote it if the gate agrees.

    Returns an Outcome, or a Cancelled state named Interrupted when somebody asked it to stop. Tasks run in threads,
    so that the main thread keeps its signal handlers (DVC replaces them in the thread that it runs a command in).
    """
    from components.registry.retrain_run import parent_run
    from components.storage.dvc import StageInterrupted

    workspace = Workspace(Path(root))
    recipe = read_recipe(workspace.params)
    outcome = Outcome()
    with stoppable(_Stop.event, recipe.compute.grace_seconds):
        try:
            with parent_run(workspace, label) as parent:
                for group in stage_order(recipe):
                    run_group(workspace, group, outcome, parent)
                outcome.version = timed(workspace, outcome, "register", register, workspace)
                outcome.decision = timed(workspace, outcome, "decide", decide, workspace, outcome.version, promote)
                forget_states(workspace, recipe.curriculum)
        except Exception as error:
            if _Stop.event.is_set() or isinstance(error, StageInterrupted):
                return Cancelled(name="Interrupted", message=GO_ON)
            raise
    return outcome


def run_group(workspace: Workspace, group: Iterable[str], outcome: Outcome, parent: Any) -> None:
    """Run the stages side by side, wait for all, link the parent run to theirs; raises what the first of them raised."""
    from components.registry.retrain_run import record_stage

    futures = [stage.submit(workspace, target) for target in group]
    states = [future.wait() or future.state for future in futures]
    for state in states:
        result = state.result()
        if result.ran:
            outcome.ran[result.stage] = result.seconds
        else:
            outcome.unchanged.append(result.stage)
        record_stage(parent, result.stage, ran=result.ran, seconds=result.seconds)
    keep_seconds(workspace, outcome.ran)


def timed(workspace: Workspace, outcome: Outcome, name: str, work: Any, *arguments: Any) -> Any:
    """Run one task of the flow's own in its thread, journalled like a stage."""
    record(workspace, name, "begin")
    begun = time.monotonic()
    try:
        result = work.submit(*arguments).result()
    except BaseException:
        record(workspace, name, "end", state="interrupted" if _Stop.event.is_set() else "failed")
        raise
    outcome.own_seconds[name] = time.monotonic() - begun
    record(workspace, name, "end", state="done", seconds=outcome.own_seconds[name])
    return result
