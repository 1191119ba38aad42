"""The door as DVC opens it: what a person sees of a stage that failed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.recipes.shipped import shipped_graph, shipped_recipe
from components.registry.tracking import PARENT
from components.stage import EXIT_AGAIN, UNUSED
from components.storage.code import code_hashes
from components.storage.made_with import SECTION
from components.storage.yaml_files import parse_yaml


@pytest.mark.parametrize("in_a_run", [False, True])
def test_a_stage_that_fails_without_a_run_around_it_says_why_and_where_its_log_is(tmp_path: Path, in_a_run) -> None:
    (tmp_path / "params.yaml").write_text(shipped_recipe("tiny-scratch"))
    found = subprocess.run(
        [sys.executable, "-P", "-m", "components.stage", "admit"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **({PARENT: "a-run"} if in_a_run else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    log = tmp_path / ".unimed" / "logs" / "admit.log"
    assert found.returncode == 1 and "Traceback" in log.read_text()
    said = "" if in_a_run else f"The log is {log}\n"
    assert found.stdout == "" and found.stderr.endswith(said) and bool(found.stderr) is not in_a_run
    assert in_a_run or found.stderr.startswith("admit: ")


def test_a_users_file_that_is_called_like_a_module_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(shipped_recipe("tiny-scratch"))
    for name in ("random", "json", "model", "components", "torch"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a file of the user was imported')\n")
    stages = parse_yaml(shipped_graph(), "dvc.yaml")["stages"]
    commands = {name: stage.get("do", stage)["cmd"] for name, stage in stages.items()}
    assert all(command.startswith("exec python -P -m components.stage ") for command in commands.values())
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        commands["code"],
        shell=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "code.json").is_file() and (tmp_path / ".unimed" / "logs" / "code.log").is_file()


def test_what_a_stage_does_without_none_of_its_code_imports():
    packages = code_hashes({})[SECTION]
    parts = {"start": "start", "train": "training", "predict": "prediction"}
    for package, stages in UNUSED.items():
        using = [part for stage, part in parts.items() if stage in stages and package in packages[part]]
        assert not using, f"{using} import {package}, which components.stage.UNUSED takes away from them"
    # What needs it may lie behind another package; it is there for the stages whose code brings that.
    assert not any("scikit-image" in packages[part] for stage, part in parts.items() if stage in UNUSED["scipy"])


ASKED = """
import os, signal, threading, time
from components.stage import Grace, listen
grace = Grace({before})
listen(threading.Event(), grace)
os.kill(os.getpid(), signal.SIGTERM)
grace.allow({after})
time.sleep(4)
os._exit(0)
"""


@pytest.mark.parametrize(("before", "after", "code"), [(2, 60, 0), (60, 0.2, 75)])
def test_a_stage_that_was_asked_to_stop_lives_as_long_as_its_grace_also_when_it_says_so_later(
    before: float, after: float, code: int
) -> None:
    done = subprocess.run([sys.executable, "-c", ASKED.format(before=before, after=after)], check=False)
    assert done.returncode == code


LOSES = """
import os, pathlib, subprocess, sys
from components import stage
from components.context import StartAgain

def loses(ctx):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open("lives", "a") as lives:
        print(os.getpid(), child.pid, file=lives)
    print("a word of this life")
    raise StartAgain("the cluster is gone")

sys.modules["lost"] = sys.modules["__main__"]
stage.STAGES["admit"] = "lost:loses"
code = stage.main(["admit"])
sys.stdout.flush()
os._exit(code)
"""


def test_a_stage_whose_cluster_is_lost_begins_anew_once_as_the_same_process_and_without_its_children(tmp_path: Path):
    (tmp_path / "params.yaml").write_text(shipped_recipe("tiny-scratch"))
    found = subprocess.run(
        [sys.executable, "-P", "-c", LOSES],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert found.returncode == EXIT_AGAIN, found.stderr
    lives = [line.split() for line in (tmp_path / "lives").read_text().splitlines()]
    assert len(lives) == 2 and lives[0][0] == lives[1][0], lives
    assert not Path(f"/proc/{lives[0][1]}").exists(), "the first life's child lives on"
    os.kill(int(lives[1][1]), signal.SIGKILL)  # the second life ended, as any stage does, by itself
    said = (tmp_path / ".unimed" / "progress" / "admit.jsonl").read_text()
    assert "begun anew" in said and '"interrupted"' in said and "the cluster is gone" in said
    assert (tmp_path / ".unimed" / "logs" / "admit.log").read_text().count("a word of this life") == 2
