"""Runs in MLflow: one a key and workspace, found again, none left running, nobody else's touched."""

import pytest

from components.context import Interrupted
from components.registry import runs, tracking
from components.registry.tracking import connect
from components.storage.dvc import StageInterrupted
from components.storage.home import workspace_id
from components.storage.workspace import Workspace


def run_of(workspace, run_id):
    return connect(workspace).client.get_run(run_id)


@pytest.fixture
def neighbours(workspace, tmp_path, monkeypatch) -> tuple[Workspace, Workspace]:
    """Two workspaces that share one MLflow."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'shared.db'}")
    other = Workspace(tmp_path / "it's other")
    other.root.mkdir()
    return workspace, other


def test_the_same_key_continues_the_same_run_with_one_curve(workspace):
    with pytest.raises(KeyboardInterrupt), runs.keyed_run(workspace, "train@unified", "key") as first:
        first.log(1, {"train/text_loss": 2.0})
        raise KeyboardInterrupt
    assert run_of(workspace, first.run_id).info.status == "KILLED"
    with runs.keyed_run(workspace, "train@unified", "key") as second:
        second.log(2, {"train/text_loss": 1.0})
        second.params({"curriculum": {"unified": {"steps": 5}}})
    with runs.keyed_run(workspace, "train@unified", "other") as third:
        pass
    assert second.run_id == first.run_id != third.run_id
    history = connect(workspace).client.get_metric_history(first.run_id, "train/text_loss")
    assert [(point.step, point.value) for point in history] == [(1, 2.0), (2, 1.0)]
    assert run_of(workspace, first.run_id).data.params == {"curriculum.unified.steps": "5"}
    assert run_of(workspace, first.run_id).info.status == "FINISHED"


def test_two_workspaces_with_equal_inputs_have_a_run_each(neighbours):
    mine, other = neighbours
    made = {}
    for workspace in (mine, other, mine, other):
        with runs.keyed_run(workspace, "train@unified", "key") as run:
            made.setdefault(workspace.root, []).append(run.run_id)
    assert made[mine.root][0] == made[mine.root][1] != made[other.root][0] == made[other.root][1]
    tags = run_of(other, made[other.root][0]).data.tags
    assert (tags["unimed.workspace"], tags["unimed.workspace_id"]) == (str(other.root), workspace_id(other))


def test_a_live_run_of_another_workspace_is_not_called_crashed(neighbours):
    mine, other = neighbours
    with pytest.raises(ValueError, match="gone"), runs.keyed_run(other, "train@unified", "key") as living:
        dead = runs.make_run(mine, connect(mine), "train@unified", {})
        assert runs.mark_crashed_runs(mine) == [dead.run_id]
        assert run_of(other, living.run_id).info.status == "RUNNING"
        raise ValueError("gone")
    assert run_of(other, living.run_id).info.status == "FAILED"


def test_runs_of_a_killed_process_are_closed_also_those_of_an_earlier_release(workspace):
    client, experiment = connect(workspace).client, connect(workspace).experiment_id
    old = client.create_run(experiment, tags={"unimed.workspace": str(workspace.root)}).info.run_id
    foreign = client.create_run(experiment, tags={"unimed.workspace": "/other"}).info.run_id
    new = runs.make_run(workspace, connect(workspace), "train", {}).run_id
    assert set(runs.mark_crashed_runs(workspace)) == {old, new}
    assert [run_of(workspace, run).info.status for run in (old, foreign, new)] == ["KILLED", "RUNNING", "KILLED"]
    assert run_of(workspace, old).data.tags["unimed.ended"] == "crashed"
    assert runs.mark_crashed_runs(workspace) == []


def test_a_failed_run_and_an_interrupted_one_are_told_apart():
    stopped = (Interrupted("train"), StageInterrupted("train"), KeyboardInterrupt())
    assert [runs.status_of(error) for error in stopped] == ["KILLED"] * 3
    assert runs.status_of(ValueError("bad")) == "FAILED"


def test_artifacts_lie_in_the_workspace_wherever_the_process_stands(workspace, tmp_path, monkeypatch):
    with runs.keyed_run(workspace, "register", "key") as run:
        monkeypatch.chdir(tmp_path)
        run.artifact(workspace.params)
    assert list((workspace.private / "mlflow-artifacts").rglob("params.yaml"))
    assert not (tmp_path / "mlruns").exists()


def test_a_database_without_a_place_for_files_is_refused_until_one_is_named(workspace, monkeypatch):
    uri = "postgresql+psycopg://me:secret@db/mlflow"
    with pytest.raises(ValueError, match=r"postgresql\+psycopg://db/mlflow, a database without a place for files"):
        tracking.artifact_place(workspace, uri)
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", "s3://team/mlflow")
    assert tracking.artifact_place(workspace, uri) == "s3://team/mlflow"
    assert tracking.artifact_place(workspace, "https://mlflow") is None, "a server knows its own"


def test_files_of_a_shared_database_lie_beside_it_and_not_where_the_first_one_stood(neighbours, tmp_path, monkeypatch):
    mine, other = neighbours
    monkeypatch.chdir(other.root)
    with runs.keyed_run(mine, "register", "key") as run:
        run.artifact(mine.params)
    assert list((tmp_path / "mlflow-artifacts").rglob("params.yaml"))
    assert not (other.root / "mlruns").exists()
