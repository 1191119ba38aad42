"""A retrain's hold on its workspace: the lock, what an earlier run left behind, and a server to report to."""

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from components.storage.addresses import shown
from components.storage.home import check_home
from components.storage.locks import hold
from components.storage.own_databases import check_databases
from components.storage.workspace import Workspace
from flows.environment import RUN, enter, quiet_prefect
from flows.leftovers import end_leftovers
from flows.loopback import is_reached
from flows.server import Server, start_server

API = "PREFECT_API_URL"


@dataclass(slots=True)
class Session:
    """One run in progress: nobody else changes the workspace meanwhile."""

    workspace: Workspace
    mark: str
    """This run's value of UNIMED_RUN."""
    ended_leftovers: int = 0
    """Processes of a killed run that had to be ended."""
    server: Server | None = field(default=None)

    def need_server(self) -> None:
        """Have a Prefect server to report to: $PREFECT_API_URL, else that of `unimed up`, else a child of our own.

        Raises ValueError where nobody answers at $PREFECT_API_URL.
        """
        if address := os.environ.get(API):
            if not is_reached(f"{shown(address)}/health"):
                raise ValueError(
                    f"no Prefect server answers at {shown(address)} ({API}); start it, or unset the variable: then a run has a "
                    "server of its own"
                )
            return
        from flows.services import live_services

        services = live_services(self.workspace)
        if "prefect" in services and services["prefect"].answers:
            _tell_prefect(f"{services['prefect'].url}/api")
            return
        self.server = start_server(self.workspace)
        _tell_prefect(self.server.url)

    def wait_for_server(self) -> None:
        """Return when our own server answers; at once when it is somebody else's."""
        if self.server is not None:
            self.server.wait_ready()


def _tell_prefect(url: str) -> None:
    """Have Prefect use the server, also where it was imported before, as for reading a cron text: it reads its environment
    once, and would start a server of its own."""
    os.environ[API] = url
    if "prefect.context" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


@contextmanager
def session(workspace: Workspace, what: str) -> Iterator[Session]:
    """Hold the workspace for a run; raises Held, naming the holder, when another one does, Elsewhere for a workspace that was
    moved or copied, and Damaged for one whose databases cannot be read."""
    check_home(workspace)
    check_databases(workspace)
    enter(workspace)
    quiet_prefect()
    with hold(workspace.private / "retrain.lock", what):
        mark = uuid.uuid4().hex
        os.environ[RUN] = mark
        yield Session(workspace, mark, ended_leftovers=end_leftovers(workspace, mine=mark))
