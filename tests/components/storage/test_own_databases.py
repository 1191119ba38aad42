"""Databases of the workspace that are none any more."""

import sqlite3
from contextlib import closing

import pytest

from components.storage.own_databases import Damaged, check_databases, damage
from components.storage.workspace import Workspace
from flows.session import session


def test_a_run_is_refused_before_it_begins_where_what_it_makes_could_not_be_kept(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.private.mkdir()
    for name in ("mlflow.db", "unimed.db"):
        (workspace.private / name).write_bytes(b"no database" * 100)
        with (
            pytest.raises(
                Damaged, match=rf"{name} cannot be used \(file is not a database\); `unimed registry restore"
            ),
            session(workspace, "retrain"),
        ):
            pytest.fail("the run began")
        (workspace.private / name).unlink()


def test_a_database_an_empty_file_and_a_locked_one_are_none_of_these(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.private.mkdir()
    store = workspace.private / "mlflow.db"
    store.touch()
    check_databases(workspace)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("create table t (x)")
        connection.commit()
        connection.execute("begin exclusive")
        assert damage(store) == ""
