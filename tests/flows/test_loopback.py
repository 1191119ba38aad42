import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from components.stage import spare_loopback
from flows.loopback import answers, free_port, is_free, listens, loopback_url
from tests.fixtures.networks import DOWN, ONLY_IPV6, in_network


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process of ours that answers at a port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.flows.small_server", str(port)])
    while not listens(process.pid, port):
        assert process.poll() is None
        time.sleep(0.05)
    yield process, port
    process.kill()
    process.wait()


def test_a_port_is_listened_to_by_who_opened_it_and_by_nobody_else(server):
    process, port = server
    assert not is_free(port)
    assert answers(loopback_url(port))
    assert listens(process.pid, port)
    assert listens(psutil.Process().pid, port), "its parent started it"
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert not listens(stranger.pid, port)
    finally:
        stranger.kill()
        stranger.wait()
    assert not listens(stranger.pid, port), "a process that has ended listens to nothing"


def test_no_proxy_stands_before_a_server_on_this_machine(server, monkeypatch):
    _, port = server
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(urllib.request, "_opener", None)  # made at the first call of a process, with its proxies
        assert not answers(loopback_url(port)), "the proxy is asked, and is not there"
        spare_loopback()
        assert answers(loopback_url(port))


def test_what_a_user_spares_stays_spared_for_clients_that_read_the_one_name_and_the_other(monkeypatch):
    monkeypatch.setenv("no_proxy", "pacs.clinic, localhost")
    monkeypatch.setenv("NO_PROXY", ".intern")
    spare_loopback()
    for name in ("NO_PROXY", "no_proxy"):
        assert set(os.environ[name].split(",")) == {".intern", "pacs.clinic", "localhost", "127.0.0.1", "::1"}
    before = os.environ["NO_PROXY"]
    spare_loopback()
    assert os.environ["NO_PROXY"] == before


SERVE = """
import urllib.request
from flows.loopback import answers, free_port, is_free, listens, loopback_url
import os, subprocess, sys, time
port = free_port()
process = subprocess.Popen([sys.executable, "-m", "tests.flows.small_server", str(port)])
while not answers(loopback_url(port)):
    assert process.poll() is None
    time.sleep(0.05)
print(loopback_url(port).replace(str(port), "PORT"), is_free(port), listens(process.pid, port))
process.kill()
"""


def test_a_machine_without_ipv4_has_its_servers_at_its_other_address():
    done = in_network(ONLY_IPV6, [sys.executable, "-c", SERVE], seconds=60)
    assert (done.returncode, done.stdout.split()) == (0, ["http://[::1]:PORT", "False", "True"]), done.stderr


def test_a_machine_whose_loopback_is_down_is_told_at_once():
    done = in_network(DOWN, [sys.executable, "-c", "from flows.loopback import loopback_host; loopback_host()"])
    assert "bring the interface `lo` up" in done.stderr
