"""What this process and its children need in their environment before Prefect is imported."""

import logging
import os
import sys
from pathlib import Path

from components.stage import ENVIRONMENT as SILENCE
from components.stage import spare_loopback
from components.storage.private import make_private
from components.storage.read_only import unless_read_only
from components.storage.user import have_user
from components.storage.workspace import ENVIRONMENT as WORKSPACE
from components.storage.workspace import Workspace

RUN = "UNIMED_RUN"
"""Carried by all that a retrain starts (its server, stages, their workers) and by nothing else."""

SERVICE = "UNIMED_SERVICE"
"""Carried by the pages of `unimed up` and what they start, not by its worker: a scheduled run outlives its `up`."""

LOGGING = Path(__file__).with_name("prefect_logging.yaml")


def enter(workspace: Workspace) -> None:
    """Move into the workspace and set what every child should have: silence, PATH, the workspace, Prefect's home."""
    os.chdir(workspace.root)
    spare_loopback()
    for name, value in SILENCE.items():
        os.environ.setdefault(name, value)
    folder = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)
    if path.split(os.pathsep)[0] != folder:
        os.environ["PATH"] = os.pathsep.join([folder, path])
    os.environ[WORKSPACE] = str(workspace.root)
    have_user(workspace.private / "home")
    os.environ["PREFECT_HOME"] = str(prefect_home(workspace))
    make_private(workspace)
    with unless_read_only():
        for made in (prefect_home(workspace), workspace.logs):
            made.mkdir(parents=True, exist_ok=True)
    # It warns of each empty file, on every look; a curator's file of decisions begins empty.
    logging.getLogger("dvc.output").setLevel(logging.ERROR)


def prefect_home(workspace: Workspace) -> Path:
    """Prefect's database and settings of this workspace."""
    return workspace.private / "prefect"


def quiet_prefect() -> None:
    """Send what Prefect logs in this process to its home's retrain.log instead of the terminal."""
    os.environ["PREFECT_LOGGING_SETTINGS_PATH"] = str(LOGGING)
    logging.raiseExceptions = False  # on a full disk each line would print a traceback on the terminal
