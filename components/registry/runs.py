"""Runs in MLflow, found again by what they worked on and by the workspace that they belong to: nobody touches another's."""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.context import Interrupted
from components.registry.database import has_own_mlflow, has_store
from components.registry.tracking import PARENT, Tracking, connect
from components.storage.dvc import StageInterrupted
from components.storage.home import workspace_id
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.entities import Run as MlflowRun

RUN_KEY, STAGE, WORKSPACE, LOCK_ENTRY = "unimed.run_key", "unimed.stage", "unimed.workspace", "unimed.lock_entry"
OWNER = "unimed.workspace_id"
"""Tag with the id of the workspace that a run belongs to; runs of earlier releases have none."""
PARENT_TAG = "mlflow.parentRunId"
_METRICS, _PARAMS = 500, 100
"""How many MLflow takes in one request."""


@dataclass(frozen=True, slots=True)
class Run:
    """One MLflow run: numbers, facts and files go in."""

    tracking: Tracking
    run_id: str

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Numbers at a step."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self.log_points([Metric(name, float(value), now, step) for name, value in metrics.items()])

    def log_points(self, points: "list[Metric]") -> None:
        """Numbers with the steps and moments that they bear; sent again they change nothing."""
        for start in range(0, len(points), _METRICS):
            self.tracking.client.log_batch(self.run_id, metrics=points[start : start + _METRICS])

    def params(self, values: Mapping[str, Any]) -> None:
        """Facts that do not change: nested maps become dotted names; what is there already stays."""
        from mlflow.entities import Param

        known = self.tracking.client.get_run(self.run_id).data.params
        flat = [Param(name, str(value)[:6000]) for name, value in flatten(values) if name not in known]
        for start in range(0, len(flat), _PARAMS):
            self.tracking.client.log_batch(self.run_id, params=flat[start : start + _PARAMS])

    def tags(self, values: Mapping[str, str]) -> None:
        """Facts that may change."""
        from mlflow.entities import RunTag

        self.tracking.client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in values.items()])

    def dataset(self, dataset_id: str, context: str) -> None:
        """The data set that went in, by its id."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        source = json.dumps({"uri": "data/unimed", "dataset_id": dataset_id})
        entity = Dataset(name="unimed", digest=dataset_id[:36], source_type="local", source=source)
        self.tracking.client.log_inputs(self.run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", context)])])

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """A file, copied into the run."""
        self.tracking.client.log_artifact(self.run_id, str(path), folder)

    def end(self, status: str, at_ms: int | None = None) -> None:
        """Close it: FINISHED, FAILED or KILLED."""
        self.tracking.client.set_terminated(self.run_id, status, at_ms)


@contextmanager
def keyed_run(workspace: Workspace, stage: str, run_key: str, /) -> Iterator[Run]:
    """The workspace's run with this key, continued or made, below the parent run if there is one. Ends as the block ends."""
    run = go_on(workspace, connect(workspace), stage, run_key, parent=os.environ.get(PARENT, ""))
    with ending(run):
        yield run


def go_on(
    workspace: Workspace, tracking: Tracking, stage: str, run_key: str, *, parent: str, at_ms: int | None = None
) -> Run:
    """The workspace's run with this key, running again; made, begun at `at_ms` or now, where there is none."""
    run = find_run(workspace, tracking, {RUN_KEY: run_key})
    if run is None:
        tags = {STAGE: stage, RUN_KEY: run_key} | ({PARENT_TAG: parent} if parent else {})
        return make_run(workspace, tracking, stage, tags, at_ms)
    tracking.client.update_run(run.run_id, status="RUNNING")
    if parent:
        run.tags({PARENT_TAG: parent})
    return run


def make_run(
    workspace: Workspace, tracking: Tracking, name: str, tags: Mapping[str, str], at_ms: int | None = None
) -> Run:
    """A new run of this workspace, which runs."""
    tags = {WORKSPACE: str(workspace.root), OWNER: workspace_id(workspace), **tags}
    made = tracking.client.create_run(tracking.experiment_id, start_time=at_ms, run_name=name, tags=tags)
    return Run(tracking, made.info.run_id)


def find_run(workspace: Workspace, tracking: Tracking, tags: Mapping[str, str]) -> Run | None:
    """The newest of the workspace's runs with these tags, or None."""
    found = _own_runs(workspace, tracking, [f"tags.`{name}` = '{value}'" for name, value in tags.items()])
    return Run(tracking, found[0].info.run_id) if found else None


def end_finished_runs(workspace: Workspace, tracking: Tracking, run_key: str) -> None:
    """Close the workspace's runs with this key as finished, where a kill left them otherwise: what they made is there."""
    for run in _own_runs(workspace, tracking, [f"tags.`{RUN_KEY}` = '{run_key}'", "attributes.status != 'FINISHED'"]):
        tracking.client.set_terminated(run.info.run_id, "FINISHED")


def mark_crashed_runs(workspace: Workspace) -> list[str]:
    """Close this workspace's runs that a killed process left running; returns their ids. Call under the workspace's lock."""
    if not has_store(workspace):
        return []
    tracking = connect(workspace)
    crashed = [run.info.run_id for run in _own_runs(workspace, tracking, ["attributes.status = 'RUNNING'"])]
    for run_id in crashed:
        tracking.client.set_tag(run_id, "unimed.ended", "crashed")
        tracking.client.set_terminated(run_id, "KILLED")
    return crashed


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Leaves of nested maps with dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@contextmanager
def ending(run: Run) -> Iterator[None]:
    """Close the run as the block ends."""
    try:
        yield
    except BaseException as error:
        run.end(status_of(error))
        raise
    run.end("FINISHED")


def status_of(error: BaseException) -> str:
    """What a run is called that ended with this: KILLED when somebody stopped it, else FAILED."""
    return "KILLED" if isinstance(error, Interrupted | StageInterrupted | KeyboardInterrupt) else "FAILED"


def _own_runs(workspace: Workspace, tracking: Tracking, conditions: list[str]) -> "list[MlflowRun]":
    """This workspace's runs of that kind, newest first. In its own file those that name its path are too."""
    owner = workspace_id(workspace)
    search, experiments = tracking.client.search_runs, [tracking.experiment_id]
    if not has_own_mlflow(workspace):
        return list(search(experiments, " and ".join([*conditions, f"tags.`{OWNER}` = '{owner}'"])))
    found = search(experiments, " and ".join(conditions))
    return [run for run in found if _belongs(run, workspace, owner)]


def _belongs(run: "MlflowRun", workspace: Workspace, owner: str) -> bool:
    # A copied workspace has an id of its own; its file holds its original's runs, which name its path since the repair.
    return owner == run.data.tags.get(OWNER) or str(workspace.root) == run.data.tags.get(WORKSPACE)
