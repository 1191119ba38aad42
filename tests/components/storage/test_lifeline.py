"""A process of multiprocessing ends with the one that started it, though a server forked it."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from components.storage.lifeline import end_with_starter

STARTER = """
import multiprocessing, sys, time
from tests.components.storage import test_lifeline
if __name__ == "__main__":
    process = multiprocessing.get_context("forkserver").Process(target=test_lifeline.sleep)
    process.start()
    print(process.pid, flush=True)
    time.sleep(600)
"""


def sleep() -> None:
    end_with_starter()
    signal.pause()


def test_what_a_fork_server_forked_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "starter.py"
    script.write_text(STARTER)
    root = Path(__file__).parents[3]
    command = [sys.executable, str(script)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(root)}
    ) as starter:
        try:
            assert starter.stdout is not None
            child = psutil.Process(int(starter.stdout.readline()))
            assert child.is_running()
        finally:
            starter.kill()
    _, left = psutil.wait_procs([child], timeout=20)
    assert not left


def test_a_process_that_multiprocessing_did_not_start_has_no_starter() -> None:
    assert multiprocessing.parent_process() is None
    with pytest.raises(ValueError, match="not started by multiprocessing"):
        end_with_starter()
