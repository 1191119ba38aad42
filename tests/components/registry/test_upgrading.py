"""MLflow's store after another release of MLflow had it, and after somebody deleted on its page."""

import sqlite3
from contextlib import closing

import pytest

from components.recipes.registry import MODEL
from components.registry.promotion import decide
from components.registry.tracking import OtherRelease, connect
from components.registry.versions import models, register
from components.storage.workspace import Workspace


def test_a_database_of_an_older_release_is_brought_up_with_what_it_holds(tmp_path, monkeypatch):
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    workspace = Workspace(tmp_path)
    workspace.private.mkdir()
    uri = f"sqlite:///{workspace.private / 'mlflow.db'}"
    Base.metadata.create_all(create_engine(uri, poolclass=NullPool))
    command.upgrade(_get_alembic_config(uri), "f5a4f2784254")  # a revision of some releases ago
    place = (workspace.private / "mlflow-artifacts").as_uri()
    with closing(sqlite3.connect(workspace.private / "mlflow.db")) as database:
        columns = "(experiment_id, name, artifact_location, lifecycle_stage)"
        database.execute(f"insert into experiments {columns} values (?, ?, ?, ?)", (7, MODEL, place, "active"))
        database.commit()
    assert connect(workspace).experiment_id == "7"


def test_a_database_that_this_mlflow_does_not_know_is_named_with_both_revisions_and_the_way_out(workspace):
    with closing(sqlite3.connect(workspace.private / "mlflow.db")) as database:
        database.execute("update alembic_version set version_num = 'f00dfeed0000'")
        database.commit()
    with pytest.raises(OtherRelease, match=r"found version f00dfeed0000, but expected .* `mlflow db upgrade sqlite:"):
        connect(workspace)


def test_an_experiment_that_was_deleted_on_mlflows_page_is_restored_with_its_versions(workspace):
    decide(workspace, register(workspace), "gate")
    tracking = connect(workspace)
    tracking.client.delete_experiment(tracking.experiment_id)
    assert connect(workspace).experiment_id == tracking.experiment_id
    assert tracking.client.get_experiment(tracking.experiment_id).lifecycle_stage == "active"
    assert [row["aliases"] for row in models(workspace)] == [["champion"]]
