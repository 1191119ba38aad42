"""An edit in place is seen whatever the file's size and time say, and what is read once is not read again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.storage import dvc, dvc_cache, dvc_repository, marks
from components.storage.marks import changed_in_place, mend_changed

DVC = Path(sys.executable).parent / "dvc"


def run_all(workspace) -> dict[str, bool]:
    return {name: dvc.reproduce_stage(workspace, name).ran for name in ("code", "make@one", "make@two", "join")}


def edit_in_place(path: Path, *, text: bytes = b"TWO") -> None:
    """Other bytes of the same length; size, time, mode and inode stay."""
    before = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(text)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cached(workspace, name: str = "two") -> Path:
    outs = dvc_repository.read_lock(workspace)["join"]["outs"]
    return dvc_cache.cache_path(workspace, dvc_cache.directory_entries(workspace, outs[0]["md5"])[name])


@pytest.fixture(params=["hardlink", "copy"])
def linked(request, workspace):
    config = [DVC, "config", "cache.type", request.param]
    subprocess.run(config, cwd=workspace.root, check=True, env=os.environ)
    run_all(workspace)
    return workspace


def test_what_nobody_touched_is_not_read_again(linked, monkeypatch):
    read: list[Path] = []
    plain = marks._md5
    monkeypatch.setattr(marks, "_md5", lambda path, seen: read.append(path) or plain(path, seen))
    changed_in_place(linked)  # later stages made further links to the same bytes
    read.clear()
    assert changed_in_place(linked) == [] and read == []
    os.utime(linked.root / "joined" / "two")
    assert changed_in_place(linked) == [] and read
    read.clear()
    assert changed_in_place(linked) == [] and read == []


def test_an_edit_in_place_that_keeps_size_and_time_is_seen_and_made_again(linked):
    edit_in_place(linked.root / "joined" / "two")
    assert "join" not in dvc.changed_stages(linked), "DVC alone does not see it"
    assert "join" in {kept.stage for kept in changed_in_place(linked)}
    assert mend_changed(linked)
    assert "join" in dvc.changed_stages(linked)
    run_all(linked)
    assert (linked.root / "joined" / "two").read_text() == "two\n" and cached(linked).read_text() == "two\n"
    assert changed_in_place(linked) == [] and "join" not in dvc.changed_stages(linked)


def test_an_edit_in_the_cache_is_put_right_from_the_workspace_where_that_is_another_file(workspace):
    subprocess.run([DVC, "config", "cache.type", "copy"], cwd=workspace.root, check=True, env=os.environ)
    run_all(workspace)
    edit_in_place(cached(workspace))
    assert [kept.in_cache for kept in changed_in_place(workspace) if kept.stage == "join"] == [True]
    mend_changed(workspace)
    assert cached(workspace).read_text() == "two\n" and changed_in_place(workspace) == []
    assert run_all(workspace)["join"] is False, "nothing had to be made again"


def test_what_a_stage_has_just_made_is_taken_from_dvc_which_hashed_it(workspace, monkeypatch):
    dvc.reproduce_stage(workspace, "code")
    dvc.reproduce_stage(workspace, "make@one")
    monkeypatch.setattr(marks, "_md5", lambda path, seen: pytest.fail(f"{path} is read again"))
    assert changed_in_place(workspace) == []


def test_raw_data_that_is_kept_is_looked_at_too(workspace):
    from components.storage.dvc_remote import keep_folder

    raw = workspace.raw / "clinic"
    raw.mkdir(parents=True)
    (raw / "a.txt").write_text("two")
    keep_folder(workspace, raw)
    assert changed_in_place(workspace) == []
    path = next(kept.path for kept in marks._files(workspace, {}) if kept.in_cache and not kept.md5.endswith(".dir"))
    edit_in_place(path)
    assert "data/raw/clinic.dvc" in {kept.stage for kept in changed_in_place(workspace)}
