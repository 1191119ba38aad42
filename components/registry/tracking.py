"""Runs in MLflow: one parent for a retrain, one child for each stage, found again by what it worked on."""

import json
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.context import Interrupted
from components.registry.database import embedded_uri, tracking_uri
from components.storage.dvc import StageInterrupted
from components.storage.dvc_repository import read_lock
from components.storage.home import ARTIFACTS, check_home
from components.storage.keys import digest
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "unimed"
PARENT = "UNIMED_PARENT_RUN"
RUN_KEY, STAGE, WORKSPACE, LOCK_ENTRY = "unimed.run_key", "unimed.stage", "unimed.workspace", "unimed.lock_entry"
_PARENT_TAG = "mlflow.parentRunId"
_BATCH = 500
_SILENCE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True, slots=True)
class Tracking:
    """An open door to MLflow: client and the experiment of this project."""

    client: "MlflowClient"
    experiment_id: str


class OtherRelease(ValueError):
    """Another release of MLflow made the database's tables."""


def connect(workspace: Workspace) -> Tracking:
    """MLflow for this workspace, made if it is not there: its own SQLite file, or what MLFLOW_TRACKING_URI names.

    An experiment that somebody deleted on MLflow's page is restored. Raises Elsewhere when its own file belongs to a folder
    that was moved or copied, OtherRelease when MLflow cannot work with the tables that another release of it made.
    """
    for name, value in _SILENCE.items():
        os.environ.setdefault(name, value)
    workspace.private.mkdir(parents=True, exist_ok=True)
    import mlflow
    from mlflow import MlflowClient

    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    uri = tracking_uri(workspace)
    if uri == embedded_uri(workspace):
        check_home(workspace)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with _same_release(uri):
        client = MlflowClient(uri)
        found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        if found.lifecycle_stage == "deleted":  # on MLflow's page; its runs are there still
            client.restore_experiment(found.experiment_id)
        return Tracking(client, found.experiment_id)
    own = (workspace.private / ARTIFACTS).as_uri() if uri == embedded_uri(workspace) else None
    return Tracking(client, client.create_experiment(EXPERIMENT, artifact_location=own))


@contextmanager
def _same_release(uri: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if "out-of-date database schema" not in str(error):
            raise
        revisions = str(error).partition("(")[2].partition(")")[0]
        raise OtherRelease(
            f"the MLflow database {uri.split('@')[-1]} was made by another release of MLflow ({revisions}); one of a newer "
            f"release needs that release, an older one `mlflow db upgrade {uri.split('@')[-1]}`, after a copy of it"
        ) from None


class Run:
    """One MLflow run: numbers, facts and files go in; metrics are sent in batches."""

    def __init__(self, tracking: Tracking, run_id: str) -> None:
        self.tracking, self.run_id = tracking, run_id
        self._waiting: list[Any] = []
        self._sent = time.monotonic()

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Numbers at a step; sent every 5 seconds and at the end."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting += [Metric(name, float(value), now, step) for name, value in metrics.items()]
        if time.monotonic() - self._sent > 5:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        while self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            self.tracking.client.log_batch(self.run_id, metrics=batch)
        self._sent = time.monotonic()

    def params(self, values: Mapping[str, Any]) -> None:
        """Facts that do not change: nested maps become dotted names; what is there already stays."""
        from mlflow.entities import Param

        known = self.tracking.client.get_run(self.run_id).data.params
        flat = [Param(name, str(value)[:6000]) for name, value in flatten(values) if name not in known]
        for start in range(0, len(flat), 100):
            self.tracking.client.log_batch(self.run_id, params=flat[start : start + 100])

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

    def end(self, status: str) -> None:
        """Send what waits and close: FINISHED, FAILED or KILLED."""
        self.flush()
        self.tracking.client.set_terminated(self.run_id, status)


@contextmanager
def parent_run(workspace: Workspace, name: str, tags: Mapping[str, str] | None = None) -> Iterator[Run]:
    """The run of a whole retrain; child processes find it in the environment. Ends as the block ends."""
    tracking = connect(workspace)
    run = _create(tracking, name, {WORKSPACE: str(workspace.root), **(tags or {})})
    before = os.environ.get(PARENT)
    os.environ[PARENT] = run.run_id
    try:
        with _ending(run):
            yield run
    finally:
        if before is None:
            os.environ.pop(PARENT, None)
        else:
            os.environ[PARENT] = before


@contextmanager
def keyed_run(workspace: Workspace, stage: str, run_key: str, /) -> Iterator[Run]:
    """The run with this key, continued (so a killed stage has one curve) or made, below the parent run if there is one.
    Ends as the block ends."""
    tracking = connect(workspace)
    parent = os.environ.get(PARENT)
    run = _find(tracking, RUN_KEY, run_key)
    if run is None:
        tags = {WORKSPACE: str(workspace.root), STAGE: stage, RUN_KEY: run_key}
        run = _create(tracking, stage, tags | ({_PARENT_TAG: parent} if parent else {}))
    else:
        tracking.client.update_run(run.run_id, status="RUNNING")
        if parent:
            run.tags({_PARENT_TAG: parent})
    with _ending(run):
        yield run


def record_stage(workspace: Workspace, parent: Run, stage: str, *, ran: bool, seconds: float) -> str | None:
    """Link the parent to the run that made the stage's present output, and return its id; None if nobody knows it.

    A stage that ran without a run of its own (all but training) gets one here, from its entry in dvc.lock; a skipped
    stage is linked to the run that made its output, whichever retrain that was.
    """
    entry = read_lock(workspace).get(stage, {})
    key = digest(entry)
    tracking = parent.tracking
    run = _find(tracking, LOCK_ENTRY, key)
    if run is None and ran:
        run = _find(tracking, STAGE, stage, parent=parent.run_id)
    if run is None and not ran:
        return None
    if run is None:
        tags = {WORKSPACE: str(workspace.root), STAGE: stage, RUN_KEY: key, _PARENT_TAG: parent.run_id}
        run = _create(tracking, stage, tags)
        run.end("FINISHED")
    if ran:
        run.tags({LOCK_ENTRY: key})
        run.params({file: values for file, values in entry.get("params", {}).items() if file == "params.yaml"})
        run.log(0, {"seconds": seconds})
        run.flush()
    parent.tags({f"unimed.run.{stage.replace('@', '-')}": run.run_id})
    return run.run_id


def mark_crashed_runs(workspace: Workspace) -> list[str]:
    """Close this workspace's runs that a killed process left running; returns their ids. Call under the workspace's lock."""
    if tracking_uri(workspace) == embedded_uri(workspace) and not (workspace.private / "mlflow.db").is_file():
        return []
    tracking = connect(workspace)
    condition = f"tags.`{WORKSPACE}` = '{_quoted(str(workspace.root))}' and attributes.status = 'RUNNING'"
    crashed = [run.info.run_id for run in tracking.client.search_runs([tracking.experiment_id], condition)]
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
def _ending(run: Run) -> Iterator[None]:
    try:
        yield
    except (Interrupted, StageInterrupted, KeyboardInterrupt):
        run.end("KILLED")
        raise
    except BaseException:
        run.end("FAILED")
        raise
    else:
        run.end("FINISHED")


def _create(tracking: Tracking, name: str, tags: Mapping[str, str]) -> Run:
    run = tracking.client.create_run(tracking.experiment_id, run_name=name, tags=dict(tags))
    return Run(tracking, run.info.run_id)


def _find(tracking: Tracking, tag: str, value: str, parent: str | None = None) -> Run | None:
    condition = f"tags.`{tag}` = '{_quoted(value)}'"
    if parent:
        condition += f" and tags.`{_PARENT_TAG}` = '{parent}'"
    runs = tracking.client.search_runs([tracking.experiment_id], condition, max_results=1)
    return Run(tracking, runs[0].info.run_id) if runs else None


def _quoted(value: str) -> str:
    return value.replace("'", "\\'")
