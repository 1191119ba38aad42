"""Sending what stages told about their runs to MLflow: by a child of a stage while it trains, by a later command what is left.

A spool is sent once from its beginning to its end; `sent.json` beside it says how far, so whoever is killed in the middle
repeats at most one request, and points sent twice are one.
"""

import itertools
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from components.registry.client_timeouts import briefly
from components.registry.run_spool import RunSpool, spools
from components.registry.runs import PARENT_TAG, Run, go_on
from components.registry.tracking import FOR_A_PERSON, Tracking, connect
from components.storage.addresses import shown
from components.storage.atomic import read_object, write_json
from components.storage.lifeline import die_with_parent
from components.storage.locks import hold
from components.storage.workspace import Workspace

BEGIN_SECONDS, EVERY_SECONDS, LONGEST_SECONDS, LOOK_SECONDS = 3.0, 5.0, 300.0, 0.3
LOCK_SECONDS = 15.0
"""A sender that is in the middle of a request is waited for this long."""
_TOGETHER = 50
"""Steps in one request."""
REFUSALS = frozenset(
    {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_STATE", "BAD_REQUEST"}
)
"""MLflow heard it and will not have it, now or later: the run was deleted on its page, a parameter has another value."""


def send(workspace: Workspace, tracking: Tracking, spool: RunSpool) -> Run:
    """Send what is left of the spool and return its run. Raises what MLflow raises; what was sent stays sent."""
    with hold(spool.folder / "sending.lock", "sending a run", wait_seconds=LOCK_SECONDS):
        run_id, offset = _sent(spool)
        run = Run(tracking, run_id)
        for events, end in _grouped(spool.events(offset)):
            first = events[0]
            if first["kind"] == "open":
                tags = dict(first["tags"])
                parent = tags.pop(PARENT_TAG, "")
                run = go_on(workspace, tracking, first["stage"], spool.key, parent=parent, at_ms=first["at_ms"])
            else:
                taken(partial(_tell, run, events))
            _note(spool, run.run_id, end)
    return run


def send_waiting(workspace: Workspace) -> int:
    """Send what is left of all spools of the workspace, remove those that are done with, and return how many were not
    empty. Raises what MLflow raises."""
    waiting = [spool for spool in spools(workspace) if _sent(spool)[1] < spool.path.stat().st_size]
    if waiting:
        tracking = connect(workspace)
        for spool in waiting:
            send(workspace, tracking, spool)
    newest = {spool.stage: spool.key for spool in spools(workspace)}
    for spool in spools(workspace):
        # A stage that goes on asks its spool for the steps that it has told; a finished one is not asked again.
        if spool.status == "FINISHED" or (spool.status and newest[spool.stage] != spool.key):
            shutil.rmtree(spool.folder, ignore_errors=True)
    return len(waiting)


def try_to(work: Callable[[], Any]) -> bool:
    """Whether MLflow let it be done. What it or the way to it answers is said on standard error and ends nothing; raises only what a person
    must mend (Elsewhere, OtherRelease)."""
    try:
        with briefly():
            work()
    except FOR_A_PERSON:
        raise
    except (
        Exception
    ) as error:  # whatever a server, a proxy or a full disk answers: watching may not end what is watched
        print(f"MLflow does not take the runs now ({_reason(error)}); they are sent later", file=sys.stderr)
        return False
    return True


def taken(work: Callable[[], None]) -> None:
    """Do it; what MLflow refuses for good is said and passed over, what it cannot do now is raised."""
    from mlflow.exceptions import MlflowException

    try:
        work()
    except MlflowException as error:
        if error.error_code not in REFUSALS:
            raise
        print(f"MLflow refused a part of a run: {_reason(error)}", file=sys.stderr, flush=True)


def keep_sending(workspace: Workspace, spool: RunSpool) -> bool:
    """Send the spool as it grows until it ends; whether all of it was taken."""
    tracking: Tracking | None = None
    pause, told = BEGIN_SECONDS, ""
    while True:
        ended = _wait(spool, pause)
        try:
            tracking = tracking or connect(workspace)
            send(workspace, tracking, spool)
            pause, told = EVERY_SECONDS, ""
        except Exception as error:  # the stage goes on; this is tried again, less and less often
            reason = _reason(error)
            if reason != told:
                print(f"MLflow does not take the curve now ({reason}); it is kept and sent later", flush=True)
            pause, told = min(max(pause, EVERY_SECONDS) * 2, LONGEST_SECONDS), reason
        if ended:
            return not told


def _wait(spool: RunSpool, seconds: float) -> bool:
    """Return when the run ends (True) or after that long."""
    deadline = time.monotonic() + seconds
    while not spool.status:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _grouped(events: Iterator[tuple[dict[str, Any], int]]) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Points that follow each other go together, all else alone; each group with the offset behind it."""
    for is_points, run in itertools.groupby(events, key=lambda item: item[0]["kind"] == "metrics"):
        items = list(run)
        size = _TOGETHER if is_points else 1
        for start in range(0, len(items), size):
            group = items[start : start + size]
            yield [event for event, _ in group], group[-1][1]


def _tell(run: Run, events: list[dict[str, Any]]) -> None:
    event = events[0]
    match event["kind"]:
        case "metrics":
            run.log_points([point for one in events for point in _points(one)])
        case "params":
            run.params(event["values"])
        case "tags":
            run.tags(event["values"])
        case "dataset":
            run.dataset(event["dataset_id"], event["context"])
        case "end":
            run.end(event["status"], event["at_ms"])


def _points(event: dict[str, Any]) -> list[Any]:
    from mlflow.entities import Metric

    return [Metric(name, float(value), event["at_ms"], event["step"]) for name, value in event["values"].items()]


def _sent(spool: RunSpool) -> tuple[str, int]:
    path = spool.folder / "sent.json"
    if not path.is_file():
        return "", 0
    value = read_object(path)
    return str(value["run_id"]), int(value["offset"])


def _note(spool: RunSpool, run_id: str, offset: int) -> None:
    write_json(spool.folder / "sent.json", {"run_id": run_id, "offset": offset})


def _reason(error: BaseException) -> str:
    text = shown(str(error).partition("\n")[0])
    return f"{type(error).__name__}: {text[:300]}"


if __name__ == "__main__":
    die_with_parent()
    os.nice(10)
    sys.exit(0 if keep_sending(Workspace(Path(sys.argv[1])), RunSpool(Path(sys.argv[2]))) else 1)
