"""A child process that ends with the one that started it, however that one ends."""

import ctypes
import multiprocessing
import os
import signal
import threading

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent dies, and leave if it is dead already: a killed DVC leaves no writer."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def end_with_starter() -> None:
    """In a process of multiprocessing: leave when the one that started it is gone. The kernel tells of a parent alone, which
    here may be a fork server, and that lives as long as what it forked."""
    starter = multiprocessing.parent_process()
    if starter is None:
        raise ValueError("this process was not started by multiprocessing, so nobody's end is its own")

    def follow() -> None:
        starter.join()
        os._exit(1)

    threading.Thread(target=follow, name="lifeline", daemon=True).start()
