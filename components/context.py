"""What the door hands to a stage."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from components.recipes.recipe import Recipe
from components.storage.progress import Progress
from components.storage.workspace import Workspace


class Interrupted(Exception):
    """Somebody asked the stage to stop; what it had is saved. The door leaves with 75: start me again."""


class StartAgain(Interrupted):
    """What the stage worked with is lost, and a fresh process has it again: the door begins the stage anew, once."""


class CannotPredict(ValueError):
    """Today's code cannot load a checkpoint or predict with it: a fact about the two, not an accident. The door leaves
    with 3."""


class StageRun(Protocol):
    """The run of a working stage, as whoever watches it keeps it. It never raises and never waits."""

    def params(self, values: Mapping[str, Any]) -> None:
        """Numbers that the stage works with."""

    def dataset(self, dataset_id: str, context: str) -> None:
        """What it reads."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Numbers at a step; a step that was told before counts once."""


class Unwatched:
    """The run of a stage that nobody watches."""

    def params(self, values: Mapping[str, Any]) -> None:
        del values

    def dataset(self, dataset_id: str, context: str) -> None:
        del dataset_id, context

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        del step, metrics


class Tracker(Protocol):
    """Opens the run of a stage: `tracker(stage, run_key)`. The same key continues the same run."""

    def __call__(self, stage: str, run_key: str, /) -> AbstractContextManager[StageRun]: ...


class Opening(Protocol):
    """Writes down that the exam is opened: `open_exam(exam id, version, weights)`."""

    def __call__(self, exam: str, version: int, weights_sha256: str, /) -> None: ...


def unwatched(exam: str, version: int, weights_sha256: str, /) -> None:
    """The opening of an exam that nobody writes down."""
    del exam, version, weights_sha256


def endless(seconds: float) -> None:
    """The grace of a stage that nobody ends."""
    del seconds


@contextmanager
def untracked(stage: str, run_key: str, /) -> Iterator[StageRun]:
    """The tracker of a stage that nobody watches."""
    del stage, run_key
    yield Unwatched()


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
    grace: Callable[[float], None] = endless
    """Called with the seconds that the stage wants between being asked to stop and being ended."""
    tracker: Tracker = untracked
    """Where a stage's curves are watched; the door gives MLflow's."""
    open_exam: Opening = unwatched
    """Called before the exam is predicted; the door gives the registry's."""

    def raise_if_stopped(self) -> None:
        """Raise Interrupted when the stage was asked to stop."""
        if self.stop.is_set():
            raise Interrupted(f"{self.progress.stage} was asked to stop")
