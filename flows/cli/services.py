"""`unimed up | down`: the pages and the worker."""

import signal
import threading
from typing import Annotated

import typer

from flows.cli.output import AsJson, note, print_json, working


def add_to(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("up", epilog="Example: unimed up --detach")(up)
    app.command("down", epilog="Example: unimed down")(down)


def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Run in the background; `unimed down` ends it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start the MLflow page, the Prefect page and a worker that runs this workspace's schedules.

    In the foreground until Ctrl-C. What is scheduled is kept and goes on when it is started again.
    """
    from components.storage.workspace import find_workspace
    from flows.services import live_services, run_services, start_detached

    workspace = find_workspace()
    if detach:
        services = live_services(workspace)
        if not services:
            with working("starting MLflow, Prefect and a worker"):
                services = start_detached(workspace)
        if as_json:
            print_json([{"name": s.name, "url": s.url, "pid": s.pid} for s in services.values()])
            return
        for service in services.values():
            print(f"{service.name:<10} {service.url or 'running'}")
        return
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    note("starting MLflow, Prefect and a worker (20 to 40 seconds) …")
    run_services(workspace, lambda text: print(text, flush=True), stop)
    note("stopped; schedules are kept and go on with the next `unimed up`")


def down() -> None:
    """End this workspace's `unimed up`, wherever it was started."""
    from components.storage.workspace import find_workspace
    from flows.services import stop_services

    workspace = find_workspace()
    with working("ending the services"):
        ended = stop_services(workspace)
    print("stopped; schedules are kept" if ended else "nothing runs here")
