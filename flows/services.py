"""`unimed up`: the MLflow page, the Prefect server with its page, and one worker for this workspace's schedules.

The process that says `up` watches over the three; they die with it, and come back when it is started again. What
lives stands in .unimed/services.json, for every other command.
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.storage.addresses import shown
from components.storage.atomic import write_json
from components.storage.home import check_home
from components.storage.keys import keyed_hash
from components.storage.locks import hold
from components.storage.workspace import Workspace
from flows.environment import SERVICE, enter
from flows.leftovers import end_leftovers
from flows.loopback import answers, free_port, is_free, listens, loopback_host, loopback_url, port_of
from flows.processes import lives, own_card
from flows.server import READY_SECONDS, end_process, prefect_command, start_child

PREFERRED_PORTS = {"prefect": 4200, "mlflow": 5000}
RESTARTS, RESTARTS_SECONDS = 5, 600.0
"""A service that ends more often than this within so many seconds is not started again."""

STOP_SECONDS = 20.0

HEALTH = {"prefect": "/api/health", "mlflow": "/health"}
"""Page that says that a server is up."""

MLFLOW_QUIET = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""Seven processes of 250 MB that run nothing of ours."""


@dataclass(frozen=True, slots=True)
class Service:
    """A process of `unimed up`, and where it answers (the worker answers nowhere)."""

    name: str
    url: str
    pid: int

    @property
    def answers(self) -> bool:
        """Whether its own process answers at its address, and not somebody else's that has its port."""
        return answers(f"{self.url}{HEALTH[self.name]}") and listens(self.pid, port_of(self.url))


def pool_name(workspace: Workspace) -> str:
    """The Prefect work pool of this workspace; on a shared server each has its own."""
    return f"unimed-{workspace_key(workspace)}"


def workspace_key(workspace: Workspace) -> str:
    """Eight letters that stand for the workspace's path."""
    return keyed_hash(workspace.root, digest_bytes=4)


def live_services(workspace: Workspace) -> dict[str, Service]:
    """Name -> service, while the `up` that runs them lives; else empty. A copied workspace has none of its original's."""
    card = _live_card(workspace)
    return {
        name: Service(name, str(found["url"]), int(found["pid"])) for name, found in card.get("services", {}).items()
    }


def run_services(workspace: Workspace, say: Callable[[str], None], stop: threading.Event) -> None:
    """Start the services, say their addresses, and keep them alive until `stop` is set.

    Raises Held when another `up` runs here, Elsewhere for a workspace that was moved or copied, ChildProcessError when a
    service does not stay up.
    """
    check_home(workspace)
    enter(workspace)
    with hold(workspace.private / "up.lock", "up"):
        family = _Family(workspace, say)
        end_leftovers(workspace, mine=family.mark, sign=SERVICE)
        try:
            family.start()
            while not stop.wait(0.5):
                family.look_after()
        finally:
            family.end()


class _Family:
    """The child processes of one `up`."""

    def __init__(self, workspace: Workspace, say: Callable[[str], None]) -> None:
        self.workspace = workspace
        self.say = say
        self.mark = uuid.uuid4().hex
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.urls: dict[str, str] = {}
        self.commands: dict[str, list[str]] = {}
        self.ended: dict[str, deque[float]] = {}
        """When each service ended unasked, the last times."""

    def start(self) -> None:
        """Start what nobody else offers, wait until it answers, write the card, say the addresses."""
        api = os.environ.get("PREFECT_API_URL")
        if api:
            self.say(f"Prefect    {shown(api.removesuffix('/api'))}   (from PREFECT_API_URL)")
        else:
            self._run_server("prefect")
        tracking = os.environ.get("MLFLOW_TRACKING_URI")
        if tracking:
            self.say(f"MLflow     {shown(tracking)}   (from MLFLOW_TRACKING_URI)")
        else:
            self._run_server("mlflow")
        if "prefect" in self.urls:
            self._wait("prefect")
            self.say(f"Prefect    {self.urls['prefect']}")
        self.urls["worker"] = ""
        pool = pool_name(self.workspace)
        worker = [
            "prefect",
            "worker",
            "start",
            "--pool",
            pool,
            "--type",
            "process",
            "--name",
            f"{pool}-worker",
            "--limit",
            "1",
        ]
        self._run("worker", worker)
        if "mlflow" in self.urls:
            self._wait("mlflow")
            self.say(f"MLflow     {self.urls['mlflow']}")
        self._write_card()
        self.say("worker     runs this workspace's schedules (`unimed schedules`)")

    def look_after(self) -> None:
        """Start again what ended; raises ChildProcessError when that happens too often."""
        for name, process in list(self.processes.items()):
            if process.poll() is None:
                continue
            if self._ends_too_often(name):
                raise ChildProcessError(
                    f"{name} ended {RESTARTS + 1} times within {RESTARTS_SECONDS / 60:.0f} minutes; "
                    f"its log: {self._log(name)}"
                )
            self.say(f"{name} ended with {process.returncode}; starting it again")
            if name in self.urls and self.urls[name] and not is_free(port_of(self.urls[name])):
                self._run_server(name)
                self.say(f"{name} is at {self.urls[name]} now: somebody else has its port")
                if name == "prefect":
                    end_process(self.processes["worker"])  # comes back at the next look, with the new address
            else:
                self._run(name, self.commands[name])
            self._write_card()

    def end(self) -> None:
        """End all of them and remove the card."""
        for name in ("worker", "mlflow", "prefect"):
            if name in self.processes:
                end_process(self.processes[name], seconds=8.0 if name == "worker" else 3.0)
        end_leftovers(self.workspace, mine="", sign=SERVICE)
        _card_path(self.workspace).unlink(missing_ok=True)

    def _ends_too_often(self, name: str) -> bool:
        times = self.ended.setdefault(name, deque(maxlen=RESTARTS + 1))
        times.append(time.monotonic())
        return len(times) > RESTARTS and times[-1] - times[0] < RESTARTS_SECONDS

    def _run_server(self, name: str) -> None:
        """Start the server on a port that is free now; `_wait` tries another one when somebody was quicker."""
        port = self._port(name)
        self.urls[name] = loopback_url(port)
        if name == "prefect":
            os.environ["PREFECT_API_URL"] = f"{self.urls[name]}/api"
        self._run(name, prefect_command(port) if name == "prefect" else mlflow_command(self.workspace, port))

    def _run(self, name: str, command: list[str]) -> None:
        self.commands[name] = command
        extra = {} if name == "worker" else {SERVICE: self.mark, **MLFLOW_QUIET}
        self.processes[name] = start_child(command, log=self._log(name), extra=extra)

    def _wait(self, name: str) -> None:
        """Return when the process that was started answers; what else answers at its port does not count."""
        deadline = time.monotonic() + READY_SECONDS
        while not Service(name, self.urls[name], self.processes[name].pid).answers:
            if self.processes[name].poll() is not None:
                if not is_free(port_of(self.urls[name])):
                    self._run_server(name)
                    continue
                raise ChildProcessError(f"{name} ended before it answered; its log: {self._log(name)}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} did not answer within {READY_SECONDS:.0f} s; its log: {self._log(name)}")
            time.sleep(0.3)

    def _log(self, name: str) -> Path:
        return self.workspace.logs / f"service-{name}.log"

    def _port(self, name: str) -> int:
        """The port of the last time when it is free, so that a bookmark still works; else the usual one, else any."""
        path = self.workspace.private / "ports.json"
        ports = json.loads(path.read_text()) if path.is_file() else {}
        port = next((p for p in (ports.get(name), PREFERRED_PORTS[name]) if p and is_free(int(p))), None) or free_port()
        write_json(path, {**ports, name: port})
        return int(port)

    def _write_card(self) -> None:
        services = {name: {"url": self.urls[name], "pid": process.pid} for name, process in self.processes.items()}
        card = {**own_card(), "of": _identity(self.workspace), "services": services}
        write_json(_card_path(self.workspace), card)


def mlflow_command(workspace: Workspace, port: int) -> list[str]:
    """The workspace's MLflow with its pages, on this machine's own address; files and weights come through it."""
    return ["components.serving.mlflow_server", str(workspace.root), loopback_host(), str(port)]


def start_detached(workspace: Workspace, *, seconds: float = READY_SECONDS) -> dict[str, Service]:
    """Start `unimed up` in the background and return its services when they answer.

    Raises ChildProcessError when it ended before that; its log is .unimed/logs/up.log.
    """
    workspace.logs.mkdir(parents=True, exist_ok=True)
    log = workspace.logs / "up.log"
    with log.open("wb") as handle:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.cli.main", "up"],
            cwd=workspace.root,
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + seconds
    while not (services := live_services(workspace)):
        if process.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()
            raise ChildProcessError(f"`unimed up` ended at once: {last[-1] if last else process.returncode}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"the services did not answer within {seconds:.0f} s; their log: {log}")
        time.sleep(0.3)
    return services


def stop_services(workspace: Workspace) -> bool:
    """End this workspace's `up`, wherever it was started; False when none lives."""
    import psutil

    card = _live_card(workspace)
    if not card:
        _card_path(workspace).unlink(missing_ok=True)
        return False
    process = psutil.Process(int(card["pid"]))
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(5)
    _card_path(workspace).unlink(missing_ok=True)
    return True


def _live_card(workspace: Workspace) -> dict:
    """The card of the `up` that lives here; empty where none does, or where the card came with a copied or moved folder."""
    card = _read_card(workspace)
    return card if card and card.get("of") == _identity(workspace) and lives(card) else {}


def _identity(workspace: Workspace) -> list[str | int]:
    return [str(workspace.root), workspace.root.stat().st_ino]


def _card_path(workspace: Workspace) -> Path:
    return workspace.private / "services.json"


def _read_card(workspace: Workspace) -> dict:
    path = _card_path(workspace)
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except (json.JSONDecodeError, FileNotFoundError):
        return {}
