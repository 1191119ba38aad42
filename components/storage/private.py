"""`.unimed` is for its owner alone: databases, logs and training states name patients' files and hold decisions."""

import os
import stat

from components.storage.workspace import Workspace

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(workspace: Workspace) -> None:
    """Have the folder, open to its owner alone; one that an earlier release left open is closed by its owner's next run."""
    workspace.private.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_open(workspace) and workspace.private.stat().st_uid == os.getuid():
        workspace.private.chmod(0o700)


def is_open(workspace: Workspace) -> bool:
    """Whether others may look into the folder."""
    return workspace.private.is_dir() and bool(workspace.private.stat().st_mode & _OTHERS)
