"""Servers of `unimed up`: known by the process that was started, not by a page that answers."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.storage.atomic import write_json
from components.storage.workspace import Workspace
from flows import services
from flows.loopback import free_port, is_free, listens, loopback_url
from flows.server import end_process
from flows.services import RESTARTS, RESTARTS_SECONDS, Service, _Family, live_services
from tests.fixtures import micro


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Family]:
    """Services whose MLflow is a small server that starts in a blink; it serves the same health page."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr(services, "mlflow_command", lambda _, port: ["tests.flows.small_server", str(port)])
    made = _Family(Workspace(tmp_path), lambda _: None)
    yield made
    for process in made.processes.values():
        end_process(process)


@pytest.fixture
def foreign() -> Iterator[int]:
    """The port of somebody else's server, which answers every page."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.flows.small_server", str(port)])
    while not listens(process.pid, port):
        time.sleep(0.05)
    yield port
    process.kill()
    process.wait()


def test_a_server_that_somebody_was_quicker_than_takes_another_port(family, foreign, monkeypatch):
    ports = iter([foreign, free_port()])
    monkeypatch.setattr(family, "_port", lambda _: next(ports))
    family._run_server("mlflow")
    family._wait("mlflow")
    assert family.urls["mlflow"] != loopback_url(foreign)
    assert Service("mlflow", family.urls["mlflow"], family.processes["mlflow"].pid).answers


def test_a_page_of_somebody_else_is_not_our_server(family, foreign):
    family._run_server("mlflow")
    family._wait("mlflow")
    assert not Service("mlflow", loopback_url(foreign), family.processes["mlflow"].pid).answers


def test_a_server_comes_back_on_another_port_when_its_own_was_taken_meanwhile(family):
    family._run_server("mlflow")
    family._wait("mlflow")
    first = family.urls["mlflow"]
    end_process(family.processes["mlflow"])
    port = services.port_of(first)
    while not is_free(port):
        time.sleep(0.05)
    taker = subprocess.Popen([sys.executable, "-m", "tests.flows.small_server", str(port)])
    try:
        while not listens(taker.pid, port):
            time.sleep(0.05)
        family.look_after()
        family._wait("mlflow")
        assert family.urls["mlflow"] != first
        assert live_services(family.workspace)["mlflow"].url == family.urls["mlflow"]
    finally:
        taker.kill()
        taker.wait()


def test_restarts_are_counted_over_time_and_not_for_life(family, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(services.time, "monotonic", lambda: now)
    for _ in range(3 * RESTARTS):
        now += RESTARTS_SECONDS / RESTARTS + 1
        assert not family._ends_too_often("worker")
    for _ in range(RESTARTS - 1):
        now += 1
        family._ends_too_often("worker")
    now += 1
    assert family._ends_too_often("worker")


def test_a_copied_workspace_does_not_use_the_servers_of_its_original(family):
    family._run_server("mlflow")
    family._wait("mlflow")
    family._write_card()
    root = family.workspace.root
    assert set(live_services(family.workspace)) == {"mlflow"}
    copy = root.with_name(f"{root.name}-copy")
    (copy / ".unimed").mkdir(parents=True)
    shutil.copy(root / ".unimed" / "services.json", copy / ".unimed" / "services.json")
    assert live_services(Workspace(copy)) == {}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_workspaces_that_start_at_one_instant_behind_a_proxy_have_servers_and_schedules_of_their_own(tmp_path):
    roots = [tmp_path / name for name in ("one", "two")]
    ports = {"prefect": free_port(), "mlflow": free_port()}
    for root in roots:
        micro.run_unimed("init", str(root))
        write_json(root / ".unimed" / "ports.json", ports)
    proxy = f"http://127.0.0.1:{free_port()}"  # nobody is there
    environment = micro.clean_environment(HTTP_PROXY=proxy, http_proxy=proxy, NO_PROXY="", no_proxy="")
    starts = [
        subprocess.Popen(
            [micro.UNIMED, "up", "--detach"], cwd=root, env=environment, text=True, stdout=-1, stderr=subprocess.STDOUT
        )
        for root in roots
    ]
    try:
        said = [start.communicate(timeout=400)[0] for start in starts]
        assert [start.returncode for start in starts] == [0, 0], said
        cards = [json.loads((root / ".unimed" / "services.json").read_text())["services"] for root in roots]
        assert len({card[name]["url"] for card in cards for name in ports}) == 4
        for root, card in zip(roots, cards, strict=True):
            for name in ports:
                assert listens(card[name]["pid"], services.port_of(card[name]["url"])), (root, name)
        for root, hour in zip(roots, (3, 4), strict=True):
            micro.run_unimed("schedule", "--cron", f"0 {hour} * * *", cwd=root, HTTP_PROXY=proxy, http_proxy=proxy)
        for root, hour in zip(roots, (3, 4), strict=True):
            found = json.loads(micro.run_unimed("schedules", "--json", cwd=root, HTTP_PROXY=proxy, http_proxy=proxy))
            assert [entry["cron"] for entry in found] == [f"0 {hour} * * *"]
    finally:
        for root in roots:
            micro.run_unimed("down", cwd=root)
