"""Progress files are read as they grow, and a new run's file is not mistaken for the rest of the old one's."""

import json
import time

from components.storage.progress import Progress
from flows.following import Follower, read_last, read_view


def test_a_view_grows_with_the_file(tmp_path):
    progress = Progress.start(tmp_path, "train@foundation")
    follower = Follower(tmp_path)
    assert follower.poll()["train@foundation"].total == 0
    progress.update(3, 3, "step", text_loss=0.25)
    view = follower.poll()["train@foundation"]
    assert (view.done, view.total, view.message, view.metrics) == (3, 3, "step", {"text_loss": 0.25})
    progress.finish("done", "4.0 s")
    assert follower.poll()["train@foundation"].state == "done"


def test_a_file_that_was_started_afresh_is_read_from_its_beginning(tmp_path):
    first = Progress.start(tmp_path, "judge")
    first.finish("failed", "no room")
    follower = Follower(tmp_path)
    assert follower.poll()["judge"].state == "failed"
    second = Progress.start(tmp_path, "judge")
    for _ in range(9):
        second.say("a line to make the new file longer than the old one was")
    assert follower.poll()["judge"].state == "running"


def test_what_an_earlier_run_said_is_not_shown_as_this_ones(tmp_path):
    Progress.start(tmp_path, "judge").finish("done")
    assert Follower(tmp_path, since=time.time() + 60).poll() == {}


def test_a_line_cut_short_by_a_kill_is_passed_over(tmp_path):
    progress = Progress.start(tmp_path, "admit")
    progress.finish("failed", "validation.stop_above")
    with progress.path.open("a") as handle:
        handle.write('{"at": 1, "sta')
    assert read_last(tmp_path, "admit")["message"] == "validation.stop_above"
    view = read_view(tmp_path, "admit")
    assert view is not None and view.state == "failed"


def test_half_a_line_is_left_until_the_rest_is_there(tmp_path):
    path = tmp_path / "start.jsonl"
    line = json.dumps({"at": 1.0, "stage": "start", "message": "started"}) + "\n"
    path.write_text(line[:20])
    follower = Follower(tmp_path)
    assert follower.poll() == {}
    path.write_text(line)
    assert "start" in follower.poll()
