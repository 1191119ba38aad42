"""A user whom the machine does not list, without USER and HOME."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ASK = """
import os, pathlib, sys
from components.storage.user import have_user, user_name
from flows.cli.models import who
os.umask(0o077)
folder = pathlib.Path(sys.argv[1])
print(user_name(), who())
have_user(folder)
print(os.environ["USER"], os.path.expanduser("~"), folder.is_dir())
"""
NOBODY = 47_113
"""A number that no machine lists."""


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is part of util-linux")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_somebody_without_an_entry_has_a_name_and_a_home():
    folder = Path("/tmp") / f"unimed-home-{os.getpid()}"  # pytest's own folders are closed to others
    ask = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        sys.executable,
        "-c",
        ASK,
        str(folder),
    ]
    try:
        said = subprocess.run(
            ask, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, cwd="/", text=True, capture_output=True
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert said.returncode == 0, said.stderr
    assert said.stdout.split() == [f"uid-{NOBODY}"] * 3 + [str(folder), "True"]


def test_somebody_with_a_home_keeps_it(monkeypatch, tmp_path):
    from components.storage.user import have_user

    monkeypatch.setenv("HOME", str(tmp_path))
    have_user(tmp_path / "other")
    assert os.environ["HOME"] == str(tmp_path) and not (tmp_path / "other").exists()
