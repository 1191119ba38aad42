"""The head of the Ray cluster that a stage trains on, asked now and then whether it is there."""

import os
import socket
import time

from components.cluster import has_cluster
from components.context import Interrupted, StartAgain

NAMED_SECONDS, OWN_SECONDS = 45.0, 10.0
"""A head that does not answer for so long is gone: a named cluster's may be slow to reach, one of our own is beside us, and
Ray ends a process from within a minute after it."""
ASK_SECONDS = 5.0


class Head:
    """Asked every ASK_SECONDS, by whoever calls `check` more often than that."""

    def __init__(self) -> None:
        self._is_named, self.address = has_cluster(), _address()
        self._heard = self._asked = time.monotonic()

    def check(self) -> None:
        """Raises Interrupted when a named cluster's head is gone, StartAgain when it is that of a cluster of our own."""
        if time.monotonic() - self._asked > ASK_SECONDS:
            self._ask()

    def await_answer(self) -> None:
        """Returns when it answers; raises as `check` does when it does not for so long."""
        while not self._ask():
            time.sleep(1)

    def _ask(self) -> bool:
        self._asked = time.monotonic()
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=ASK_SECONDS).close()
        except OSError as error:
            print(f"the cluster's head {self.address} does not answer: {error}")
        else:
            self._heard = time.monotonic()
            return True
        silent = time.monotonic() - self._heard
        if self._is_named and silent > NAMED_SECONDS:
            raise Interrupted(
                f"the head of the Ray cluster, {self.address}, has not answered for {NAMED_SECONDS:.0f} s; what was saved is "
                "kept, and the same command goes on when it is back"
            )
        if not self._is_named and silent > OWN_SECONDS:
            raise StartAgain("the head of this stage's own Ray cluster is gone; what was saved is kept")
        return False


def _address() -> str:
    """host:port of the head of the cluster that this process is in."""
    given = os.environ.get("RAY_ADDRESS", "").removeprefix("ray://")
    if ":" in given:
        return given
    import ray

    return ray.get_runtime_context().gcs_address
