"""Whether a process that noted itself in a file still lives: by number and start, since numbers are given again."""

from collections.abc import Mapping
from typing import Any

SAME_START_SECONDS = 2.0
"""The start of a process is counted from the machine's, which is known to a second."""


def own_card() -> dict[str, Any]:
    """What this process leaves in a file so that others can tell it from a later one of its number."""
    import psutil

    me = psutil.Process()
    return {"pid": me.pid, "created": me.create_time()}


def lives(card: Mapping[str, Any]) -> bool:
    """Whether the process of the card runs still; one that ended and waits to be collected does not."""
    import psutil

    try:
        process = psutil.Process(int(card["pid"]))
        same = abs(process.create_time() - float(card["created"])) < SAME_START_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
