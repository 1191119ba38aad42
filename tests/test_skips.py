"""A skipped test fails the run in CI unless the list names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

def test_that_runs():
    pass

@pytest.mark.skip(reason="no scanner here")
@pytest.mark.parametrize("side", ["left", "right"])
def test_that_is_skipped(side):
    pass

@pytest.mark.xfail(reason="known")
def test_that_fails():
    raise ValueError
"""
NAMED = "tests/test_it.py::test_that_is_skipped"


@pytest.fixture
def outcome(tmp_path):
    """outcome(the list's lines, CI or "", further arguments) -> (exit status, output) of a small run of its own."""

    def run(listed: str, ci: str, *arguments: str) -> tuple[int, str]:
        (tmp_path / "tests").mkdir()
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        (tmp_path / "tests" / "test_it.py").write_text(TESTS)
        (tmp_path / "tests" / "expected_skips.txt").write_text(listed)
        known = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CI"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.skips", *arguments],
            cwd=tmp_path,
            env=known | {"PYTHONPATH": str(ROOT), "CI": ci},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_skip_that_nobody_expects_fails_the_run_and_is_named(outcome, workers):
    status, said = outcome("# nothing\n", "true", "-n", workers)
    assert status == 1 and "skipped: 0 that tests/expected_skips.txt names, 2 others" in said
    assert f"{NAMED}[left]: no scanner here; let it run here, or name it in" in said


@pytest.mark.parametrize("listed", [f"{NAMED}  # no scanner\n", f"{NAMED}[left]\n{NAMED}[right]\n"])
def test_a_skip_that_the_list_names_is_counted_alone(outcome, listed):
    status, said = outcome(listed, "true")
    assert status == 0 and "skipped: 2 that tests/expected_skips.txt names, 0 others" in said


def test_one_case_of_a_test_that_the_list_names_stands_for_itself_alone(outcome):
    status, said = outcome(f"{NAMED}[left]\n", "true")
    assert status == 1 and "1 that tests/expected_skips.txt names, 1 others" in said and f"{NAMED}[right]" in said


def test_away_from_ci_a_skip_is_no_failure(outcome):
    status, said = outcome("", "")
    assert status == 0 and "expected_skips" not in said


def test_a_run_that_failed_keeps_its_own_status(outcome):
    status, _ = outcome("", "true", "-k", "absent")
    assert status == pytest.ExitCode.NO_TESTS_COLLECTED


def test_every_test_that_the_list_names_is_there():
    for line in (ROOT / "tests" / "expected_skips.txt").read_text().splitlines():
        if node := line.split("#")[0].strip():
            file, name = node.split("::")
            assert f"def {name.split('[')[0]}(" in (ROOT / file).read_text(), node
            assert line.partition("#")[2].strip(), f"{node} is listed without its reason"
