"""A retrain's, or a command's, hold on its workspace."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from components.storage.workspace import Workspace
from flows.loopback import free_port
from flows.session import API, Session
from tests.fixtures.micro import clean_environment

ASK = """
import sys
from pathlib import Path
from flows import session
from flows.cron import check_cron
from flows.environment import enter
from flows.server import Server
from components.storage.workspace import Workspace

workspace = Workspace(Path(sys.argv[1]))
enter(workspace)
check_cron("0 3 * * *")
session.start_server = lambda _: Server("http://127.0.0.1:1/api", None, None)
session.Session(workspace, mark="").need_server()
from prefect.settings import get_current_settings
print(get_current_settings().api.url, get_current_settings().home)
"""


def test_prefect_uses_the_server_of_the_workspace_though_it_was_imported_to_read_a_cron_text(tmp_path):
    (tmp_path / "home").mkdir()
    environment = clean_environment(HOME=str(tmp_path / "home"))
    said = subprocess.run([sys.executable, "-c", ASK, str(tmp_path)], env=environment, text=True, capture_output=True)
    assert said.stdout.split() == [
        "http://127.0.0.1:1/api",
        str(Workspace(tmp_path).private / "prefect"),
    ], said.stderr
    assert list((tmp_path / "home").iterdir()) == [], "nothing was made in the user's own home"


def test_a_prefect_server_that_is_away_is_named_and_one_that_refuses_is_there(tmp_path, monkeypatch):
    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, format: str, *args: object) -> None: ...

    held = Session(Workspace(tmp_path), mark="")
    monkeypatch.setenv(API, f"http://ada:secret@127.0.0.1:{free_port()}/api")
    with pytest.raises(ValueError, match=r"no Prefect server answers at .* unset the variable") as caught:
        held.need_server()
    assert "secret" not in str(caught.value)
    with HTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setenv(API, f"http://ada:secret@127.0.0.1:{server.server_port}/api")
        held.need_server()
    assert held.server is None
