"""What is said of a full disk, and what still works on one; on real small disks."""

import json
import os
from pathlib import Path

import pytest

from components.registry.summary import champion_summary, remember_aliases
from components.storage.dvc import StageFailed
from components.storage.full_disk import advice, check_room, is_full, says_full
from components.storage.locks import hold, holder
from components.storage.workspace import Workspace
from flows.cli import errors
from tests.fixtures.disks import fill, small_disk


@pytest.fixture
def disk(tmp_path):
    """A workspace's folder on a disk of two megabytes."""
    with small_disk(tmp_path / "disk", "2m") as folder:
        yield folder


def refused(path: Path) -> OSError:
    """What a write to a full disk raises."""
    with pytest.raises(OSError) as caught:
        path.write_bytes(bytes(8192))
    return caught.value


def test_the_disk_of_the_named_file_is_told_with_its_room_and_the_way_to_more(disk, monkeypatch):
    monkeypatch.chdir(disk)
    fill(disk)
    error = refused(disk / "new")
    assert is_full(error)
    said = advice(str(OSError(28, "No space left on device", f"{disk}/new")), Path("/"))
    assert (
        said.startswith(f"the disk is full: {disk}")
        and "has 0.0 MB free of 2.1 MB; free some space (`unimed gc`" in said
    )


def test_without_a_name_it_is_the_fullest_of_the_disks_that_are_written_to(disk, monkeypatch, tmp_path):
    (disk / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(disk / "tmp"))
    monkeypatch.chdir(tmp_path)
    fill(disk)
    said = advice("database or disk is full", tmp_path)
    assert f"{disk / 'tmp'} has 0.0 MB free" in said and "set TMPDIR to a folder that has some" in said


def test_what_does_not_fit_is_refused_before_with_place_need_and_room(disk, monkeypatch):
    monkeypatch.chdir(disk)
    check_room(disk / "not" / "yet", 10_000, "the run")
    with pytest.raises(
        ValueError, match=r"not/yet has 2\.1 MB free, the run needs about 3\.0 MB there; free some space"
    ):
        check_room(disk / "not" / "yet", 3_000_000, "the run")


def test_a_lock_is_taken_on_a_full_disk_so_that_the_advised_collection_can_run(disk):
    (disk / "a.lock").touch()
    ballast = fill(disk)
    with hold(disk / "a.lock", "gc"):
        assert holder(disk / "a.lock") is not None
    ballast.unlink()
    with hold(disk / "a.lock", "gc"):
        assert (holder(disk / "a.lock") or {})["what"] == "gc"


def test_the_summary_of_a_full_disk_is_none_and_not_the_one_of_before(disk):
    workspace = Workspace(disk)
    workspace.private.mkdir()
    (workspace.private / "mlflow.db").touch()
    remember_aliases(workspace, {"version": 1, "weights_sha256": "a"}, None)
    fill(disk)
    remember_aliases(workspace, {"version": 2, "weights_sha256": "b"}, None)
    assert champion_summary(workspace) == {"champion": None, "challenger": None}, "as the log says: nothing yet"


def test_a_traceback_that_the_workspace_has_no_room_for_goes_to_the_temporary_folder(disk, monkeypatch, tmp_path):
    (disk / "params.yaml").write_text("recipe: tiny\n")
    (disk / ".unimed" / "logs").mkdir(parents=True)
    monkeypatch.chdir(disk)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    fill(disk)
    assert errors.kept_traceback(RuntimeError("odd")) == f"the traceback is in {tmp_path / 'unimed-error.log'}"
    monkeypatch.setenv("TMPDIR", str(disk))
    assert errors.kept_traceback(RuntimeError("odd")) == "its traceback could be written nowhere"


@pytest.mark.parametrize(
    "words",
    [
        str(OSError(28, os.strerror(28))),
        "sqlite3.OperationalError: database or disk is full",
        "IO error: (os error 28)",
        "[Errno 122] Disk quota exceeded",
        "[Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']",
    ],
)
def test_a_full_disk_is_known_in_each_writers_words(words):
    assert says_full(words) and is_full(RuntimeError(words))
    assert not says_full(json.dumps({"disk": "as good as new"}))


def test_a_stage_that_could_not_say_why_it_failed_is_explained_by_the_disk(disk, monkeypatch):
    (disk / "params.yaml").write_text("recipe: tiny\n")
    monkeypatch.chdir(disk)
    failed = StageFailed("judge", 1, "exit code 1", [])
    assert errors.stage_failure(failed) == "stage judge failed: exit code 1"
    fill(disk)
    assert "the disk is full" in errors.stage_failure(failed)
