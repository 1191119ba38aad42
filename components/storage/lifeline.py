"""A child process that ends with the one that started it, however that one ends; and one that begins anew."""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
ENDING_SECONDS = 5.0
"""How long the children of a process that begins anew may take to end."""


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


def begin_anew(mark: str) -> NoReturn:
    """This process from its start, with the words that it was started with and this variable set; its children are ended. For
    its parent it is the same one."""
    import psutil

    children = psutil.Process().children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=ENDING_SECONDS)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, mark: "1"})
