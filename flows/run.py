"""From a held workspace to a finished flow: what `unimed retrain` and a scheduled run have in common."""

import contextlib
import io
import time
from typing import Any

from components.recipes.recipe import Recipe, read_recipe
from components.storage.spans import spending
from components.storage.workspace import Workspace
from flows.fork_server import fork_server
from flows.graph import check_graph
from flows.journal import begin_journal
from flows.plan import Plan, check_disk, check_fit, make_plan
from flows.session import Session


def prepare(workspace: Workspace, recipe: Recipe) -> list[str]:
    """Make the workspace a DVC repository with its raw data and its start delivered, if it is not yet; returns what delivery reports, and
    whether workers are short of shared memory.

    Raises ValueError when the stages are not this release's, when workers would have no folder for their sockets, when the
    remote would get a source that may not be passed on, and when one namespace holds patients
    of private and of public sources, or when the start that the recipe names is not here
    or was trained on a patient who was taken out.
    """
    from components.assembly.selection.started import check_start
    from components.cluster import has_cluster, short_of_shared_memory, temporary_folder
    from components.sources.delivery import prepare as deliver
    from components.sources.sharing import check_sharing
    from components.sources.starts import lay_start
    from components.sources.table import check_namespaces
    from components.storage.dvc_remote import remote_address

    check_graph(workspace)
    warnings = []
    if recipe.compute.workers > 0 and not has_cluster():
        temporary_folder()
        warnings = [sentence for sentence in (short_of_shared_memory(),) if sentence]
    initialise(workspace)
    check_namespaces(recipe.sources)
    check_sharing(recipe.sources, remote_address(workspace)[0])
    lines = [*deliver(workspace, recipe), *lay_start(workspace, recipe.start)]
    check_start(workspace, recipe)
    others = [*warnings, *(line for line in lines if not line.startswith("delivered "))]
    written = sum(line.startswith("delivered ") for line in lines)
    return [f"delivered {written} raw files", *others] if written else others


def initialise(workspace: Workspace) -> None:
    """Make the workspace a DVC repository, without DVC's greeting on stdout, which belongs to --json."""
    from components.storage.dvc_repository import ensure_initialised

    with contextlib.redirect_stdout(io.StringIO()):
        ensure_initialised(workspace)


def find_work(workspace: Workspace, recipe: Recipe, promote: str) -> Plan:
    """What there is to do, asked of DVC and the registry; raises ValueError where there is no room for it."""
    plan = make_plan(workspace, recipe, promote)
    check_room(workspace, plan)
    return plan


def check_room(workspace: Workspace, plan: Plan) -> None:
    """Raise ValueError, before anything starts, when memory or a disk has no room for what is planned."""
    check_fit(plan)
    check_disk(workspace, plan)


def send_rest(workspace: Workspace) -> int:
    """Send what the DVC remote has not got, such as one that was set after the last run; returns how many files went.

    Raises ValueError when the remote does not take them.
    """
    from components.storage.dvc_remote import is_sent, push

    return 0 if is_sent(workspace) else push(workspace)


def is_settled(workspace: Workspace) -> bool:
    """Whether no killed run waits to be called crashed."""
    from flows.past_runs import dead_runs

    return not dead_runs(workspace)


def settle(held: Session) -> None:
    """Send what MLflow did not take before; call the runs of killed processes crashed, in Prefect and in MLflow.

    Raises Elsewhere or OtherRelease; MLflow being away ends nothing.
    """
    from components.registry.runs import mark_crashed_runs
    from components.registry.sending import send_waiting, try_to
    from flows.past_runs import crash_past_runs

    def catch_up() -> None:
        send_waiting(held.workspace)
        mark_crashed_runs(held.workspace)

    with spending("mlflow"):
        try_to(catch_up)
    with spending("waiting"):
        held.wait_for_server()
    crash_past_runs(held.workspace)


def run(held: Session, plan: Plan, promote: str) -> Any:
    """Run the flow and return its final Prefect state; an Outcome is its result when it completed."""
    begin_journal(held.workspace, plan.to_json())
    with spending("prefect"):
        held.need_server()
        from prefect import tags

        from flows.past_runs import noted, run_tag
        from flows.retrain import retrain

        settle(held)
        tag = run_tag(held.mark)
        label = time.strftime("retrain-%Y%m%d-%H%M%S")
        with (
            fork_server(held.workspace, read_recipe(held.workspace.params)),
            noted(held.workspace, tag),
            tags(tag, f"workspace:{held.workspace.root.name}"),
        ):
            return retrain(str(held.workspace.root), promote, label, return_state=True)  # type: ignore[call-overload]
