"""Servers on this machine's own address: which ports are free, what answers there, and whether it is ours."""

import socket
import ssl
import urllib.error
import urllib.request
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import psutil


@lru_cache
def loopback_host() -> str:
    """127.0.0.1, or ::1 on a machine that has no IPv4; raises ValueError where neither can be reached."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as server, socket.socket(family) as client:
                server.bind((host, 0))  # which works where `lo` is down, too
                server.listen()
                client.settimeout(1)
                client.connect(server.getsockname())
        except OSError:
            continue
        return host
    raise ValueError(
        "no process can reach another one on this machine: neither 127.0.0.1 nor ::1 answers; bring the interface `lo` up "
        "(ip link set lo up)"
    )


def loopback_url(port: int) -> str:
    """http address of a port here."""
    host = loopback_host()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def port_of(url: str) -> int:
    """The port of an http address."""
    return urlsplit(url).port or 80


def free_port() -> int:
    """A TCP port that is free now."""
    with _socket() as probe:
        probe.bind((loopback_host(), 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on the port."""
    with _socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((loopback_host(), port))
        except OSError:
            return False
    return True


def answers(url: str) -> bool:
    """Whether something answers there with success. It may be anybody's: see `listens`."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def is_reached(url: str) -> bool:
    """Whether anything answers there, a refusal or a certificate that only others know included."""
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError) as error:
        return isinstance(getattr(error, "reason", None), ssl.SSLError)


def listens(pid: int, port: int) -> bool:
    """Whether this process, or one that it started, is the one that listens on the port."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return False
    return any(_has_open(member, port) for member in family)


def _has_open(process: "psutil.Process", port: int) -> bool:
    import psutil

    try:
        found = process.net_connections("tcp")
    except psutil.Error:  # it has ended, or is another user's
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)


def _socket() -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in loopback_host() else socket.AF_INET)
