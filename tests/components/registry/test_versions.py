"""Registering what a workspace made."""

import json

import pytest
from mlflow import MlflowClient

from components.registry import versions
from components.registry.catalogue import record_folder, reference_of, resolve
from components.registry.database import Impossible
from components.registry.tracking import connect
from components.registry.versions import models, register


def test_registering_twice_gives_one_version_and_other_weights_another(workspace, retrain):
    first = register(workspace)
    assert register(workspace).number == first.number == 1
    retrain(workspace, "weights 2")
    second = register(workspace)
    assert second.number == 2
    assert second.weights_sha256 != first.weights_sha256
    assert second.dataset_id == first.dataset_id
    assert [row["version"] for row in models(workspace)] == [2, 1]


def test_a_version_remembers_recipe_lock_evaluation_and_weights_by_reference(workspace):
    version = register(workspace)
    tracking = connect(workspace)
    record = record_folder(tracking, version)
    for name in ("dvc.lock", "dvc.yaml", "params.yaml", "evaluation.json", "weights.json", "lineage.json", "card.md"):
        assert (record / name).is_file(), name
    reference = reference_of(tracking, version)
    assert [file.name for file in reference.files] == ["config.json", "model.safetensors"]
    assert not list(record.rglob("*.safetensors"))
    row = models(workspace)[0]
    assert row["metrics"]["vqa/pool/accuracy"] == 0.8
    assert row["decision"] is None
    assert row["recipe"] == "tiny"
    assert set(row) >= {
        "version",
        "aliases",
        "weights_sha256",
        "dataset_id",
        "git_commit",
        "recipe",
        "metrics",
        "decision",
    }


def test_an_evaluation_of_other_weights_is_refused(workspace):
    path = workspace.evaluation / "evaluation.json"
    value = json.loads(path.read_text())
    path.unlink()
    path.write_text(json.dumps(value | {"weights_sha256": "0" * 64}))
    with pytest.raises(ValueError, match=r"evaluation\.json is about weights_sha256 000000000000, the workspace holds"):
        register(workspace)


def test_nothing_to_register_names_what_is_missing(workspace):
    (workspace.root / "dvc.lock").unlink()
    with pytest.raises(ValueError, match=r"no weights \(checkpoints/unified\)"):
        register(workspace)


def test_unknown_versions_and_a_missing_champion_are_named(workspace):
    with pytest.raises(Impossible, match="no version is registered yet"):
        resolve(workspace, "champion")
    register(workspace)
    with pytest.raises(Impossible, match="no version is champion yet; registered: 1"):
        resolve(workspace, "champion")
    with pytest.raises(Impossible, match="there is no version 7; registered: 1"):
        resolve(workspace, "7")
    assert resolve(workspace, "1").number == 1


def test_models_of_a_new_workspace_are_none_and_no_database_is_made(workspace):
    (workspace.private / "mlflow.db").unlink()
    assert models(workspace) == []
    assert not (workspace.private / "mlflow.db").exists()


def test_listing_asks_mlflow_as_often_for_three_versions_as_for_one(three, monkeypatch):
    asked = []

    class Counting(MlflowClient):
        """Notes what it is asked."""

        def __getattribute__(self, name):
            if not name.startswith("_") and callable(getattr(MlflowClient, name, None)):
                asked.append(name)
            return super().__getattribute__(name)

    real = connect(three)
    real.client.__class__ = Counting
    monkeypatch.setattr(versions, "connect", lambda _: real)
    rows = versions.models(three)
    assert sorted(asked) == ["get_registered_model", "search_model_versions", "search_runs"]
    assert [row["version"] for row in rows] == [3, 2, 1]
    assert all(row["metrics"]["vqa/pool/accuracy"] == 0.8 for row in rows)
