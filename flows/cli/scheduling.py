"""`unimed schedule | schedules`: retraining by the clock."""

import os
import re
from typing import Annotated, Any

import typer

from flows.cli.output import AsJson, DryRun, note, print_json, print_table, working

ACTIONS = ("pause", "resume", "remove")
NO_SCHEDULES = 'no schedules; make one with `unimed schedule --cron "0 3 * * *"`'


def add_to(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("schedule", epilog='Example: unimed schedule --cron "0 3 * * *" (every night at three)')(schedule)
    app.command("schedules", epilog="Example: unimed schedules pause nightly")(schedules)


def schedule(
    cron: Annotated[str, typer.Option("--cron", help="Five fields: minute hour day-of-month month day-of-week.")],
    name: Annotated[str, typer.Option("--name", help="Its name; an existing one is changed.")] = "retrain",
    timezone: Annotated[str, typer.Option("--timezone", help="Such as Europe/Berlin; default: this machine's.")] = "",
    promote: Annotated[str, typer.Option("--promote", help="gate, approve or never.")] = "gate",
    pool: Annotated[
        str,
        typer.Option(
            "--pool", help="A work pool of the Prefect server, such as a Kubernetes one, in place of `unimed up`."
        ),
    ] = "",
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Retrain whenever the clock says so, while `unimed up` runs. A run with nothing to do ends in seconds, saying why."""
    from components.storage.workspace import find_workspace
    from flows.cli.training import check_promote
    from flows.cron import check_cron, check_timezone, local_timezone
    from flows.environment import enter

    workspace = find_workspace()
    enter(workspace)  # before Prefect is imported: it makes the home that it is told
    clean, zone = check_cron(cron), check_timezone(timezone or local_timezone())
    check_promote(promote)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", name):
        raise ValueError(f"--name {name!r}: use lower case letters, digits and dashes, such as nightly")
    if dry_run:
        print(f"would schedule {name}: {clean} ({zone})")
        return
    need_server(workspace)
    from flows.schedule import list_schedules, put_schedule

    put_schedule(workspace, name, clean, zone, promote, pool)
    made = next(found for found in list_schedules(workspace) if found.name == name)
    if as_json:
        print_json(made.to_json())
        return
    print(f"scheduled {name}: {clean} ({zone}), next {made.next_run:%Y-%m-%d %H:%M %Z}")
    if pool:
        note(f"its runs are jobs of the work pool {pool}: a worker of that pool starts them")
        return
    if here := [variable for variable in ("MLFLOW_TRACKING_URI", "UNIMED_DATABASE_URL") if os.environ.get(variable)]:
        note(f"its runs take {' and '.join(here)} from the environment of `unimed up`: set it there too")
    note_whether_served(workspace)


def schedules(
    action: Annotated[str, typer.Argument(help="pause, resume or remove; without it the list.")] = "",
    name: Annotated[str, typer.Argument(help="Which schedule.")] = "retrain",
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """List this workspace's schedules, or pause, resume or remove one."""
    from components.recipes.nearest import nearest
    from components.storage.workspace import find_workspace

    if action and action not in ACTIONS:
        raise ValueError(f"unknown action {action!r}{nearest(action, ACTIONS)}")
    workspace = find_workspace()
    if not action and is_empty(workspace):
        print_json([]) if as_json else print(NO_SCHEDULES)
        return
    need_server(workspace)
    from flows.schedule import change_schedule, list_schedules

    if action and not dry_run:
        change_schedule(workspace, name, action)
    found = list_schedules(workspace)
    if as_json:
        print_json([entry.to_json() for entry in found])
        return
    if action:
        done = {"pause": "paused", "resume": "resumed", "remove": "removed"}[action]
        print(f"would have {done} {name}" if dry_run else f"{done} {name}")
    rows: list[tuple[Any, ...]] = []
    for entry in found:
        last = f"{entry.last_state}: {entry.last_message}" if entry.last_message else entry.last_state
        following = "paused" if entry.paused else f"{entry.next_run:%Y-%m-%d %H:%M %Z}" if entry.next_run else ""
        rows.append((entry.name, entry.cron, entry.timezone, following, last))
    if rows:
        print_table("", ["schedule", "cron", "time zone", "next", "last run"], rows)
    elif not action:
        print(NO_SCHEDULES)
    if rows:
        note_whether_served(workspace)


def is_empty(workspace: Any) -> bool:
    """Whether no server is there to ask and the workspace's own database holds no schedule."""
    from flows.own_database import may_have_schedules
    from flows.services import live_services
    from flows.session import API

    return not (os.environ.get(API) or live_services(workspace) or may_have_schedules(workspace))


def need_server(workspace: Any) -> None:
    """Have a Prefect server to talk to: the one that lives, else one of our own, ended at exit (after Prefect's threads)."""
    from flows.environment import enter, quiet_prefect
    from flows.session import Session

    enter(workspace)
    quiet_prefect()
    held = Session(workspace, mark="")
    with working("asking Prefect"):
        held.need_server()
        held.wait_for_server()


def note_whether_served(workspace: Any) -> None:
    """Say so when nothing would run a schedule now."""
    from flows.services import live_services

    if not live_services(workspace):
        note("nothing serves schedules now: start `unimed up` (or `unimed up --detach`)")
