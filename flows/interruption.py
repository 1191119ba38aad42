"""Ctrl-C and SIGTERM: the stages save and stop, the flow ends as Interrupted, and the prompt is back within seconds."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flows.leftovers import forward_stop

LIMIT_SECONDS = 9.0
"""A run that is not back by then, or so long after its training's grace, is left as it stands: killing it loses nothing
that was saved, the next start goes on."""
MORE_SECONDS = 3.0

AGAIN = 75
GO_ON = "stopped; what was done is kept. Go on with the same command"


@contextmanager
def stoppable(stop: threading.Event, grace_seconds: float = 0.0) -> Iterator[None]:
    """While the block runs in the main thread, SIGINT and SIGTERM set `stop` and are passed on to the stages.

    Call it inside the flow: Prefect replaces handlers set before. Signals may come twice. In another thread than the
    main one, where Python takes no handlers, it does nothing. grace_seconds: what a stage may take to save.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def asked(*_: object) -> None:
        if not stop.is_set():
            stop.set()
            print("\nstopping: the stage saves what it has …", file=sys.stderr, flush=True)
            timer = threading.Timer(max(LIMIT_SECONDS, grace_seconds + MORE_SECONDS), _leave)
            timer.daemon = True
            timer.start()
        # A thread of its own: looking through processes takes longer than a handler should.
        threading.Thread(target=forward_stop, daemon=True).start()

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if not stop.is_set():
            for number, handler in before.items():
                signal.signal(number, handler)


def _leave() -> None:
    print(GO_ON, file=sys.stderr, flush=True)
    os._exit(AGAIN)
