import pytest

from components.storage.atomic import TEMPORARY, atomic_folder, read_json, write_json, write_text


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


def test_a_missing_or_broken_json_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone.json is missing"):
        read_json(tmp_path / "gone.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match=r"broken.json is not JSON"):
        read_json(tmp_path / "broken.json")
