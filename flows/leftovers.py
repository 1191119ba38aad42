"""What a killed run leaves behind: processes of its stages and its server, and runs still called running."""

import contextlib
import os
from typing import TYPE_CHECKING

from components.storage.workspace import ENVIRONMENT as WORKSPACE
from components.storage.workspace import Workspace
from flows.environment import RUN

if TYPE_CHECKING:
    import psutil

WAIT_SECONDS = 5.0


def left_processes(workspace: Workspace, *, mine: str, sign: str = RUN) -> "list[psutil.Process]":
    """Processes of this workspace's earlier runs: they carry its path and another run's mark in their environment.

    `sign` names the variable that holds the mark.
    """
    import psutil

    found = []
    me = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        if process.pid in me:
            continue
        with contextlib.suppress(psutil.Error):
            environment = process.environ()
            if environment.get(WORKSPACE) == str(workspace.root) and environment.get(sign, mine) != mine:
                found.append(process)
    return found


def end_leftovers(workspace: Workspace, *, mine: str, sign: str = RUN) -> int:
    """Kill them and return how many; call only while holding the lock of those that carry the sign."""
    import psutil

    found = left_processes(workspace, mine=mine, sign=sign)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=WAIT_SECONDS)
    return len(found)


def running_stages() -> "list[psutil.Process]":
    """The stage processes below this process."""
    import psutil

    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "components.stage" in process.cmdline():
                found.append(process)
    return found


def forward_stop() -> int:
    """Ask every stage below this process to save and stop; returns how many were asked."""
    import psutil

    found = running_stages()
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    return len(found)
