"""Runs in MLflow: one parent, a child for each stage, none left running."""

import os

import pytest

from components.registry import tracking
from components.storage.dvc import StageInterrupted


def run_of(workspace, run_id):
    return tracking.connect(workspace).client.get_run(run_id)


def test_a_parent_run_stands_in_the_environment_and_ends_with_the_block(workspace):
    with tracking.parent_run(workspace, "retrain-1") as run:
        assert os.environ["UNIMED_PARENT_RUN"] == run.run_id
        assert run_of(workspace, run.run_id).info.status == "RUNNING"
    assert "UNIMED_PARENT_RUN" not in os.environ
    assert run_of(workspace, run.run_id).info.status == "FINISHED"


@pytest.mark.parametrize(("error", "status"), [(ValueError("bad"), "FAILED"), (StageInterrupted("train"), "KILLED")])
def test_a_failed_run_and_an_interrupted_one_are_told_apart(workspace, error, status):
    with pytest.raises(type(error)), tracking.parent_run(workspace, "retrain-1") as run:
        raise error
    assert run_of(workspace, run.run_id).info.status == status


def test_the_same_key_continues_the_same_run_with_one_curve(workspace):
    with pytest.raises(KeyboardInterrupt), tracking.keyed_run(workspace, "train@unified", "key") as first:
        first.log(1, {"train/text_loss": 2.0})
        raise KeyboardInterrupt
    with tracking.keyed_run(workspace, "train@unified", "key") as second:
        second.log(2, {"train/text_loss": 1.0})
        second.params({"curriculum": {"unified": {"steps": 5}}})
    with tracking.keyed_run(workspace, "train@unified", "other") as third:
        pass
    assert second.run_id == first.run_id != third.run_id
    history = tracking.connect(workspace).client.get_metric_history(first.run_id, "train/text_loss")
    assert [(point.step, point.value) for point in history] == [(1, 2.0), (2, 1.0)]
    assert run_of(workspace, first.run_id).data.params == {"curriculum.unified.steps": "5"}


def test_a_skipped_stage_is_linked_to_the_run_that_made_its_output(workspace):
    with tracking.parent_run(workspace, "first") as parent:
        made = tracking.record_stage(workspace, parent, "assemble", ran=True, seconds=1.5)
    with tracking.parent_run(workspace, "second") as parent:
        assert tracking.record_stage(workspace, parent, "assemble", ran=False, seconds=0.0) == made
        assert tracking.record_stage(workspace, parent, "train", ran=False, seconds=0.0) is None
    assert run_of(workspace, parent.run_id).data.tags["unimed.run.assemble"] == made
    assert run_of(workspace, made).data.metrics["seconds"] == 1.5


def test_a_stage_with_a_run_of_its_own_gets_no_second_one(workspace):
    with tracking.parent_run(workspace, "retrain") as parent:
        with tracking.keyed_run(workspace, "train", "key") as child:
            pass
        assert tracking.record_stage(workspace, parent, "train", ran=True, seconds=2.0) == child.run_id
    assert run_of(workspace, child.run_id).data.tags["mlflow.parentRunId"] == parent.run_id


def test_runs_of_a_killed_process_are_closed_and_nobody_elses(workspace, tmp_path):
    connection = tracking.connect(workspace)
    root = {"unimed.workspace": str(workspace.root)}
    mine = connection.client.create_run(connection.experiment_id, tags=root).info.run_id
    other = connection.client.create_run(connection.experiment_id, tags={"unimed.workspace": "/other"}).info.run_id
    assert tracking.mark_crashed_runs(workspace) == [mine]
    assert (run_of(workspace, mine).info.status, run_of(workspace, other).info.status) == ("KILLED", "RUNNING")
    assert run_of(workspace, mine).data.tags["unimed.ended"] == "crashed"
    assert tracking.mark_crashed_runs(workspace) == []


def test_artifacts_lie_in_the_workspace_wherever_the_process_stands(workspace, tmp_path, monkeypatch):
    with tracking.keyed_run(workspace, "register", "key") as run:
        monkeypatch.chdir(tmp_path)
        run.artifact(workspace.params)
    assert list((workspace.private / "mlflow-artifacts").rglob("params.yaml"))
    assert not (tmp_path / "mlruns").exists()
