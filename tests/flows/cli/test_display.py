"""The display says what happens, from files alone."""

import time

import pytest

from components.storage.atomic import write_json_rows
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from flows.cli.display import PLAIN_SECONDS, Picture, Row, plain_lines
from flows.cli.last_screen import metric_rows, read_losses, time_rows
from flows.cli.output import speed_text
from flows.following import StageView
from flows.journal import begin_journal, keep_seconds, record, stage_seconds


def test_stages_go_from_waiting_through_running_to_their_end(tmp_path):
    workspace = Workspace(tmp_path)
    begin_journal(workspace, {"stages": ["code", "judge", "start"]})
    picture = Picture(workspace, since=time.time() - 1)
    assert [row.state for row in picture.look().values()] == ["waiting"] * 5
    record(workspace, "code", "end", state="unchanged", seconds=0.1)
    record(workspace, "judge", "begin")
    Progress.start(workspace.progress, "judge").update(4, 4, "step 4", accuracy=0.5)
    rows = picture.look()
    assert (rows["code"].state, rows["judge"].state, rows["start"].state) == ("unchanged", "running", "waiting")
    assert rows["judge"].text() == "step 4 · accuracy 0.5" and rows["judge"].share() == 1.0
    record(workspace, "judge", "end", state="failed", seconds=3.0)
    assert picture.look()["judge"].seconds == 3.0


def test_without_a_terminal_each_change_is_one_line_and_a_long_stage_speaks_now_and_then(tmp_path):
    workspace = Workspace(tmp_path)
    begin_journal(workspace, {"stages": ["judge"]})
    record(workspace, "judge", "begin")
    Progress.start(workspace.progress, "judge").update(1, 2, "step 1")
    picture, said = Picture(workspace, since=time.time() - 1), {}
    assert plain_lines(picture.look(), said, 0.0) == ["judge: running"]
    assert plain_lines(picture.look(), said, 1.0) == []
    assert plain_lines(picture.look(), said, PLAIN_SECONDS) == ["judge: 50% step 1"]
    record(workspace, "judge", "end", state="done", seconds=61.0)
    assert plain_lines(picture.look(), said, PLAIN_SECONDS + 1) == ["judge: done in 1 min 01 s"]


def test_a_count_has_a_speed_and_a_time_left_and_another_count_begins_anew():
    view = StageView("assemble")
    for at, done in ((10.0, 100), (12.0, 150), (14.0, 300)):
        view.take({"at": at, "done": done, "total": 1000, "message": f"record {done}"})
    assert (view.per_second, view.seconds_left) == (50.0, 14.0)
    row = Row("assemble", state="running", view=view)
    assert row.text().endswith("50/s, 14 s left")
    view.take({"at": 15.0, "done": 1, "total": 20, "message": "shard 1"})
    assert view.per_second == 0.0 and "/s" not in row.text()


def test_seconds_are_remembered_for_the_next_expectation(tmp_path):
    workspace = Workspace(tmp_path)
    keep_seconds(workspace, {"judge": 5.04, "start": 2.0})
    keep_seconds(workspace, {"start": 3.0})
    assert stage_seconds(workspace) == {"judge": 5.0, "start": 3.0}


def test_losses_are_first_and_last_of_each_part_and_stage_in_the_curriculums_order(tmp_path):
    write_json_rows(
        tmp_path / "unified.json", [{"step": 1, "text_loss": 2.0}, {"step": 9, "text_loss": 1.0, "tokens": 5}]
    )
    write_json_rows(
        tmp_path / "start.json",
        [
            {"step": 1, "part": "autoencoder", "image_loss": 3.0},
            {"step": 7, "part": "autoencoder", "image_loss": 0.5},
            {"step": 1, "part": "vision", "loss": 4.0},
        ],
    )
    rows = [(r["stage"], r["loss"], r["steps"], r["first"], r["last"]) for r in read_losses(tmp_path)]
    assert rows == [
        ("start", "autoencoder image loss", 7, 3.0, 0.5),
        ("start", "vision loss", 1, 4.0, 4.0),
        ("unified", "text loss", 9, 2.0, 1.0),
    ]


def test_a_metric_is_shown_with_n_interval_and_control_the_pool_first():
    metrics = {
        "sr/psnr": {"value": 21.456, "n": 24, "low": 20.0, "high": 23.0, "control": {"mean_image": 17.3}},
        "vqa/pool/accuracy": {"value": 0.7, "n": 40, "low": None, "high": None},
    }
    assert metric_rows(metrics) == [
        ("vqa/pool/accuracy", "0.700", 40, "", ""),
        ("sr/psnr", "21.46", 24, "20.00 to 23.00", "mean_image 17.30"),
    ]


def test_the_table_of_seconds_ends_with_the_whole_and_where_it_went():
    spent = {"work": 20.0, "imports": 68.0, "dvc": 1.9, "waiting": 0.1}
    summary = {
        "seconds": {"judge": 61.0},
        "unchanged": ["code", "admit"],
        "total_seconds": 90.0,
        "spent_seconds": spent,
    }
    assert time_rows(summary) == [
        ("judge", "1 min 01 s"),
        ("2 unchanged stages", "0 s"),
        ("in all", "1 min 30 s"),
        ("  starting Python, imports", "1 min 08 s"),
        ("  the stages' own work", "20 s"),
        ("  DVC", "2 s"),
    ]


@pytest.mark.parametrize(("per_second", "text"), [(2.834, "2.83/s"), (99.6, "99.6/s"), (1250.4, "1 250/s")])
def test_a_speed_is_read_at_a_glance(per_second, text):
    assert speed_text(per_second) == text
