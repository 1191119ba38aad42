"""Hostile and broken files: each ends in its reason, under a limit of memory and of CPU time that a hang runs into.

How long each takes is no test but a figure of `python -m tests.benchmarks.hostile`.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.faults.hostile import CASES

MEMORY_LIMIT = 512 * 2**20
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def outcomes():
    """Case -> what came of it; a pickle that was executed ends the program with an error."""
    command = [sys.executable, "-m", "tests.faults.hostile"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env=os.environ | ONE_THREAD)
    assert done.returncode == 0, done.stderr[-2000:]
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_each_ends_in_its_reason_without_hanging_or_filling_memory(outcomes, name):
    outcome = outcomes[name]
    assert CASES[name].is_as_expected(outcome["items"]), outcome
    assert outcome["peak_bytes"] < MEMORY_LIMIT
