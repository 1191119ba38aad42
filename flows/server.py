"""A Prefect server of our own: a child in its own session that dies with us, unlike Prefect's temporary one."""

import atexit
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.storage.workspace import Workspace
from flows.loopback import answers, free_port, listens, loopback_host, loopback_url, port_of

READY_SECONDS = 180.0
STOP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers, or will soon."""

    url: str
    """Its API, as PREFECT_API_URL wants it."""
    process: subprocess.Popen[bytes]
    log: Path

    def wait_ready(self, *, seconds: float = READY_SECONDS) -> None:
        """Return when it answers; raises ChildProcessError when it ended, TimeoutError when it takes too long."""
        deadline = time.monotonic() + seconds
        while not (answers(f"{self.url}/health") and listens(self.process.pid, port_of(self.url))):
            if self.process.poll() is not None:
                raise ChildProcessError(f"the Prefect server ended with {self.process.returncode}; its log: {self.log}")
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"the Prefect server did not answer within {seconds:.0f} s at {self.url}; its log: {self.log}"
                )
            time.sleep(0.2)

    def stop(self) -> None:
        """End it; it holds nothing but its database, which survives a kill."""
        end_process(self.process)


def start_server(workspace: Workspace) -> Server:
    """Start this run's own server and return at once; it boots while we import. It is ended at exit."""
    port = free_port()
    log = workspace.logs / "prefect-server.log"
    process = start_child([*prefect_command(port), "--no-scheduler", "--no-late-runs"], log=log)
    server = Server(f"{loopback_url(port)}/api", process, log)
    # Registered before Prefect is imported, so it runs after Prefect's own: else its events socket hangs the exit.
    atexit.register(server.stop)
    return server


def prefect_command(port: int) -> list[str]:
    """A Prefect server on this machine's own address."""
    return ["prefect", "server", "start", "--host", loopback_host(), "--port", str(port)]


def start_child(arguments: list[str], *, log: Path, extra: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Run `python -m …` as a child in its own session that the kernel kills when this thread's process dies."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_LOGGING_SETTINGS_PATH"}
    with log.open("ab") as handle:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.child", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**environment, **(extra or {})},
        )


def end_process(process: subprocess.Popen[bytes], *, seconds: float = STOP_SECONDS) -> None:
    """Ask it to end, and kill it when it does not within `seconds`."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
