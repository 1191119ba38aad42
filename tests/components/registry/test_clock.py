"""A clock that is set, forward and back, while somebody decides: no lease ends by it, no decision changes its place."""

import os
import subprocess
import sys
from pathlib import Path

from components.registry.decisions import read_log
from components.registry.promotion import decide
from components.registry.verification import verify
from components.registry.versions import register
from tests.fixtures.clocks import clock

DAY = 86_400
_ROOT = Path(__file__).parents[3]
BEGIN = """
import sys, time
from components.registry.lease import hold_lease
from components.storage.locks import Held
from components.storage.workspace import find_workspace
workspace = find_workspace()
"""
HOLDER = (
    BEGIN
    + """
with hold_lease(workspace, "promote"):
    print(time.time(), flush=True)
    sys.stdin.readline()
    print(time.time(), flush=True)
"""
)
ASKER = (
    BEGIN
    + """
begun = time.monotonic()
try:
    with hold_lease(workspace, "rollback", wait_seconds=1):
        print("got it")
except Held as held:
    print(f"{time.monotonic() - begun:.0f} {held}")
"""
)
PROMOTE = (
    BEGIN
    + """
from components.registry.people import promote
promote(workspace, sys.argv[1], who="somebody", why="set back")
"""
)


def run(program: str, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**environment, "PYTHONPATH": str(_ROOT)},
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_lease_is_held_however_the_clock_is_set(workspace, tmp_path):
    shown = clock(tmp_path)
    register(workspace)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**shown.environment, "PYTHONPATH": str(_ROOT)},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        before = float(holder.stdout.readline())
        for step in (DAY, -DAY):
            shown.step(step)
            said = run(ASKER, dict(os.environ))
            assert f"held by pid {holder.pid} on" in said and int(said.split()[0]) < 60
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert float(holder.stdout.readline()) < before, "the clock was set back while it held the lease"
    assert run(ASKER, dict(os.environ)).strip() == "got it"


def test_a_decision_after_the_clock_was_set_back_is_still_the_later_one(workspace, tmp_path):
    shown = clock(tmp_path)
    version = register(workspace)
    decide(workspace, version, "never")
    shown.step(-365 * DAY)
    run(PROMOTE, shown.environment, str(version.number))
    log = read_log(workspace)
    assert log[-1].action == "promote" and log[-1].at < log[0].at
    assert [decision.sequence for decision in log] == list(range(1, len(log) + 1))
    assert [check for check in verify(workspace, "champion") if not check.ok] == []
