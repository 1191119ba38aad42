"""A stage's run as the door opens it: the stage writes lines, a child of its own sends them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from components.registry.client_timeouts import BRIEF
from components.registry.run_spool import RunSpool, spool_folder
from components.registry.runs import PARENT_TAG, status_of
from components.registry.tracking import PARENT
from components.storage.workspace import Workspace

FAREWELL_SECONDS = 5.0
"""A stage that nobody's retrain runs waits this long at its end for what is left to be sent."""


@contextmanager
def watched(workspace: Workspace, stage: str, run_key: str, /) -> Iterator[RunSpool]:
    """The run of a stage, to be told what happens; it ends as the block ends. MLflow being away costs nothing."""
    spool = RunSpool(spool_folder(workspace) / run_key)
    parent = os.environ.get(PARENT)
    spool.open(stage, {PARENT_TAG: parent} if parent else {})
    sender = _start(workspace, spool)
    try:
        yield spool
    except BaseException as error:
        spool.end(status_of(error))
        _leave(sender, 0.0)
        raise
    spool.end("FINISHED")
    # Inside a retrain the flow sends the rest at once.
    _leave(sender, 0.0 if PARENT in os.environ else FAREWELL_SECONDS)


def _start(workspace: Workspace, spool: RunSpool) -> "subprocess.Popen[bytes] | None":
    command = [sys.executable, "-P", "-m", "components.registry.sending", str(workspace.root), str(spool.folder)]
    try:
        # A session of its own: Ctrl-C is for the stage, whose end ends the child.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**os.environ, **BRIEF}, start_new_session=True)
    except OSError as error:
        print(f"no process to send the curve ({error}); it is kept and sent later", file=sys.stderr)
        return None


def _leave(sender: "subprocess.Popen[bytes] | None", seconds: float) -> None:
    """Give it that long for what is left; nothing is lost by killing it."""
    if sender is None:
        return
    try:
        sender.wait(seconds)
    except subprocess.TimeoutExpired:
        sender.kill()
        sender.wait()
