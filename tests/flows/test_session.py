"""A retrain's, or a command's, hold on its workspace."""

import subprocess
import sys

from components.storage.workspace import Workspace
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
