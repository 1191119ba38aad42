import os
import subprocess

import pytest

from components.storage.atomic import TEMPORARY, atomic_folder, read_json, write_json, write_text
from tests.faults.writes import kill_at, moments


def left_over(folder):
    return [path.name for path in folder.rglob("*") if path.name.startswith(TEMPORARY)]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.json"
    write_json(target, {"old": True})
    with pytest.raises(ValueError):
        write_json(target, {"bad": float("nan")})
    assert read_json(target) == {"old": True} and left_over(tmp_path) == []


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "checkpoint"
    with atomic_folder(target) as folder:
        write_text(folder / "one.txt", "1")
    with pytest.raises(RuntimeError), atomic_folder(target) as folder:
        write_text(folder / "two.txt", "2")
        raise RuntimeError("killed")
    assert sorted(path.name for path in target.iterdir()) == ["one.txt"] and left_over(tmp_path) == []


def test_a_folder_that_is_replaced_is_there_whole_or_not_at_all_whenever_it_is_killed(tmp_path):
    target, names = tmp_path / "set", ("a.txt", "b.txt", "c.txt")

    def write(text: str) -> None:
        with atomic_folder(target) as folder:
            for name in names:
                write_text(folder / name, text)

    def write_new() -> None:
        write("new")

    write("old")
    seen = []
    for moment in moments(write_new, [tmp_path]):
        write("old")
        kill_at(moment, write_new, [tmp_path])
        found = {path.name: path.read_text() for path in target.iterdir()} if target.exists() else {}
        assert found in ({}, dict.fromkeys(names, "old"), dict.fromkeys(names, "new")), moment
        seen.append(next(iter(found.values()), "none"))
    assert set(seen) == {"old", "none", "new"} and seen.count("none") == 1


def test_what_a_killed_process_left_of_a_folder_goes_when_it_is_written_again(tmp_path):
    target, gone = tmp_path / "set", subprocess.Popen(["true"])
    gone.wait()
    others = [f"{TEMPORARY}{pid}-{name}" for pid, name in ((os.getppid(), "set"), (gone.pid, "other-set"))]
    for name in (f"{TEMPORARY}{gone.pid}-set", f"{TEMPORARY}{gone.pid}-replaced-set", *others):
        write_text(tmp_path / name / "part.txt", "half")
    with atomic_folder(target) as folder:
        write_text(folder / "one.txt", "1")
    assert sorted(left_over(tmp_path)) == sorted(others)


def test_a_missing_or_broken_json_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone.json is missing"):
        read_json(tmp_path / "gone.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match=r"broken.json is not JSON"):
        read_json(tmp_path / "broken.json")
