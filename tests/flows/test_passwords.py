"""A password that stands in an address is in nothing that is printed or stored."""

import subprocess
import sys

import pytest

from flows.loopback import free_port
from tests.fixtures import micro

PLANTED = "pl4nt3d"


@pytest.mark.slow
def test_no_password_of_an_address_is_printed_or_stored(tmp_path):
    workspace = micro.make_workspace(tmp_path / "here")
    port = free_port()
    planted = {
        "MLFLOW_TRACKING_URI": f"http://me:{PLANTED}@127.0.0.1:{port}",
        "UNIMED_DATABASE_URL": f"postgresql+psycopg://me:{PLANTED}@127.0.0.1:{port}/unimed?password={PLANTED}",
        "PREFECT_API_URL": f"http://me:{PLANTED}@127.0.0.1:{port}/api",
        "UNIMED_REMOTE": f"https://me:{PLANTED}@127.0.0.1:{port}/dvc",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    environment = micro.clean_environment(**planted)
    said = ""
    for command in (
        ["doctor"],
        ["models"],
        ["promote", "1", "--why", "x"],
        ["lineage", "1"],
        ["status"],
        ["schedules"],
    ):
        done = subprocess.run(
            [micro.UNIMED, *command], cwd=workspace.root, env=environment, capture_output=True, text=True, timeout=300
        )
        said += f"{command} -> {done.returncode}\n{done.stdout}{done.stderr}"
    watch = (
        "import sys; from pathlib import Path; from components.registry.watching import watched;"
        "from components.storage.workspace import Workspace\n"
        "with watched(Workspace(Path(sys.argv[1])), 'train@unified', 'key') as run: run.log(10, {'loss': 1.0})"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, str(workspace.root)], env=environment, capture_output=True, text=True, timeout=300
    )
    said += done.stdout + done.stderr
    assert "127.0.0.1" in said, "the addresses themselves are named"
    assert PLANTED not in said
    files = [path for path in (workspace.root / ".unimed").rglob("*") if path.is_file()]
    assert [path for path in files if PLANTED.encode() in path.read_bytes()] == []
    assert workspace.private.stat().st_mode & 0o777 == 0o700
