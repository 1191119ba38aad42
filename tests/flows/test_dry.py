"""A dry run says what would run, and no file knows of it."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.fixtures.micro import run_unimed
from tests.flows import toy

pytestmark = pytest.mark.timeout(600)


def picture(root: Path) -> dict[str, tuple[int, int, str]]:
    """Every file and folder: when it was changed, when its inode was, and its bytes."""
    found = {}
    for path in (root, *root.rglob("*")):
        stat = os.lstat(path)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (stat.st_mtime_ns, stat.st_ctime_ns, content)
    return found


def dry(root: Path, *arguments: str, expect: int = 0) -> str:
    """What a dry run in the toy workspace says; it has left every file as it was."""
    before = picture(root)
    process = toy.unimed(root, "retrain", "--dry-run", *arguments)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == expect, said
    assert picture(root) == before
    return said


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which nothing has run."""
    folder = tmp_path_factory.mktemp("fresh") / "workspace"
    run_unimed("init", str(folder), "--recipe", "tiny-scratch")
    return folder


def test_in_a_new_workspace_it_names_every_stage_and_leaves_no_trace(fresh: Path) -> None:
    before = picture(fresh)
    said = json.loads(run_unimed("retrain", "--dry-run", "--json", cwd=fresh))
    assert picture(fresh) == before
    assert said["affected"] == [stage for stage in said["stages"] if stage != "code"]
    assert all("missing" in reason for reason in said["reasons"].values())
    assert [one["stage"] for one in said["training"]] == ["train@foundation", "train@instruction", "train@unified"]
    assert all(one["fits"] and one["epochs"] is None for one in said["training"])


def test_what_cannot_fit_is_refused_after_it_was_shown(fresh: Path) -> None:
    before = picture(fresh)
    said = run_unimed("retrain", "--dry-run", "--recipe", "unimedvl-14b", "--switch", cwd=fresh, expect=2)
    assert picture(fresh) == before
    assert "14.6 billion" in said
    assert "train@foundation does not fit: 8 ranks of" in said


def test_an_experiment_is_planned_without_its_folder(fresh: Path) -> None:
    before = picture(fresh)
    said = json.loads(run_unimed("retrain", "--dry-run", "--json", "--set", "curriculum.unified.steps=7", cwd=fresh))
    assert picture(fresh) == before
    assert said["training"][-1]["steps"] == 7


@pytest.mark.slow
def test_after_a_run_it_sees_numbers_code_and_edits_in_place(tmp_path: Path) -> None:
    root = toy.make(tmp_path / "workspace")
    process = toy.unimed(root, "retrain")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "nothing to do: no raw file" in dry(root)
    params = root / "params.yaml"
    params.write_text(params.read_text().replace("0.0022", "0.0021"))
    later = ["train@instruction", "train@unified", "predict", "evaluate"]
    assert json.loads(dry(root, "--json").partition("\n")[2])["affected"] == ["train@foundation", *later]
    params.write_text(params.read_text().replace("0.0021", "0.0022"))
    (root / "toy-code").write_text('{"toy": 2}')
    found = json.loads(dry(root, "--json").partition("\n")[2])
    assert "code" not in found["affected"] and "input code.json (toy modified)" in found["reasons"]["assemble"]
    (root / "toy-code").unlink()
    edited = root / "evaluation" / "predictions" / "predictions"
    times = edited.stat()
    edited.chmod(0o644)
    edited.write_bytes(edited.read_bytes()[::-1])
    os.utime(edited, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert json.loads(dry(root, "--json").partition("\n")[2])["affected"] == ["predict", "evaluate"]
