"""Kernel file locks with a readable holder beside them; a killed holder frees its lock at once."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout


class Held(ValueError):
    """Somebody else holds the lock; the message names the holder."""


LOOK_SECONDS = 0.5
"""Whoever asks for the holder takes a free lock for a moment; nobody who wants it may lose it to a look."""


@contextmanager
def hold(path: Path, what: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock file `path` for `what`; raises Held, naming pid, host and since, when another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    card = path.with_suffix(".holder.json")
    try:
        lock.acquire(timeout=max(wait_seconds, LOOK_SECONDS))
    except Timeout:
        raise Held(f"{what}: held by {holder_text(path)}") from None
    try:
        with suppress(OSError):  # on a full disk nobody can read who holds it, and `unimed gc` makes room
            card.write_text(
                json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "what": what})
            )
        yield
    finally:
        card.unlink(missing_ok=True)
        lock.release()


def holder(path: Path) -> dict[str, object] | None:
    """Who holds the lock now, or None when it is free."""
    if not path.exists():
        return None
    with path.open("rb") as handle:  # a look writes nothing, so that it is possible where nothing can be written
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                return json.loads(path.with_suffix(".holder.json").read_text())
            except (FileNotFoundError, json.JSONDecodeError):
                return {"pid": 0, "host": "unknown", "since": 0.0, "what": "unknown"}
    return None


def holder_text(path: Path) -> str:
    """The holder as people read it: `pid 4711 on host since 12:03:07 (retrain)`."""
    card = holder(path)
    if card is None:
        return "nobody"
    since = time.strftime("%H:%M:%S", time.localtime(float(card["since"])))  # type: ignore[arg-type]
    return f"pid {card['pid']} on {card['host']} since {since} ({card['what']})"
