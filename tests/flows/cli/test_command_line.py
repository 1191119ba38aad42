"""The command line: what it offers, how fast it begins, and one clear line with the right exit code when it cannot."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from components.storage.workspace import Workspace
from flows.cli.errors import explain
from flows.cli.main import app, main
from tests.benchmarks.prompt import imports
from tests.fixtures import micro
from tests.flows import toy
from tests.frozen_interface import COMMANDS

HEAVY = ("torch", "prefect", "dvc", "mlflow", "ray", "pandas", "numpy", "pydantic", "great_expectations", "diffusers")


def all_commands() -> dict[str, list[str]]:
    root = typer.main.get_command(app)
    found = {}
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found.update({f"{name} {sub}": [name, sub] for sub in inner} if inner else {name: [name]})
    return found


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    made = toy.make(tmp_path / "w")
    monkeypatch.chdir(made)
    for name in ("UNIMED_WORKSPACE", "PREFECT_API_URL", "MLFLOW_TRACKING_URI", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    return made


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["unimed", *arguments])
    code = main()
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    "arguments", [("--help",), ("status", "--json"), ("schedules", "--json"), ("retrain", "--help")]
)
def test_what_needs_no_large_package_imports_none(root, arguments):
    assert imports(arguments, Workspace(root)) == []


def test_the_set_of_commands_is_what_scripts_rely_on():
    assert set(all_commands()) == COMMANDS.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_with_an_example(name):
    result = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert f"Example: unimed {name}" in result.output


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['unimed', '--help']\n"
        "from flows.cli.main import main\n"
        "assert main() == 0\n"
        f"print('HEAVY', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in result.stdout and "retrain" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retrain", "--recipe", "tny"], "unknown recipe 'tny'; did you mean 'tiny'?"),
        (["retrain", "--promote", "gat"], "unknown --promote 'gat'; did you mean 'gate'?"),
        (["retrain", "--set", "curriculum.unifid.steps=3"], "did you mean 'unified'?"),
        (["retrain", "--recipe", "small"], "take it with --switch"),
        (["logs", "train@foundation"], "no log of 'train@foundation'"),
        (["data", "stats"], "there is no data set yet"),
        (["data", "check", "eyse"], "unknown source 'eyse'; did you mean 'eyes'?"),
        (["data", "add", "clinic", "--path", "nowhere", "--format", "dicom"], "nowhere is not a folder"),
        (["ask", "nothing.png", "What is this?"], "nothing.png: no such file"),
        (["ask", "params.yaml", "What is this?"], "params.yaml: not an image"),
        (["ask", "cut.dcm", "What is this?"], "cut.dcm: "),
        (["ask", ".", "What is this?"], "is a folder; give one image file"),
        (["draw", "  "], "the description is empty"),
        (["draw", "A CT.", "--out", "a.jpg"], "drawings are written as .png"),
        (["schedule", "--cron", "nightly"], "minute hour day-of-month month day-of-week"),
        (["schedules", "stop"], "unknown action 'stop'"),
        (["init", "params.yaml"], "params.yaml is a file; give a folder"),
    ],
)
def test_what_is_impossible_is_said_in_one_line_with_exit_code_2(root, monkeypatch, capsys, arguments, message):
    (root / "cut.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\x1a\x00cut")
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "") and message in err and "Traceback" not in err


def test_outside_a_workspace_it_says_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNIMED_WORKSPACE", raising=False)
    code, _, err = run(monkeypatch, capsys, "status")
    assert code == 2 and "is not inside a workspace; make one with `unimed init DIR`" in err


def test_a_misspelt_command_or_option_gets_a_suggestion_and_exit_code_2(monkeypatch, capsys):
    assert run(monkeypatch, capsys, "retrian")[0] == 2
    code, _, err = run(monkeypatch, capsys, "retrain", "--promot", "gate")
    assert code == 2 and "--promote" in err


def test_a_broken_recipe_is_named_key_by_key(root, monkeypatch, capsys):
    (root / "params.yaml").write_text((root / "params.yaml").read_text().replace("min_side", "min_sid"))
    code, _, err = run(monkeypatch, capsys, "retrain")
    assert code == 2 and "params.yaml: unknown key 'validation.min_sid'; did you mean 'min_side'?" in err


def test_a_broken_recipe_file_is_no_traceback(root, monkeypatch, capsys):
    (root / "params.yaml").write_text("recipe: [")
    code, _, err = run(monkeypatch, capsys, "status")
    assert code == 2 and "params.yaml is not YAML" in err


def test_an_unexpected_error_is_one_line_and_its_traceback_a_file(root, capsys):
    try:
        raise RuntimeError("the cable\nis loose")
    except RuntimeError as error:
        code = explain(error)
    err = capsys.readouterr().err
    log = root / ".unimed" / "logs" / "unimed-error.log"
    assert code == 1 and err.count("\n") == 1 and "the cable is loose" in err and str(log) in err
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 75, "start the same command again"),
        (OSError(28, "No space left on device", "x.bin"), 1, "No space left on device: 'x.bin'\na disk was full"),
        (sqlite3.OperationalError("database or disk is full"), 1, "free some space (`unimed gc`"),
        (RuntimeError("Error while serializing: IoError(Os { code: 28 }): No space left on device"), 1, "`unimed gc`"),
        (OSError(122, "Disk quota exceeded", "x.bin"), 1, "`unimed gc`"),
        (FileNotFoundError(2, "No such file or directory", "x.bin"), 2, "x.bin"),
        (OSError(30, "Read-only file system", "x.bin"), 2, "x.bin: Read-only file system; what only looks works here"),
        (
            sqlite3.DatabaseError("file is not a database"),
            1,
            "cannot be used (file is not a database); `unimed doctor`",
        ),
    ],
)
def test_what_the_system_says_is_passed_on_with_its_exit_code(root, capsys, raised, code, said):
    assert explain(raised) == code
    assert said in capsys.readouterr().err


def test_a_prefect_server_that_died_is_named_with_its_log_and_the_way_on(root, capsys, monkeypatch):
    import httpx

    monkeypatch.setenv("PREFECT_API_URL", "http://somebody:secret@127.0.0.1:4200/api")
    assert explain(httpx.ConnectError("[Errno 111] Connection refused")) == 1
    said = capsys.readouterr().err
    assert "the Prefect server at http://127.0.0.1:4200/api is gone ([Errno 111] Connection refused)" in said
    assert "start the same command again to go on" in said and "secret" not in said and "last words" not in said
    log = root / ".unimed" / "logs" / "prefect-server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("ended")
    assert explain(httpx.ReadTimeout("")) == 1
    assert str(log) in (said := capsys.readouterr().err) and "(ReadTimeout)" in said


def test_a_registry_that_no_request_reaches_is_named_within_seconds_and_no_traceback_is_kept(tmp_path):
    workspace = micro.make_workspace(tmp_path / "here")
    for address, said in (
        ("http://127.0.0.1:9", "MLflow at http://127.0.0.1:9 does not answer ("),
        ("ftp://store", "MLflow at ftp://store says: "),
    ):
        environment = micro.clean_environment(
            MLFLOW_TRACKING_URI=address, UNIMED_DATABASE_URL=f"sqlite:///{tmp_path}/d.db"
        )
        for command in (["models"], ["lineage", "1"]):
            done = subprocess.run(
                [micro.UNIMED, *command],
                cwd=workspace.root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,  # MLflow's client by itself tries for four minutes
            )
            assert done.returncode == 1 and said in done.stderr and "MLFLOW_TRACKING_URI" in done.stderr
            assert "unexpected" not in done.stderr
            assert (workspace.root / ".unimed" / "logs" / "unimed-error.log").exists() == address.startswith("ftp")


def test_with_closed_streams_a_command_does_its_work_and_writes_into_no_file(tmp_path):
    workspace = micro.make_workspace(tmp_path / "here")
    done = subprocess.run(
        ["bash", "-c", f'"{micro.UNIMED}" status <&- >&- 2>&-; exit $?'], cwd=workspace.root, timeout=120
    )
    assert done.returncode == 0
    assert not (workspace.root / ".unimed" / "logs" / "unimed-error.log").exists()


def test_a_failed_stage_is_told_in_its_own_words(root, capsys):
    from components.storage.dvc import StageFailed
    from components.storage.progress import Progress

    Progress.start(root / ".unimed" / "progress", "admit").finish("failed", "source eyes: 90 of 100 quarantined")
    assert explain(StageFailed("admit", 1, "exit code 1", ["Traceback …"])) == 1
    err = capsys.readouterr().err
    assert "stage admit failed: source eyes: 90 of 100 quarantined" in err and "unimed logs admit" in err
    assert "Traceback" not in err


def test_a_stage_that_filled_the_disk_says_what_to_do_and_one_without_a_log_names_none(root, capsys):
    from components.storage.dvc import StageFailed
    from components.storage.progress import Progress

    full = "OSError: [Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"
    Progress.start(root / ".unimed" / "progress", "assemble").finish("failed", full)
    assert explain(StageFailed("assemble", 1, "exit code 1", [])) == 1
    err = capsys.readouterr().err
    assert "free some space (`unimed gc`" in err and "unimed logs" not in err


def test_what_filled_the_disk_is_found_behind_what_was_made_of_it(root, capsys):
    try:
        try:
            raise OSError(28, "No space left on device", "a.parquet")
        except OSError as error:
            raise KeyError("shard") from error
    except KeyError as error:
        assert explain(error) == 1
    assert "disk was full" in capsys.readouterr().err


def test_the_status_of_a_workspace_that_never_ran_is_json_with_every_stage_missing(root, monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "status", "--json")
    state = json.loads(out)
    assert code == 0 and {stage["state"] for stage in state["stages"]} == {"missing"}
    assert (state["champion"], state["challenger"], state["services"], state["dataset_id"]) == (None, None, [], None)


def test_logs_shows_the_last_lines_and_knows_stages_by_their_name(root, monkeypatch, capsys):
    folder = root / ".unimed" / "logs"
    folder.mkdir(parents=True)
    (folder / "train-foundation.log").write_text("".join(f"line {n}\n" for n in range(100)))
    code, out, _ = run(monkeypatch, capsys, "logs", "train@foundation", "-n", "3")
    assert (code, out) == (0, "line 97\nline 98\nline 99\n")


def test_a_terminal_is_not_steered_by_an_answer():
    from flows.cli.images import printable

    assert printable("a\x1b[2Jb\nc") == "a\N{REPLACEMENT CHARACTER}[2Jb\nc"
