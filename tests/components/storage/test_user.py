"""A user whom the machine does not list, without USER and HOME."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.fixtures.users import NOBODY, as_nobody

ASK = """
import os, pathlib, sys
from components.storage.user import have_user, user_name
from flows.cli.models import who
folder = pathlib.Path(sys.argv[1])
print(user_name(), who())
have_user(folder)
print(os.environ["USER"], os.path.expanduser("~"), folder.is_dir())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_somebody_without_an_entry_has_a_name_and_a_home():
    folder = Path("/tmp") / f"unimed-home-{os.getpid()}"  # pytest's own folders are closed to others
    try:
        said = as_nobody([sys.executable, "-c", ASK, str(folder)], cwd=Path("/"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert said.returncode == 0, said.stderr
    assert said.stdout.split() == [f"uid-{NOBODY}"] * 3 + [str(folder), "True"]


def test_somebody_with_a_home_keeps_it(monkeypatch, tmp_path):
    from components.storage.user import have_user

    monkeypatch.setenv("HOME", str(tmp_path))
    have_user(tmp_path / "other")
    assert os.environ["HOME"] == str(tmp_path) and not (tmp_path / "other").exists()
