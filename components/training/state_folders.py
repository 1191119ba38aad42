"""The folders of what resumes a stage, by stage and key of the work, and which of them go."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from components.storage.workspace import Workspace


def state_folder(workspace: Workspace, stage: str, key: str) -> Path:
    """Where the stage keeps what resumes the work of this key."""
    return workspace.training_state / f"{stage}-{key}"


def forget_states(workspace: Workspace, stages: Iterable[str], *, keep: Path | None = None) -> None:
    """Removes what would resume these stages, but for one folder.

    Call it for a finished stage when DVC holds its results: without both, all is redone.
    """
    names = set(stages)
    for folder in workspace.training_state.glob("*-*"):
        if folder.name.rpartition("-")[0] in names and folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
