"""docs/a-registry-for-a-team.md as it stands: PostgreSQL, an MLflow server with its files in a real S3, four people.

For the reader the others' folders are nowhere, as on another machine; he has no keys, no database and no DVC cache, and is another
user where this Python can be run by one. Addresses are this test's; all else is the page.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.loopback import answers, free_port, loopback_url
from tests.fixtures import micro, postgresql, seaweed

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "a-registry-for-a-team.md"
BLOCKS = [(who.split(), code) for who, code in re.findall(r"```bash ([a-z ]+)\n(.*?)```", PAGE.read_text(), re.DOTALL)]
STRANGER = 65534
"""The user id of `nobody`."""


class Team:
    """Everybody's shells, and the server between them."""

    def __init__(self, folder: Path, database: str, s3: dict[str, str]) -> None:
        self.folder, self.url = folder, loopback_url(free_port())
        plain = database.replace("+psycopg", "")
        host = plain.partition("@")[2].partition("/")[0]
        self.addresses = {
            "postgresql://postgres@db.example.org/postgres": plain,
            "db.example.org": host,
            "http://mlflow.example.org:5000": self.url,
            "--host 127.0.0.1 --port 5000": f"--host 127.0.0.1 --port {self.url.rpartition(':')[2]}",
            "https://s3.example.org": s3["AWS_ENDPOINT_URL"],
            "the-key": seaweed.ACCESS,
            "the-secret": seaweed.SECRET,
            "/opt/unimed": str(ROOT),
            "/backups": str(folder / "backups"),
        }
        self.server: subprocess.Popen[bytes] | None = None
        self.is_another = can_be_another()
        """Whether the reader is another user of the machine, too."""

    @contextmanager
    def elsewhere(self, *who: str) -> Iterator[None]:
        """Within the block these people's folders are nowhere, as on another machine."""
        away = self.folder / "away"
        away.mkdir()
        for name in who:
            (self.folder / name).rename(away / name)
        yield
        for name in who:
            (away / name).rename(self.folder / name)

    def run(self, who: str, code: str) -> str:
        """What the block prints, in this person's shell, which goes on from block to block."""
        done = subprocess.run(
            [*self._as(who), "bash", "-euo", "pipefail", "-c", f"{self._entered(who)}\n{self._here(code)}\n{self._kept(who)}"],
            cwd=self.home(who), env=self._environment(who), text=True, capture_output=True, timeout=1200,
        )  # fmt: skip
        assert done.returncode == 0, f"{who}:\n{code}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    def serve(self, code: str) -> None:
        """Start the server and return when it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", "bash", "-euo", "pipefail", "-c", self._here(code)],
                cwd=self.home("server"), env=self._environment("server"), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 300
        while not answers(f"{self.url}/health"):
            said = (self.folder / "server.log").read_text()[-3000:]
            assert self.server.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.3)

    def stop(self) -> None:
        """End the server and all that it started."""
        if self.server is not None:
            os.killpg(self.server.pid, 9)
            self.server.wait(30)
            self.server = None

    def home(self, who: str) -> Path:
        """A folder that is this person's alone."""
        path = self.folder / who
        if not path.is_dir():
            path.mkdir(mode=0o700)
            if who == "reader" and self.is_another:
                os.chown(path, STRANGER, STRANGER)
        return path

    def _as(self, who: str) -> list[str]:
        ids = f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"
        return ["setpriv", *ids, "--"] if who == "reader" and self.is_another else []

    def _environment(self, who: str) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.home(who)), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "2"}

    def _here(self, code: str) -> str:
        for there, here in self.addresses.items():
            code = code.replace(there, here)
        return code

    def _entered(self, who: str) -> str:
        return f'if [ -f "$HOME/.shell" ]; then . "$HOME/.shell"; fi # of {who}'

    def _kept(self, who: str) -> str:
        del who
        return '{ export -p; printf "cd %q\\n" "$PWD"; } > "$HOME/.shell"'


@pytest.fixture
def team() -> Iterator[Team]:
    with (
        tempfile.TemporaryDirectory(prefix="unimed-team-") as temporary,
        postgresql.server() as database,
        seaweed.server("unimed") as s3,
    ):
        Path(temporary).chmod(0o755)  # each one's own folder is closed
        made = Team(Path(temporary), database, dict(s3))
        try:
            yield made
        finally:
            made.stop()


def can_be_another() -> bool:
    """Whether another user can be had here, who can run this Python: one that lies in root's home is root's alone."""
    command = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "--", "sh", "-c", '"$0" -c 0']
    return os.geteuid() == 0 and subprocess.run([*command, sys.executable], timeout=60, check=False).returncode == 0


def make_workspace(folder: Path) -> None:
    """A micro workspace; a copy of the finished one that UNIMED_READY_WORKSPACE names, where somebody has one already."""
    ready = os.environ.get("UNIMED_READY_WORKSPACE")
    if ready is None:
        micro.make_workspace(folder)
    else:
        shutil.copytree(ready, folder, symlinks=True)
        micro.run_unimed("doctor", "--repair", cwd=folder)


def blocks(*who: str) -> list[str]:
    return [code for names, code in BLOCKS if names == list(who)]


def test_every_block_of_commands_has_somebody_who_runs_it():
    everybody = {"admin", "server", "owner", "ada", "eve", "reader"}
    assert {names[0] for names, _ in BLOCKS} == everybody
    assert PAGE.read_text().count("```") == 2 * len(BLOCKS), "no block without a name"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(postgresql.binaries() is None, reason="PostgreSQL is not installed (apt-get install postgresql)")
def test_the_page_as_it_stands(team: Team) -> None:
    (admin,), (server,) = blocks("admin"), blocks("server")
    team.run("admin", admin)
    team.serve(server)
    tables, backup = blocks("owner")
    assert "nothing was decided yet" in team.run("owner", tables)

    make_workspace(team.home("ada") / "w")
    (team.home("ada") / ".shell").write_text(f"cd {team.home('ada') / 'w'}\n")
    joins, alone, speaks = blocks("ada")
    team.run("ada", joins)
    assert "one of two words" in team.run("ada", speaks)
    assert "release board" in team.run("ada", "unimed registry log")
    assert "release board" not in team.run("ada", alone), "the workspace's own log is another"
    (second,) = blocks("eve")
    said = team.run("eve", second)
    assert "champion is version 1" in said and said.count("✗") == 0
    weights = {key: size for key, size in seaweed.objects("unimed", _s3(team)).items() if "/weights/" in key}
    assert weights and not list(team.folder.rglob("mlruns")), "files lie in the bucket alone"

    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(pixels).save(team.home("reader") / "slice.png")
    (team.home("reader") / "slice.png").chmod(0o644)
    (reads,) = blocks("reader")
    with team.elsewhere("ada", "eve", "owner"):
        assert "answer:" in team.run("reader", reads)
    drawing = np.asarray(Image.open(team.home("reader") / "reader" / "drawing.png"))
    assert drawing.ndim == 3

    team.run("owner", backup)
    before = team.run("owner", "unimed models --json")
    team.run("ada", 'unimed registry approvers 1 --why "after the backup"')
    (restore,), (again,) = blocks("owner", "restore"), blocks("owner", "again")
    team.run("owner", restore)
    team.stop()
    team.serve(server)
    said = team.run("owner", again)
    assert "✗" not in said
    assert team.run("owner", "unimed models --json") == before
    assert "needs 2" in team.run("ada", "unimed registry approvers"), "members' rights are there again, and the old log"
    _check_secrets(team)


def _s3(team: Team) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": team.addresses["https://s3.example.org"]}


def _check_secrets(team: Team) -> None:
    """The bucket's secret is in no file of anybody's, and on no command line of the server's."""
    import psutil

    assert team.server is not None
    family = [psutil.Process(team.server.pid), *psutil.Process(team.server.pid).children(recursive=True)]
    lines = [" ".join(process.cmdline()) for process in family]
    # The shell that stands for the server's unit file got the page's text as an argument; its children are MLflow.
    assert [line for line in lines[1:] if seaweed.SECRET in line or "mlflow@" in line] == []
    done = subprocess.run(
        ["grep", "-rlF", seaweed.SECRET, *(str(team.home(who)) for who in ("ada", "eve", "owner", "reader"))],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout == ""
