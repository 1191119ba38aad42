"""Who does what a message advises has the trouble behind them: the advice is read out of the message and carried out."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from components.recipes.shipped import shipped_recipe
from components.registry.presence import Away, registered_now
from components.storage.dvc_repository import ensure_initialised
from components.storage.full_disk import advice
from components.storage.private import is_open, make_private
from components.storage.workspace import Workspace, find_workspace
from components.storage.yaml_files import dump_yaml, load_yaml, parse_yaml
from flows.cli import errors
from flows.cli.main import main
from flows.cron import check_cron
from flows.graph import check_graph
from flows.loopback import free_port, loopback_url
from flows.switching import use_recipe
from tests.flows import toy


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A toy workspace around the current folder."""
    made = toy.make(tmp_path / "w")
    monkeypatch.chdir(made)
    for name in ("UNIMED_WORKSPACE", "PREFECT_API_URL", "MLFLOW_TRACKING_URI", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def said(monkeypatch, capsys) -> Callable[..., tuple[int, str]]:
    """(exit code, what it says on standard error) of a command."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["unimed", *arguments])
        code = main()
        return code, capsys.readouterr().err

    return run


def advised(text: str, **letters: str) -> list[str]:
    """The last command of ours in backticks, its capital letters filled in."""
    command = re.findall(r"`unimed ([^`]+)`", text)[-1]
    return [letters.get(word, word) for word in shlex.split(command)]


def test_outside_a_workspace_the_advised_command_makes_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNIMED_WORKSPACE", raising=False)
    with pytest.raises(ValueError, match="not inside a workspace") as caught:
        find_workspace()
    assert advised(str(caught.value), DIR="new") == ["init", "new"]
    from flows.making import make_workspace

    make_workspace(tmp_path / "new", "tiny")
    monkeypatch.chdir(tmp_path / "new")
    assert find_workspace().root == tmp_path / "new"


def test_an_edited_graph_is_refused_until_the_advised_repair(root, said):
    graph = load_yaml(root / "dvc.yaml")
    graph["stages"]["assemble"].pop("params")
    (root / "dvc.yaml").write_text(dump_yaml(graph))
    workspace = Workspace(root)
    with pytest.raises(ValueError, match="is not the stage graph of this release") as caught:
        check_graph(workspace)
    assert said(*advised(str(caught.value)))[0] in (0, 1), "what it finds of the machine is another matter"
    check_graph(workspace)


def test_an_open_private_folder_is_found_by_doctor_and_closed_by_what_it_advises(root, said, monkeypatch):
    from flows.checkup import examine

    workspace = Workspace(root)
    make_private(workspace)
    workspace.private.chmod(0o755)
    (found,) = [finding for finding in examine() if finding.what == "private folder"]
    assert found.state == "bad"
    said(*advised(found.fix))
    assert not is_open(workspace)


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (("retrain", "--recipe", "tny"), "tiny"),
        (("retrain", "--promote", "gat"), "gate"),
        (("schedules", "puase"), "pause"),
        (("data", "check", "eyse"), "eyes"),
    ],
)
def test_a_suggested_word_is_one_that_is_taken(root, said, arguments, right):
    code, text = said(*arguments)
    (suggested,) = re.findall(r"did you mean '(\w+)'", text)
    assert (code, suggested) == (2, right)


def test_another_recipe_is_taken_with_the_advised_switch(root, said):
    code, text = said("retrain", "--recipe", "small", "--dry-run")
    assert code == 2 and "take it with --switch" in text
    use_recipe(Workspace(root), "small", switch=True)
    assert parse_yaml((root / "params.yaml").read_text(), "") == parse_yaml(shipped_recipe("small"), "")
    use_recipe(Workspace(root), "small", switch=False)


def test_a_misspelt_recipe_key_is_right_once_it_is_written_as_suggested(root, said):
    path = root / "params.yaml"
    path.write_text(path.read_text().replace("min_side", "min_sid"))
    _, text = said("retrain", "--dry-run")
    (suggested,) = re.findall(r"did you mean '(\w+)'", text)
    path.write_text(path.read_text().replace("min_sid", suggested))
    from components.recipes.recipe import read_recipe

    assert set(read_recipe(path).sources) == set(toy.SOURCES)


def test_the_example_of_a_cron_text_is_one(root):
    with pytest.raises(ValueError, match="not five") as caught:
        check_cron("nightly")
    (example,) = re.findall(r"'(\d[^']*)'", str(caught.value))
    assert check_cron(example) == "0 3 * * *"


def test_a_conflict_of_git_is_settled_by_the_advised_command(root):
    from components.storage.dvc_repository import check_unmerged

    def git(*words: str, check: bool = True) -> None:
        who = ("-c", "user.name=c", "-c", "user.email=c@example.org")
        subprocess.run(["git", *who, *words], cwd=root, check=check, capture_output=True)

    lock = root / "dvc.lock"
    git("init", "-q", "-b", "main")
    for branch, text in (("main", "schema: '2.0'\n"), ("theirs", "stages: {a: 1}\n"), ("main", "stages: {b: 2}\n")):
        git("checkout", "-q", "-B" if branch == "theirs" else "-q", branch, check=lock.exists())
        lock.write_text(text)
        git("add", "-f", "dvc.lock")
        git("commit", "-q", "-m", branch)
    git("merge", "theirs", check=False)
    with pytest.raises(ValueError, match="conflict markers") as caught:
        check_unmerged(Workspace(root))
    (command,) = re.findall(r"(git checkout --ours dvc\.lock)", str(caught.value))
    subprocess.run(shlex.split(command), cwd=root, check=True, capture_output=True)
    check_unmerged(Workspace(root))


def test_a_server_that_is_away_is_there_once_the_named_variable_is_corrected(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", loopback_url(free_port()))
    with pytest.raises(Away) as caught:
        registered_now(Workspace(root), "unimed")
    assert errors.explain(caught.value) == errors.FAILED
    (variable,) = re.findall(r"correct (\w+),", str(caught.value))
    monkeypatch.delenv(variable)
    assert registered_now(Workspace(root), "unimed").versions == frozenset()


def test_a_full_disk_has_room_after_the_advised_collection(root, said, monkeypatch):
    code, text = said("gc")
    assert code == 2 and advised(text) == ["retrain"], "nothing ran here yet"
    ensure_initialised(Workspace(root))
    old = root / "data" / ".writing-1-left"
    old.mkdir()
    (old / "half").write_bytes(bytes(100_000))

    os.utime(old, (1, 1))
    assert advised(advice("database or disk is full", root)) == ["gc"]
    code, text = said("gc")
    assert code == 0, text
    assert not old.exists()
