"""Hostile and broken image files: each is refused with its reason, soon and without costing memory."""

import json
import subprocess
import sys

import pytest

from tests.faults.hostile import _FILES, CANARY, write_all

NAMES = sorted(name for name in _FILES if not name.startswith("harmless"))
MEMORY_LIMIT = 512 * 2**20


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What one process made of all the files."""
    folder = tmp_path_factory.mktemp("hostile")
    write_all(folder)
    command = [sys.executable, "-m", "tests.faults.hostile", str(folder), "--read"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout) | {"folder": folder}


@pytest.mark.parametrize("name", NAMES)
def test_each_is_refused_with_its_reason(outcome, name):
    reason, seconds = outcome["files"][name]
    assert reason == _FILES[name][1]
    assert seconds < 30, "minutes instead of the second that a quiet machine needs"


def test_all_of_them_together_stay_below_the_memory_limit(outcome):
    assert outcome["growth"] < MEMORY_LIMIT


def test_no_pickle_was_executed(outcome):
    assert not list(outcome["folder"].rglob(CANARY))
