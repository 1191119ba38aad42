"""The run of a retrain: it stands in the environment, links its stages, and is made up for when MLflow was away."""

import os

import pytest

from components.registry import retrain_run
from components.registry.retrain_run import parent_run, record_stage
from components.registry.run_spool import RunSpool, spool_folder
from components.registry.runs import mark_crashed_runs
from components.registry.tracking import connect
from components.storage.dvc import StageInterrupted
from flows.loopback import free_port, loopback_url


def run_of(workspace, run_id):
    return connect(workspace).client.get_run(run_id)


def test_a_parent_run_stands_in_the_environment_and_ends_with_the_block(workspace):
    with parent_run(workspace, "retrain-1") as run:
        assert os.environ["UNIMED_PARENT_RUN"] == run.run_id
        assert run_of(workspace, run.run_id).info.status == "RUNNING"
    assert "UNIMED_PARENT_RUN" not in os.environ
    assert run_of(workspace, run.run_id).info.status == "FINISHED"


@pytest.mark.parametrize(("error", "status"), [(ValueError("bad"), "FAILED"), (StageInterrupted("train"), "KILLED")])
def test_a_failed_retrain_and_an_interrupted_one_are_told_apart(workspace, error, status):
    with pytest.raises(type(error)), parent_run(workspace, "retrain-1") as run:
        raise error
    assert run_of(workspace, run.run_id).info.status == status


def test_a_skipped_stage_is_linked_to_the_run_that_made_its_output(workspace):
    with parent_run(workspace, "first") as parent:
        record_stage(parent, "assemble", ran=True, seconds=1.5)
    made = run_of(workspace, parent.run_id).data.tags["unimed.run.assemble"]
    with parent_run(workspace, "second") as parent:
        record_stage(parent, "assemble", ran=False, seconds=0.0)
        record_stage(parent, "train", ran=False, seconds=0.0)
    tags = run_of(workspace, parent.run_id).data.tags
    assert tags["unimed.run.assemble"] == made and "unimed.run.train" not in tags
    assert run_of(workspace, made).data.metrics["seconds"] == 1.5


def told(workspace) -> RunSpool:
    spool = RunSpool(spool_folder(workspace) / "key")
    spool.open("train", {})
    spool.log(10, {"train/text_loss": 2.0})
    spool.end("FINISHED")
    return spool


def test_a_stage_with_a_run_of_its_own_gets_no_second_one(workspace):
    with parent_run(workspace, "retrain") as parent:
        told(workspace)
        record_stage(parent, "train", ran=True, seconds=2.0)
    tracking = connect(workspace)
    (child,) = tracking.client.search_runs([tracking.experiment_id], "tags.`unimed.stage` = 'train'")
    assert run_of(workspace, parent.run_id).data.tags["unimed.run.train"] == child.info.run_id
    assert child.data.tags["mlflow.parentRunId"] == parent.run_id
    assert child.data.metrics == {"train/text_loss": 2.0, "seconds": 2.0}


def test_a_retrain_goes_on_while_mlflow_is_away_and_is_whole_once_it_answers(workspace, monkeypatch, capsys):
    monkeypatch.setattr(retrain_run, "PAUSE_SECONDS", 0.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", loopback_url(free_port()))
    with parent_run(workspace, "retrain") as parent:
        assert os.environ["UNIMED_PARENT_RUN"] == parent.run_id == ""
        record_stage(parent, "assemble", ran=True, seconds=1.5)
        assert "MLflow does not take the runs now" in capsys.readouterr().err
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        told(workspace)
        record_stage(parent, "train", ran=True, seconds=2.0)
        assert os.environ["UNIMED_PARENT_RUN"] == parent.run_id != ""
    found = run_of(workspace, parent.run_id)
    assert {"unimed.run.assemble", "unimed.run.train"} <= set(found.data.tags)
    assert found.info.status == "FINISHED"
    assert mark_crashed_runs(workspace) == []


def test_a_retrain_does_not_wait_for_a_server_that_was_away_a_moment_ago(workspace, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", loopback_url(free_port()))
    with parent_run(workspace, "retrain") as parent:
        for stage in ("assemble", "train", "evaluate"):
            record_stage(parent, stage, ran=True, seconds=1.5)
        assert capsys.readouterr().err.count("MLflow does not take") == 1
