"""What a finished stage of the curriculum leaves and nobody needs: the states that would have resumed it."""

import shutil
from collections.abc import Iterable

from components.storage.workspace import Workspace


def forget_states(workspace: Workspace, stages: Iterable[str]) -> None:
    """Removes the training states of these stages; call it when DVC holds their results, for without both all is redone."""
    for stage in stages:
        for folder in workspace.training_state.glob(f"{stage}-*"):
            shutil.rmtree(folder, ignore_errors=True)
