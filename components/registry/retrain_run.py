"""The run of a whole retrain in MLflow, linked to the runs of its stages. While MLflow is away it is made up for later."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from components.registry.run_spool import spools
from components.registry.runs import LOCK_ENTRY, PARENT_TAG, RUN_KEY, STAGE, Run, find_run, make_run, status_of
from components.registry.sending import send, taken, try_to
from components.registry.tracking import PARENT, connect
from components.storage.dvc_repository import read_lock
from components.storage.keys import digest
from components.storage.spans import spending
from components.storage.workspace import Workspace

PAUSE_SECONDS = 60.0
"""After MLflow was away it is left alone for this long, so that no stage waits for it twice."""


class RetrainRun:
    """What a retrain tells MLflow: kept in order and sent as soon as MLflow takes it."""

    def __init__(self, workspace: Workspace, name: str, tags: Mapping[str, str]) -> None:
        self.workspace = workspace
        self.run: Run | None = None
        """None until MLflow has answered for the first time."""
        self._begun_ms = int(time.time() * 1000)
        self._name, self._tags = name, dict(tags)
        self._waiting: list[Callable[[Run], Any]] = []
        self._not_before = 0.0

    @property
    def run_id(self) -> str:
        """Its id, empty while MLflow has not answered yet."""
        return self.run.run_id if self.run else ""

    def tell(self, *work: Callable[[Run], Any], patient: bool = True) -> None:
        """Do this with the run, now or later, after all that waits; `patient`: not while MLflow was away just now."""
        self._waiting += work
        if patient and time.monotonic() < self._not_before:
            return
        with spending("mlflow"):
            if not try_to(self._catch_up):
                self._not_before = time.monotonic() + PAUSE_SECONDS

    def _catch_up(self) -> None:
        if self.run is None:
            tracking = connect(self.workspace)
            self.run = make_run(self.workspace, tracking, self._name, self._tags, self._begun_ms)
            os.environ[PARENT] = self.run.run_id
        while self._waiting:
            taken(partial(self._waiting[0], self.run))
            del self._waiting[0]


@contextmanager
def parent_run(workspace: Workspace, name: str, tags: Mapping[str, str] | None = None) -> Iterator[RetrainRun]:
    """The run of a whole retrain; child processes find it in the environment. Ends as the block ends.

    Raises Elsewhere or OtherRelease; MLflow being away ends nothing.
    """
    before = os.environ.get(PARENT)
    os.environ[PARENT] = ""
    parent = RetrainRun(workspace, name, tags or {})
    try:
        parent.tell()
        yield parent
    except BaseException as error:
        status = status_of(error)
        parent.tell(lambda run: run.end(status), patient=False)
        raise
    else:
        parent.tell(lambda run: run.end("FINISHED"), patient=False)
    finally:
        if before is None:
            os.environ.pop(PARENT, None)
        else:
            os.environ[PARENT] = before


def record_stage(parent: RetrainRun, stage: str, *, ran: bool, seconds: float) -> None:
    """Send what the stage told about its run, and link the parent to the run that made its present output.

    A stage that ran without a run of its own (all but training) gets one here, from its entry in dvc.lock; a skipped
    stage is linked to the run that made its output, whichever retrain that was.
    """
    entry, ended_ms = read_lock(parent.workspace).get(stage, {}), int(time.time() * 1000)
    told = next((spool for spool in reversed(spools(parent.workspace)) if ran and spool.stage == stage), None)

    def link(retrain: Run) -> None:
        workspace, tracking, tags = parent.workspace, retrain.tracking, {LOCK_ENTRY: digest(entry)}
        run = send(workspace, tracking, told) if told else find_run(workspace, tracking, tags)
        if run is None and not ran:
            return
        if run is None:
            tags |= {STAGE: stage, RUN_KEY: digest(entry)}
            run = make_run(workspace, tracking, stage, tags, ended_ms - int(seconds * 1000))
            run.end("FINISHED", ended_ms)
        if ran:
            run.tags({**tags, PARENT_TAG: retrain.run_id})
            run.params({file: values for file, values in entry.get("params", {}).items() if file == "params.yaml"})
            run.log(0, {"seconds": seconds})
        retrain.tags({f"unimed.run.{stage.replace('@', '-')}": run.run_id})

    parent.tell(link)
