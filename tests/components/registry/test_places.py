"""What an address of a database or of MLflow names, however it is spelled."""

from pathlib import Path

import pytest

from components.registry.database import ENVIRONMENT, TRACKING, embedded_uri, has_log, has_own_mlflow, has_store
from components.registry.places import plain_address, sqlite_path
from components.storage.workspace import Workspace


@pytest.mark.parametrize("url", ["sqlite:////a/b.db", "sqlite:////a/b.db?timeout=9", "sqlite+pysqlite:////a/b.db"])
def test_an_sqlite_file_is_the_same_with_a_driver_and_with_parameters(url, tmp_path, monkeypatch):
    assert sqlite_path(url) == Path("/a/b.db") and plain_address(url) == "sqlite:////a/b.db"
    (tmp_path / "b.db").touch()
    monkeypatch.setenv(ENVIRONMENT, url.replace("/a/", f"{tmp_path}/"))
    assert has_log(Workspace(tmp_path))


@pytest.mark.parametrize("url", ["postgresql://db/unimed", "http://mlflow:5000", "sqlite", "/shared/mlruns"])
def test_what_is_no_sqlite_file_names_none(url):
    assert sqlite_path(url) is None


def test_the_own_mlflow_is_known_by_another_spelling_and_holds_nothing_before_it_is_made(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path)
    monkeypatch.setenv(TRACKING, embedded_uri(workspace).replace("/.unimed/", "/.unimed/../.unimed/"))
    assert has_own_mlflow(workspace) and not has_store(workspace)
    monkeypatch.setenv(TRACKING, "http://mlflow:5000")
    assert has_store(workspace) and not has_own_mlflow(workspace)
