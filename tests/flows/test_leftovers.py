"""What a killed run left is ended by the next, and nothing else is."""

import os
import subprocess
import sys
import time

import psutil

from components.storage.workspace import Workspace
from flows.environment import RUN
from flows.leftovers import end_leftovers, left_processes

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def start(root, mark):
    environment = {"PATH": os.environ["PATH"], "UNIMED_WORKSPACE": str(root), **({RUN: mark} if mark else {})}
    return subprocess.Popen(SLEEP, env=environment)


def test_only_processes_of_this_workspace_with_another_runs_mark_are_ended(tmp_path):
    workspace = Workspace(tmp_path)
    old, mine = start(tmp_path, "old"), start(tmp_path, "mine")
    elsewhere, by_hand = start(tmp_path / "other", "old"), start(tmp_path, "")
    try:
        time.sleep(0.2)
        assert [process.pid for process in left_processes(workspace, mine="mine")] == [old.pid]
        assert end_leftovers(workspace, mine="mine") == 1
        assert not psutil.pid_exists(old.pid)
        assert [process.poll() for process in (mine, elsewhere, by_hand)] == [None, None, None]
        assert end_leftovers(workspace, mine="mine") == 0
    finally:
        for process in (old, mine, elsewhere, by_hand):
            process.kill()
            process.wait()
