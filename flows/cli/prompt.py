"""What a command of the prompt has around it: streams that are open, and an MLflow that is not waited for."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext

LASTING = ("retrain", "up")
"""Commands that outlive a server's restart; all others have a person waiting."""


def open_streams() -> None:
    """Gives the process the standard streams that whoever started it had closed (`>&-`, some service managers): what is
    printed is lost then, and no file that is opened later gets their numbers."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def waiting(command: str) -> AbstractContextManager[None]:
    """Within the block MLflow's client, which by itself tries for minutes, gives up within seconds."""
    from components.registry.client_timeouts import briefly

    return nullcontext() if command in LASTING else briefly(unless_told=True)
