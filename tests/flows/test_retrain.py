"""The flow around the stages, on toy stages: run, run again, stop, kill, go on, and what Prefect and MLflow say of it.

One workspace goes through the tests in order. The registry only remembers (its own room tests it); Prefect, MLflow's
runs, DVC, locks, signals and processes are the real ones.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from components.storage.locks import hold, holder
from tests.fixtures.disks import only_read
from tests.flows import toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SECONDS = 300


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = toy.make(tmp_path_factory.mktemp("flow") / "w")
    yield made
    for process in carrying(made):
        process.kill()


def finished(process: subprocess.Popen[str], expect: int = 0) -> str:
    out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == expect, out
    assert "Traceback" not in out
    return out


def retrain(root: Path, *arguments: str, expect: int = 0) -> str:
    return finished(toy.unimed(root, "retrain", *arguments), expect)


def carrying(root: Path) -> list[psutil.Process]:
    """Processes that carry this workspace in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("UNIMED_WORKSPACE") == str(root) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def edit(root: Path, old: str, new: str) -> None:
    text = (root / "params.yaml").read_text()
    assert old in text
    (root / "params.yaml").write_text(text.replace(old, new))


def start_until(root: Path, stage: str) -> subprocess.Popen[str]:
    """A retrain that has reached the (slow) stage."""
    begun = time.time()
    process = toy.unimed(root, "retrain")
    path = root / ".unimed" / "progress" / f"{stage.replace('@', '-')}.jsonl"
    while not (path.exists() and path.stat().st_mtime > begun and "at it" in path.read_text()):
        assert process.poll() is None, process.communicate()[0]
        assert time.time() < begun + SECONDS
        time.sleep(0.1)
    return process


def flow_states(root: Path) -> list[str]:
    with sqlite3.connect(root / ".unimed" / "prefect" / "prefect.db") as database:
        return [name for (name,) in database.execute("select state_name from flow_run order by created")]


def open_runs(root: Path) -> list[str]:
    with sqlite3.connect(root / ".unimed" / "mlflow.db") as database:
        runs = [name for (name,) in database.execute("select name from runs where status = 'RUNNING'")]
    with sqlite3.connect(root / ".unimed" / "prefect" / "prefect.db") as database:
        return runs + [name for (name,) in database.execute("select name from task_run where state_type = 'RUNNING'")]


def test_the_first_run_makes_everything_and_ends_with_the_table(root):
    said = retrain(root)
    for part in (
        "11 of 12 stages",
        "vqa/pool/accuracy",
        "majority 0.300",
        "train@unified",
        "version    1 (champion)",
        "starting Python, imports",
        "unimed up",
    ):
        assert part in said
    assert (root / "checkpoints" / "unified" / "model").exists()
    assert flow_states(root) == ["Completed"] and open_runs(root) == [] and carrying(root) == []


def test_run_again_starts_no_server_and_says_why(root):
    before = flow_states(root)
    said = json.loads(retrain(root, "--json").partition("\n")[2])
    assert said["state"] == "nothing-to-do" and said["message"].startswith("nothing to do: no raw file")
    assert "nothing to do: no raw file" in retrain(root, "--dry-run")
    assert flow_states(root) == before


def test_on_a_disk_that_is_only_read_status_and_doctor_look_and_no_run_begins(root):
    with only_read(root):
        state = finished(toy.unimed(root, "status", "--json"))
        assert json.loads(state[state.index("{") :])["champion"]["version"] == 1
        doctor = finished(toy.unimed(root, "doctor", "--json"), expect=1)
        found = {one["what"]: one["found"] for one in json.loads(doctor[doctor.index("[") :])}
        assert found["writable"] == "no"
        assert "Read-only file system" in retrain(root, expect=2)


def test_a_dry_run_names_the_stages_and_runs_none(root):
    edit(root, "0.0022", "0.0021")
    said = json.loads(retrain(root, "--dry-run", "--json").partition("\n")[2])
    later = ["train@instruction", "train@unified", "predict", "evaluate"]
    assert said["affected"] == ["train@foundation", *later]
    assert flow_states(root) == ["Completed"]


@pytest.mark.parametrize("how", ["ctrl-c", "sigterm"])
def test_asked_to_stop_it_is_back_within_ten_seconds_with_75_and_says_how_to_go_on(root, how):
    (root / "slow").write_text(json.dumps({"train@instruction": SECONDS}))
    process = start_until(root, "train@instruction")
    begun = time.monotonic()
    if how == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    said = finished(process, expect=75)
    assert time.monotonic() - begun < 10
    assert "Go on with the same command: unimed retrain" in said
    assert flow_states(root)[-1] == "Interrupted" and carrying(root) == []
    assert holder(root / ".unimed" / "retrain.lock") is None


def test_a_second_retrain_names_the_holder_and_exits_2_and_a_scheduled_one_is_skipped(root):
    with hold(root / ".unimed" / "retrain.lock", "a test"):
        said = retrain(root, expect=2)
        assert f"held by pid {os.getpid()} on" in said and "(a test)" in said
        scheduled = finished(toy.start(root, "scheduled"))
    assert f"STATE Skipped: held by pid {os.getpid()} on" in scheduled


def test_killed_with_9_it_leaves_nothing_and_the_next_start_calls_its_runs_crashed(root):
    (root / "slow").write_text(json.dumps({"train@instruction": SECONDS}))
    process = start_until(root, "train@instruction")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    end = time.time() + 10
    while carrying(root) and time.time() < end:
        time.sleep(0.1)
    assert carrying(root) == [] and holder(root / ".unimed" / "retrain.lock") is None
    assert open_runs(root) != []
    (root / "slow").unlink()
    said = retrain(root)
    assert "champion" in said
    assert flow_states(root)[-2:] == ["Crashed", "Completed"] and open_runs(root) == []
    assert list((root / ".unimed" / "flow-runs").iterdir()) == []


def test_a_stage_that_fails_is_told_in_its_words_and_touches_nothing_after_it(root):
    before = (root / "data" / "unimed" / "manifest.json").stat().st_mtime_ns
    (root / "broken").write_text("admit")
    edit(root, "stop_above: 0.5", "stop_above: 0.4")
    (root / "data" / "raw" / "eyes" / "b.txt").write_text("more")
    edit(root, "min_side: 40", "min_side: 41")
    (root / "toy-code").write_text('{"toy": 2}')
    said = retrain(root, expect=1)
    assert "stage admit failed: admit is broken; raise validation.stop_above" in said and "unimed logs admit" in said
    assert (root / "data" / "unimed" / "manifest.json").stat().st_mtime_ns == before
    status = json.loads(finished(toy.unimed(root, "status", "--json")).partition("\n")[2])
    states = {stage["name"]: stage["state"] for stage in status["stages"]}
    assert states["admit"] == "failed" and states["validate@eyes"] == "fresh" and states["judge"] == "stale"
    (root / "broken").unlink()


def test_a_scheduled_run_does_the_work_and_the_next_one_says_why_there_is_none(root):
    assert "STATE Completed" in finished(toy.start(root, "scheduled"))
    assert "STATE Skipped: nothing to do" in finished(toy.start(root, "scheduled"))


def test_an_experiment_runs_beside_the_workspace_and_leaves_it_alone(root):
    before = (root / "checkpoints" / "unified" / "model").read_text()
    said = retrain(root, "--set", "curriculum.unified.steps=9")
    assert "never promoted" in said
    (experiment,) = (root / ".unimed" / "experiments").iterdir()
    assert "steps: 9" in (experiment / "checkpoints" / "unified" / "model").read_text()
    assert (root / "checkpoints" / "unified" / "model").read_text() == before


def test_schedules_are_kept_listed_paused_and_removed(root):
    made = finished(toy.unimed(root, "schedule", "--cron", "0 3 * * *", "--timezone", "UTC", "--name", "nightly"))
    assert "scheduled nightly: 0 3 * * * (UTC)" in made and "unimed up" in made
    finished(toy.unimed(root, "schedules", "pause", "nightly"))
    (listed,) = json.loads(finished(toy.unimed(root, "schedules", "--json")).partition("\n")[2])
    assert (listed["name"], listed["cron"], listed["paused"], listed["next_run"]) == (
        "nightly",
        "0 3 * * *",
        True,
        None,
    )
    assert "did you mean 'nightly'" in finished(toy.unimed(root, "schedules", "resume", "nightl"), expect=2)
    finished(toy.unimed(root, "schedules", "remove", "nightly"))
    assert "no schedules" in finished(toy.unimed(root, "schedules"))


def test_up_shows_its_addresses_survives_a_kill_and_down_ends_all_of_it(root):
    services = json.loads(finished(toy.unimed(root, "up", "--detach", "--json")).partition("\n")[2])
    assert {service["name"] for service in services} == {"prefect", "mlflow", "worker"}
    assert "nothing runs here" not in finished(toy.unimed(root, "status"))
    card = json.loads((root / ".unimed" / "services.json").read_text())
    os.kill(card["pid"], signal.SIGKILL)
    again = json.loads(finished(toy.unimed(root, "up", "--detach", "--json")).partition("\n")[2])
    assert {s["name"]: s["url"] for s in again} == {s["name"]: s["url"] for s in services}
    assert "schedules are kept" in finished(toy.unimed(root, "down"))
    assert carrying(root) == []
    assert "nothing runs here" in finished(toy.unimed(root, "down"))


def test_the_dvc_command_finds_the_exit_code_where_we_look_for_it(root):
    """DVC tells a stage's exit status only in words; another DVC may choose other words."""
    from dvc.stage.exceptions import StageCmdFailedError

    assert "exited with 75" in str(StageCmdFailedError("cmd", 75))
    assert sys.version_info[:2] == (3, 11)
