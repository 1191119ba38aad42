"""Prefect runs of this workspace that a kill left "Running": the next start, under the lock, calls them crashed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from components.storage.atomic import write_json
from components.storage.workspace import Workspace
from flows.processes import lives, own_card

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


def run_tag(mark: str) -> str:
    """The Prefect tag of the flow run that a retrain with this mark makes; there before the run is."""
    return f"unimed-run-{mark}"


@contextmanager
def noted(workspace: Workspace, name: str) -> Iterator[None]:
    """While the block runs, the workspace knows that this process works on the flow run with this tag or id."""
    path = _folder(workspace) / f"{name}.json"
    write_json(path, own_card())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def crash_past_runs(workspace: Workspace) -> int:
    """Set the flow runs of dead processes, and their task runs, to crashed; returns how many processes had died.

    Needs PREFECT_API_URL and the workspace's lock.
    """
    dead = dead_runs(workspace)
    if not dead:
        return 0
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for name in dead:
            _crash(client, name)
            (_folder(workspace) / f"{name}.json").unlink(missing_ok=True)
    return len(dead)


def _crash(client: "SyncPrefectClient", name: str) -> None:
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterTags
    from prefect.states import Crashed

    message = "its process was killed; the next run went on from what it had done"
    if name.startswith(run_tag("")):
        wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[name]))
    else:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(name)]))
    for task_run in client.read_task_runs(flow_run_filter=wanted):
        if task_run.state is None or not task_run.state.is_final():
            client.set_task_run_state(task_run.id, Crashed(message=message), force=True)
    for run in client.read_flow_runs(flow_run_filter=wanted):
        if run.state is None or not run.state.is_final():
            client.set_flow_run_state(run.id, Crashed(message=message), force=True)


def dead_runs(workspace: Workspace) -> list[str]:
    """Tags and ids of flow runs whose process ended without saying so."""
    found = []
    for path in sorted(_folder(workspace).glob("*.json")):
        try:
            if lives(json.loads(path.read_text())):
                continue
        except (json.JSONDecodeError, KeyError):
            pass  # a card cut short says nothing of a living process
        found.append(path.stem)
    return found


def _folder(workspace: Workspace) -> Path:
    return workspace.private / "flow-runs"
