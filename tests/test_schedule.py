"""A schedule every minute and a retrain that takes longer, on real stages: who works, who is skipped, what a kill leaves."""

import json
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from components.recipes.reading import dump_yaml, load_yaml
from components.storage.locks import holder
from components.storage.workspace import Workspace
from tests.faults.killing import wait_until
from tests.fixtures.micro import make_workspace, run_unimed, set_key

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

LONGER_THAN_A_MINUTE = 5000
"""Steps of a stage of the micro workspace, saved rarely."""


@pytest.fixture
def workspace(tmp_path: Path):
    made = make_workspace(tmp_path / "w", training__save_every=500)
    run_unimed("retrain", cwd=made.root)
    yield made
    run_unimed("down", cwd=made.root)


def scheduled_runs(workspace: Workspace) -> list[tuple[str, str]]:
    """(state, message) of each run of the schedule that has begun, oldest first."""
    query = """
        select run.state_name, coalesce(state.message, '') from flow_run run
        join flow on flow.id = run.flow_id join flow_run_state state on state.id = run.state_id
        where flow.name = 'scheduled-retrain' and run.start_time is not null order by run.start_time
    """
    with sqlite3.connect(workspace.private / "prefect" / "prefect.db", timeout=30) as database:
        return database.execute(query).fetchall()


def states(workspace: Workspace) -> list[str]:
    return [state for state, _ in scheduled_runs(workspace)]


def test_one_retrain_runs_the_others_are_skipped_and_missed_firings_make_one_more(workspace):
    params = load_yaml(workspace.params)
    set_key(params, "curriculum.unified.steps", LONGER_THAN_A_MINUTE)
    workspace.params.write_text(dump_yaml(params))
    run_unimed("schedule", "--cron", "* * * * *", "--name", "minutely", cwd=workspace.root)
    run_unimed("up", "--detach", cwd=workspace.root)

    def one_is_skipped() -> bool:
        return any(state == "Skipped" and "held by" in message for state, message in scheduled_runs(workspace))

    wait_until(one_is_skipped, 300, "a firing that found the workspace held")
    assert states(workspace).count("Running") == 1

    card = json.loads((workspace.private / "services.json").read_text())
    os.kill(card["pid"], signal.SIGKILL)
    wait_until(
        lambda: holder(workspace.private / "retrain.lock") is None, 30, "the end of the retrain under the killed up"
    )
    begun = len(scheduled_runs(workspace))
    time.sleep(185)  # three firings are missed
    assert len(scheduled_runs(workspace)) == begun
    run_unimed("up", "--detach", cwd=workspace.root)
    wait_until(lambda: "Completed" in states(workspace), 1200, "the retrain that the killed one began")

    def an_idle_firing() -> bool:
        return any("nothing to do" in message for _, message in scheduled_runs(workspace))

    wait_until(an_idle_firing, 150, "a firing after it, with nothing to do")
    run_unimed("schedules", "pause", "minutely", cwd=workspace.root)
    wait_until(lambda: "Running" not in states(workspace), 60, "the end of every run")
    assert states(workspace).count("Completed") == 1
    assert set(states(workspace)) <= {"Completed", "Skipped", "Crashed"}
