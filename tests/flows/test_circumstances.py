"""A whole retrain on toy stages, with real Prefect, DVC and runs of MLflow, on machines and for users that are unlike ours."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.networks import ONLY_IPV6, in_network
from tests.fixtures.users import NOBODY, as_nobody
from tests.flows import toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
RETRAIN = [sys.executable, toy.__file__, "unimed", "retrain"]


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A toy workspace of somebody without an entry; pytest's own folders are closed to others."""
    folder = Path("/tmp") / f"unimed-nobody-{os.getpid()}"
    root = toy.make(folder / "w")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    yield root
    shutil.rmtree(folder, ignore_errors=True)


def test_a_machine_without_ipv4_retrains(tmp_path, monkeypatch):
    root = toy.make(tmp_path / "w")
    monkeypatch.chdir(root)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = in_network(ONLY_IPV6, RETRAIN, environment=environment, seconds=800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "promote: beats the majority" in done.stdout and "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_somebody_without_an_entry_a_name_and_a_home_retrains_within_the_workspace(nobodys):
    before = theirs()
    done = as_nobody(RETRAIN, cwd=nobodys, seconds=800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    again = as_nobody(RETRAIN, cwd=nobodys)
    assert again.returncode == 0 and "nothing to do" in again.stdout
    assert theirs() == before, "all that was written lies in the workspace"
    assert (nobodys / ".unimed").stat().st_mode & 0o077 == 0


def theirs() -> set[Path]:
    """What of the temporary folder is that user's."""
    return {path for path in Path("/tmp").iterdir() if path.lstat().st_uid == NOBODY}
