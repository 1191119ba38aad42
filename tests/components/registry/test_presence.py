"""What the registry holds now: a file, a server, and a server that is away, each asked without MLflow's client."""

import pytest
from mlflow import MlflowClient

from components.recipes.registry import MODEL
from components.registry import presence
from components.registry.presence import Away, Presence, registered_now
from components.registry.tracking import connect
from components.storage.workspace import Workspace
from flows.loopback import free_port, loopback_url
from tests.fixtures.mlflow_server import MlflowServer


def test_the_file_is_read_as_mlflow_reads_it(three):
    client = connect(three).client
    client.set_registered_model_alias(MODEL, "challenger", "3")
    client.delete_model_version(MODEL, "2")
    found = registered_now(three, MODEL)
    assert found == Presence(frozenset({1, 3}), {"champion": 1, "challenger": 3})
    assert found == presence._asked(three)


def test_a_server_that_is_away_is_named_with_the_fix_and_without_its_password(tmp_path, monkeypatch):
    address = loopback_url(free_port()).replace("//", "//ada:secret@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(Away, match=r"does not answer .* correct MLFLOW_TRACKING_URI") as caught:
        registered_now(Workspace(tmp_path), MODEL)
    assert "secret" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_server_is_asked_page_by_page_and_says_what_mlflow_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = f"sqlite:///{tmp_path / 'server.db'}"
    client = MlflowClient(store, registry_uri=store)  # another test may have named a registry for this process
    client.create_registered_model(MODEL)
    for _ in range(4):
        client.create_model_version(MODEL, "file:///none", tags={"unimed.weights_sha256": "w"})
    client.delete_model_version(MODEL, "2")
    client.set_registered_model_alias(MODEL, "champion", "3")
    server = MlflowServer(tmp_path)
    server.start()
    try:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        monkeypatch.setattr(presence, "_PAGE", 2)
        workspace = Workspace(tmp_path)
        found = registered_now(workspace, MODEL)
        assert found == Presence(frozenset({1, 3, 4}), {"champion": 3})
        assert found == presence._asked(workspace)
        assert registered_now(workspace, "nobodys") == Presence(frozenset(), {})
    finally:
        server.stop()
