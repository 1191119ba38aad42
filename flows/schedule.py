"""Retraining by the clock: one Prefect deployment per name, on this workspace's work pool, served by `unimed up`.

Runs that were missed while nothing served are all due at once afterwards. The worker starts one process at a time, and
the run that it starts ends the others as Skipped: one stands for all. Our own lock keeps it from working beside a
retrain by hand. Prefect's concurrency limit would be a queue whose slot a killed run keeps.
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect import flow
from prefect.runtime import deployment as served
from prefect.runtime import flow_run
from prefect.states import Completed

from components.recipes.recipe import read_recipe
from components.storage.locks import Held, holder_text
from components.storage.workspace import Workspace
from flows.cron import next_run
from flows.past_runs import noted
from flows.run import find_work, is_settled, prepare, run, send_rest, settle
from flows.services import pool_name, workspace_key
from flows.session import session

if TYPE_CHECKING:
    from prefect.client.schemas.responses import DeploymentResponse

FLOW = "scheduled-retrain"
CARRIED = ("PREFECT_HOME", "UNIMED_WORKSPACE", "PATH", "RAY_ADDRESS")
"""What a scheduled run needs of the environment of the one who made the schedule. Addresses that may hold a password are
not among it, for a deployment is read by all: the worker has them from the environment of `unimed up`."""


@flow(name=FLOW, persist_result=False, validate_parameters=False)
def scheduled_retrain(root: str, promote: str = "gate") -> Any:
    """Retrain when something changed and nobody else does; else end within seconds, saying why, as Skipped."""
    workspace = Workspace(Path(root))
    with noted(workspace, str(flow_run.id)):
        try:
            with session(workspace, "scheduled retrain") as held:
                skip_missed(str(served.id or ""), str(flow_run.id))
                recipe = read_recipe(workspace.params)
                prepare(workspace, recipe)
                plan = find_work(workspace, recipe, promote)
                if not plan.nothing_to_do:
                    return run(held, plan, promote)
                send_rest(workspace)
                if not is_settled(workspace):
                    settle(held)
                return Completed(name="Skipped", message=plan.why_nothing)
        except Held:
            holder = holder_text(workspace.private / "retrain.lock")
            return Completed(name="Skipped", message=f"held by {holder}")


def skip_missed(deployment_id: str, this_run: str) -> int:
    """End the deployment's other runs that were due by now: this run stands for them. Returns how many there were."""
    if not deployment_id:
        return 0
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterDeploymentId,
        FlowRunFilterExpectedStartTime,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    due = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[UUID(deployment_id)]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime.model_validate({"before_": datetime.now(UTC)}),
    )
    skipped = 0
    with get_client(sync_client=True) as client:
        while missed := [run for run in client.read_flow_runs(flow_run_filter=due) if str(run.id) != this_run]:
            for run in missed:
                state = Completed(name="Skipped", message=f"was due while nothing served; run {this_run} stands for it")
                client.set_flow_run_state(run.id, state, force=True)
            skipped += len(missed)
    return skipped


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A schedule as people see it."""

    name: str
    cron: str
    timezone: str
    paused: bool
    next_run: datetime | None
    last_state: str
    """State of the last run that began, empty before the first."""
    last_message: str

    def to_json(self) -> dict[str, Any]:
        """For `unimed schedules --json`."""
        return {
            "name": self.name,
            "cron": self.cron,
            "timezone": self.timezone,
            "paused": self.paused,
            "next_run": self.next_run.isoformat() if self.next_run else None,
            "last_state": self.last_state,
            "last_message": self.last_message,
        }


def put_schedule(workspace: Workspace, name: str, cron: str, timezone: str, promote: str, pool: str = "") -> None:
    """Make the schedule, or change the one of this name. Needs PREFECT_API_URL; `cron` was checked before.

    Its runs are processes beside `unimed up`, or what the work pool of the name `pool` makes of them. Raises ValueError
    for a pool that the server does not have.
    """
    from prefect.deployments.runner import EntrypointType
    from prefect.schedules import Cron

    job = _job_of_pool(workspace, pool) if pool else _own_job(workspace)
    deployment: Any = scheduled_retrain.to_deployment(
        name=_deployment_name(workspace, name),
        schedule=Cron(cron, timezone=timezone),
        parameters={"root": str(workspace.root), "promote": promote},
        tags=[_tag(workspace)],
        work_pool_name=pool or pool_name(workspace),
        entrypoint_type=EntrypointType.MODULE_PATH,
        job_variables=job,
        enforce_parameter_schema=False,
    )
    deployment.apply()


def _own_job(workspace: Workspace) -> dict[str, Any]:
    """Of this workspace's own pool, which is made where it is missing."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client, contextlib.suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=pool_name(workspace), type="process"))
    environment = {key: os.environ[key] for key in CARRIED if os.environ.get(key)}
    return {"working_dir": str(workspace.root), "env": environment}


def _job_of_pool(workspace: Workspace, pool: str) -> dict[str, Any]:
    """Of somebody else's pool: its template says where a run gets its environment from, all but the workspace."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    from components.recipes.nearest import nearest

    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(pool)
        except ObjectNotFound:
            names = [found.name for found in client.read_work_pools()]
            raise ValueError(
                f"this Prefect server has no work pool {pool!r}, which `prefect work-pool create` makes{nearest(pool, names)}"
            ) from None
    return {"env": {"UNIMED_WORKSPACE": str(workspace.root)}}


def list_schedules(workspace: Workspace) -> list[Schedule]:
    """This workspace's schedules by name. Needs PREFECT_API_URL."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return sorted(
            (_describe(client, workspace, found) for found in _deployments(client, workspace)), key=lambda s: s.name
        )


def change_schedule(workspace: Workspace, name: str, action: str) -> None:
    """pause, resume or remove the schedule; raises ValueError for a name that is none. Needs PREFECT_API_URL."""
    from prefect.client.orchestration import get_client

    from components.recipes.nearest import nearest

    with get_client(sync_client=True) as client:
        found = {_short_name(workspace, deployment.name): deployment for deployment in _deployments(client, workspace)}
        if name not in found:
            hint = (
                nearest(name, found) if found else '; there is none: make one with `unimed schedule --cron "0 3 * * *"`'
            )
            raise ValueError(f"no schedule {name!r}{hint}")
        deployment = found[name]
        if action == "remove":
            client.delete_deployment(deployment.id)
        elif action == "pause":
            client.pause_deployment(deployment.id)
        else:
            client.resume_deployment(deployment.id)


def _deployments(client: Any, workspace: Workspace) -> "list[DeploymentResponse]":
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

    return client.read_deployments(
        deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[_tag(workspace)]))
    )


def _describe(client: Any, workspace: Workspace, deployment: "DeploymentResponse") -> Schedule:
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterStartTime,
    )
    from prefect.client.schemas.sorting import FlowRunSort

    mine = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
    begun = FlowRunFilter(start_time=FlowRunFilterStartTime(is_null_=False))
    past = client.read_flow_runs(
        deployment_filter=mine, flow_run_filter=begun, sort=FlowRunSort.START_TIME_DESC, limit=1
    )
    clock: Any = deployment.schedules[0].schedule if deployment.schedules else None
    state = past[0].state if past else None
    return Schedule(
        name=_short_name(workspace, deployment.name),
        cron=str(getattr(clock, "cron", "")),
        timezone=str(getattr(clock, "timezone", "") or "UTC"),
        paused=bool(deployment.paused),
        next_run=None if deployment.paused else next_run(str(getattr(clock, "cron", "")), str(clock.timezone or "UTC")),
        last_state=str(state.name) if state else "",
        last_message=str(state.message or "") if state else "",
    )


def _deployment_name(workspace: Workspace, name: str) -> str:
    return f"{name}-{workspace_key(workspace)}"


def _short_name(workspace: Workspace, deployment: str) -> str:
    return deployment.removesuffix(f"-{workspace_key(workspace)}")


def _tag(workspace: Workspace) -> str:
    return f"unimed-workspace-{workspace_key(workspace)}"
