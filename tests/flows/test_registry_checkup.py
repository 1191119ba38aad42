"""What `unimed doctor` says of the registry."""

import pytest

from components.registry.decisions import read_log
from components.registry.identity import registry_of
from components.storage.workspace import Workspace
from flows.registry_checkup import registry_findings


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    for name in ("MLFLOW_TRACKING_URI", "UNIMED_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return Workspace(tmp_path)


def test_an_own_registry_is_named_once_there_is_one(workspace):
    assert list(registry_findings(workspace)) == []
    read_log(workspace)
    assert [finding.found for finding in registry_findings(workspace)] == ["none yet; the first decision makes one"]
    made = registry_of(workspace)
    (found,) = registry_findings(workspace)
    assert found.state == "good" and found.found == f"{made.id} (model unimed), in {workspace.private / 'unimed.db'}"


def test_a_shared_mlflow_without_a_database_of_decisions_is_bad_and_says_what_to_set(workspace, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@mlflow.example:5000")
    (found,) = registry_findings(workspace)
    assert (found.state, found.what) == ("bad", "decisions")
    assert found.fix.startswith("set UNIMED_DATABASE_URL to the team's database") and "secret" not in found.found


def test_a_database_that_nobody_answers_is_bad_and_shows_no_password(workspace, monkeypatch):
    monkeypatch.setenv("UNIMED_DATABASE_URL", "postgresql+psycopg://me:secret@127.0.0.1:1/unimed")
    found = list(registry_findings(workspace))
    assert {finding.state for finding in found} == {"bad"}
    assert "secret" not in "".join(finding.found + finding.fix for finding in found)


def test_a_store_that_is_no_database_is_named_with_the_way_back_and_nothing_else_is_asked(workspace):
    store = workspace.private / "mlflow.db"
    store.parent.mkdir()
    store.write_bytes(b"no database" * 100)
    (found,) = registry_findings(workspace)
    assert (found.state, found.found) == ("bad", f"{store} cannot be used (file is not a database)")
    assert "unimed registry restore" in found.fix
