"""What stages told reaches MLflow whole and once, whenever it answers."""

import json

import pytest

from components.registry import sending
from components.registry.run_spool import RunSpool, spool_folder, spools
from components.registry.runs import Run, make_run
from components.registry.tracking import OtherRelease, connect
from flows.loopback import free_port, loopback_url

STEPS = list(range(10, 700, 10))


@pytest.fixture
def spool(workspace) -> RunSpool:
    """A finished stage's, of more rows than go into one request."""
    made = RunSpool(spool_folder(workspace) / "key")
    made.open("train@unified", {})
    made.params({"seed": 3, "training": {"decay": 0.5}})
    made.dataset("d" * 64, "training")
    for step in STEPS:
        made.log(step, {"train/text_loss": 1 / step, "train/tokens": step})
    made.end("FINISHED")
    return made


def sent(workspace, run: Run):
    found = run.tracking.client.get_run(run.run_id)
    curve = run.tracking.client.get_metric_history(run.run_id, "train/text_loss")
    return found, [(point.step, point.value) for point in curve]


def test_all_that_was_told_arrives(workspace, spool):
    run = sending.send(workspace, connect(workspace), spool)
    found, curve = sent(workspace, run)
    assert curve == [(step, 1 / step) for step in STEPS]
    assert found.data.params == {"seed": "3", "training.decay": "0.5"}
    assert found.info.status == "FINISHED" and found.info.end_time == list(spool.events())[-1][0]["at_ms"]
    assert found.inputs.dataset_inputs[0].dataset.digest == "d" * 36
    assert found.data.tags["unimed.stage"] == "train@unified"


@pytest.mark.parametrize("call", range(8))
def test_a_request_that_is_lost_is_sent_again_and_nothing_twice(workspace, spool, monkeypatch, call):
    tracking = connect(workspace)
    real, calls = tracking.client.__class__, []

    class Flaky(real):
        """Does what it is asked, and at one call loses the answer."""

        def __getattribute__(self, name):
            value = super().__getattribute__(name)
            if name not in ("create_run", "log_batch", "log_inputs", "set_terminated", "get_run", "search_runs"):
                return value

            def ask(*args, **kwargs):
                answer = value(*args, **kwargs)
                calls.append(name)
                if len(calls) == call + 1:
                    raise ConnectionError("no route to host")
                return answer

            return ask

    tracking.client.__class__ = Flaky
    with pytest.raises(ConnectionError):
        sending.send(workspace, tracking, spool)
    run = sending.send(workspace, tracking, RunSpool(spool.folder))
    tracking.client.__class__ = real
    _, curve = sent(workspace, run)
    assert curve == [(step, 1 / step) for step in STEPS]
    assert len(tracking.client.search_runs([tracking.experiment_id])) == 1


def test_a_server_that_is_away_is_said_and_the_next_command_sends_what_is_left(workspace, spool, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", loopback_url(free_port()).replace("//", "//me:secret@"))
    assert not sending.try_to(lambda: sending.send_waiting(workspace))
    said = capsys.readouterr().err
    assert "MLflow does not take the runs now" in said and "secret" not in said
    assert len(spools(workspace)) == 1
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert sending.send_waiting(workspace) == 1
    assert spools(workspace) == [], "what is sent whole and finished is done with"
    assert sending.send_waiting(workspace) == 0


def test_a_stopped_stage_keeps_its_spool_until_another_run_of_it_ends(workspace):
    tracking = connect(workspace)
    for key, status in (("old", "KILLED"), ("now", "KILLED")):
        spool = RunSpool(spool_folder(workspace) / key)
        spool.open("train@unified", {})
        spool.end(status)
    sending.send_waiting(workspace)
    assert [spool.key for spool in spools(workspace)] == ["now"]
    assert len(tracking.client.search_runs([tracking.experiment_id])) == 2


def test_what_mlflow_refuses_for_good_holds_nothing_up(workspace, spool, capsys):
    tracking = connect(workspace)
    taken = make_run(workspace, tracking, "train@unified", {"unimed.run_key": "key"})
    tracking.client.log_param(taken.run_id, "training.decay", "0.5")
    with spool.path.open("a") as handle:
        handle.write(json.dumps({"kind": "tags", "at_ms": 0, "values": {"": "no name"}}) + "\n")
    spool.log(1000, {"train/text_loss": 0.25})
    run = sending.send(workspace, tracking, spool)
    assert run.run_id == taken.run_id
    assert sent(workspace, run)[1][-1] == (1000, 0.25)
    assert "MLflow refused a part of a run" in capsys.readouterr().err


def test_what_a_person_must_mend_is_raised(workspace):
    def other_release():
        raise OtherRelease("tables")

    with pytest.raises(OtherRelease):
        sending.try_to(other_release)
