"""What the door hands to a stage."""

import threading
from dataclasses import dataclass, field

from components.recipes.recipe import Recipe
from components.storage.progress import Progress
from components.storage.workspace import Workspace


class Interrupted(Exception):
    """Somebody asked the stage to stop; what it had is saved. The door leaves with 75: start me again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageContext:
    """Where a stage works, with which numbers, how it reports and how it learns that it should stop."""

    workspace: Workspace
    recipe: Recipe
    item: str
    """The source of `validate`, the curriculum stage of `train`, else empty."""
    progress: Progress
    stop: threading.Event = field(default_factory=threading.Event)
    """Set by SIGTERM or SIGINT; long loops poll it, save what they have and raise Interrupted."""

    def raise_if_stopped(self) -> None:
        """Raise Interrupted when the stage was asked to stop."""
        if self.stop.is_set():
            raise Interrupted(f"{self.progress.stage} was asked to stop")
