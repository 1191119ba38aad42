"""The door to MLflow: which one, made ready, and how long to wait for it."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.registry.database import embedded_uri, tracking_uri
from components.storage.addresses import shown
from components.storage.home import ARTIFACTS, Elsewhere, check_home
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "unimed"
PARENT = "UNIMED_PARENT_RUN"
"""In the environment of all that a retrain starts: the id of its run, empty while MLflow does not answer."""
BRIEF = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Whoever only watches asks once, and later again; MLflow by itself would try for minutes."""
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


FOR_A_PERSON = (Elsewhere, OtherRelease)
"""What no waiting mends."""


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
def briefly() -> Iterator[None]:
    """Within the block MLflow's client gives up after seconds."""
    before: Mapping[str, str | None] = {name: os.environ.get(name) for name in BRIEF}
    os.environ.update(BRIEF)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


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
            f"the MLflow database {shown(uri)} was made by another release of MLflow ({revisions}); one of a newer "
            f"release needs that release, an older one `mlflow db upgrade {shown(uri)}`, after a copy of it"
        ) from None
