"""The door to MLflow: which one, made ready, and how long to wait for it."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from components.recipes.registry import model_name
from components.registry.database import TRACKING, embedded_uri, has_own_mlflow, tracking_uri
from components.registry.places import is_server, sqlite_path
from components.storage.addresses import shown
from components.storage.home import ARTIFACTS, Elsewhere, check_home
from components.storage.private import make_private
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "UNIMED_PARENT_RUN"
"""In the environment of all that a retrain starts: the id of its run, empty while MLflow does not answer."""
ARTIFACT_ROOT = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
_SILENCE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True, slots=True)
class Tracking:
    """An open door to MLflow: client, and the experiment and the registered model that the recipe names."""

    client: "MlflowClient"
    experiment_id: str
    model: str


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
    make_private(workspace)
    from mlflow import MlflowClient

    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It prints what it raises, with its traceback: on a full disk over the sentence that says so.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    uri, model = tracking_uri(workspace), model_name(workspace.params)
    if has_own_mlflow(workspace):
        check_home(workspace)
    uri = _set(uri)
    with _same_release(uri):
        client = MlflowClient(uri)
        found = client.get_experiment_by_name(model)
    if found is not None:
        if found.lifecycle_stage == "deleted":  # on MLflow's page; its runs are there still
            client.restore_experiment(found.experiment_id)
        return Tracking(client, found.experiment_id, model)
    return Tracking(client, _create_experiment(client, model, artifact_place(workspace, uri)), model)


def _create_experiment(client: "MlflowClient", name: str, place: str | None) -> str:
    from mlflow.exceptions import MlflowException

    try:
        return client.create_experiment(name, artifact_location=place)
    except MlflowException as error:
        found = client.get_experiment_by_name(name)
        if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
            raise
        return found.experiment_id  # somebody else was first, between the look and this


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


def _set(uri: str) -> str:
    """Make it MLflow's address in this process and return it as MLflow is to know it: without a password, which it would
    print in each message. User and password go where MLflow looks for them instead."""
    import mlflow

    before = os.environ.get(TRACKING)
    if is_server(uri) and uri != shown(uri):
        parts = urlsplit(uri)
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username or "")
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
        uri = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    # MLflow sets it too; children find the registry under the name that it was given, or none.
    if before is None:
        os.environ.pop(TRACKING, None)
    else:
        os.environ[TRACKING] = before
    return uri


def artifact_place(workspace: Workspace, uri: str) -> str | None:
    """Where a new experiment keeps its files; None where a server or a file store knows by itself.

    Raises ValueError for a bare database, which has no place for files: MLflow would take `mlruns` in the folder of
    whoever was first.
    """
    if uri == embedded_uri(workspace):
        return (workspace.private / ARTIFACTS).as_uri()
    if (file := sqlite_path(uri)) is not None:
        return (file.resolve().parent / ARTIFACTS).as_uri()
    if uri.startswith(("postgresql", "mysql", "mssql")):
        named = os.environ.get(ARTIFACT_ROOT)
        if not named:
            raise ValueError(
                f"MLFLOW_TRACKING_URI is {shown(uri)}, a database without a place for files; point it to an MLflow server "
                f"before that database, or name a place that all can reach in {ARTIFACT_ROOT} (such as s3://bucket/mlflow)"
            )
        return named
    return None
