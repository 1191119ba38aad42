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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.storage.atomic import write_json
from components.storage.keys import keyed_hash
from components.storage.locks import hold
from components.storage.workspace import Workspace
from flows.environment import SERVICE, enter
from flows.leftovers import end_leftovers
from flows.server import READY_SECONDS, answers, end_process, free_port, start_child

PREFERRED_PORTS = {"prefect": 4200, "mlflow": 5000}
RESTARTS = 5
"""A service that ends more often than this is not started again."""

STOP_SECONDS = 20.0

MLFLOW_QUIET = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""Seven processes of 250 MB that run nothing of ours."""


@dataclass(frozen=True, slots=True)
class Service:
    """A process of `unimed up`, and where it answers (the worker answers nowhere)."""

    name: str
    url: str
    pid: int


def pool_name(workspace: Workspace) -> str:
    """The Prefect work pool of this workspace; on a shared server each has its own."""
    return f"unimed-{workspace_key(workspace)}"


def workspace_key(workspace: Workspace) -> str:
    """Eight letters that stand for the workspace's path."""
    return keyed_hash(workspace.root, digest_bytes=4)


def live_services(workspace: Workspace) -> dict[str, Service]:
    """Name -> service, while the `up` that runs them lives; else empty."""
    card = _read_card(workspace)
    if not card or not _lives(int(card["pid"]), float(card["created"])):
        return {}
    return {name: Service(name, str(entry["url"]), int(entry["pid"])) for name, entry in card["services"].items()}


def run_services(workspace: Workspace, say: Callable[[str], None], stop: threading.Event) -> None:
    """Start the services, say their addresses, and keep them alive until `stop` is set.

    Raises Held when another `up` runs here, ChildProcessError when a service does not stay up.
    """
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
        self.restarts: dict[str, int] = {}

    def start(self) -> None:
        """Start what nobody else offers, wait until it answers, write the card, say the addresses."""
        api = os.environ.get("PREFECT_API_URL")
        if api:
            self.say(f"Prefect    {api.removesuffix('/api')}   (from PREFECT_API_URL)")
        else:
            port = self._port("prefect")
            self.urls["prefect"] = f"http://127.0.0.1:{port}"
            os.environ["PREFECT_API_URL"] = f"{self.urls['prefect']}/api"
            self._run("prefect", ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)])
        tracking = os.environ.get("MLFLOW_TRACKING_URI")
        if tracking:
            self.say(f"MLflow     {tracking}   (from MLFLOW_TRACKING_URI)")
        else:
            port = self._port("mlflow")
            self.urls["mlflow"] = f"http://127.0.0.1:{port}"
            self._run("mlflow", mlflow_command(self.workspace, port))
        if "prefect" in self.urls:
            self._wait("prefect", f"{self.urls['prefect']}/api/health")
            self.say(f"Prefect    {self.urls['prefect']}")
        self.urls["worker"] = ""
        pool = pool_name(self.workspace)
        worker = ["prefect", "worker", "start", "--pool", pool, "--type", "process", "--name", f"{pool}-worker"]
        self._run("worker", worker)
        if "mlflow" in self.urls:
            self._wait("mlflow", f"{self.urls['mlflow']}/health")
            self.say(f"MLflow     {self.urls['mlflow']}")
        self._write_card()
        self.say("worker     runs this workspace's schedules (`unimed schedules`)")

    def look_after(self) -> None:
        """Start again what ended; raises ChildProcessError when that happens too often."""
        for name, process in list(self.processes.items()):
            if process.poll() is None:
                continue
            self.restarts[name] = self.restarts.get(name, 0) + 1
            if self.restarts[name] > RESTARTS:
                raise ChildProcessError(f"{name} ended {self.restarts[name]} times; its log: {self._log(name)}")
            self.say(f"{name} ended with {process.returncode}; starting it again")
            self._run(name, self.commands[name])
            self._write_card()

    def end(self) -> None:
        """End all of them and remove the card."""
        for name in ("worker", "mlflow", "prefect"):
            if name in self.processes:
                end_process(self.processes[name], seconds=8.0 if name == "worker" else 3.0)
        end_leftovers(self.workspace, mine="", sign=SERVICE)
        _card_path(self.workspace).unlink(missing_ok=True)

    def _run(self, name: str, command: list[str]) -> None:
        self.commands[name] = command
        extra = {} if name == "worker" else {SERVICE: self.mark, **MLFLOW_QUIET}
        self.processes[name] = start_child(command, log=self._log(name), extra=extra)

    def _wait(self, name: str, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(url):
            if self.processes[name].poll() is not None:
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
        port = (
            next((p for p in (ports.get(name), PREFERRED_PORTS[name]) if p and _is_free(int(p))), None) or free_port()
        )
        write_json(path, {**ports, name: port})
        return int(port)

    def _write_card(self) -> None:
        import psutil

        services = {name: {"url": self.urls[name], "pid": process.pid} for name, process in self.processes.items()}
        me = psutil.Process()
        write_json(_card_path(self.workspace), {"pid": me.pid, "created": me.create_time(), "services": services})


def mlflow_command(workspace: Workspace, port: int) -> list[str]:
    """The MLflow server on the workspace's own database and artifacts."""
    from components.registry.database import embedded_uri

    return [
        *("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", embedded_uri(workspace)),
        *("--default-artifact-root", (workspace.private / "mlflow-artifacts").as_uri()),
    ]


def start_detached(workspace: Workspace, *, seconds: float = READY_SECONDS) -> dict[str, Service]:
    """Start `unimed up` in the background and return its services when they answer.

    Raises ChildProcessError when it ended before that; its log is .unimed/logs/up.log.
    """
    workspace.logs.mkdir(parents=True, exist_ok=True)
    log = workspace.logs / "up.log"
    with log.open("wb") as handle:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli.main", "up"],
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

    card = _read_card(workspace)
    if not card or not _lives(int(card["pid"]), float(card["created"])):
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


def _card_path(workspace: Workspace) -> Path:
    return workspace.private / "services.json"


def _read_card(workspace: Workspace) -> dict:
    path = _card_path(workspace)
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except (json.JSONDecodeError, FileNotFoundError):
        return {}


def _lives(pid: int, created: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
