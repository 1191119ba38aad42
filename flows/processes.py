"""Whether a process that noted itself in a file still lives: by number and start, since numbers are given again.

The start is counted in the kernel's ticks since it booted: a clock that is set while the process runs changes nothing.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SAME_START_SECONDS = 2.0
"""The start of a process is counted from the machine's, which is known to a second."""


def own_card() -> dict[str, Any]:
    """What this process leaves in a file so that others can tell it from a later one of its number."""
    return card_of(os.getpid())


def card_of(pid: int) -> dict[str, Any]:
    """The card of a process that runs."""
    return {"pid": pid, "boot": _boot(), "started": _started(pid)}


def lives(card: Mapping[str, Any]) -> bool:
    """Whether the process of the card runs still; one that ended and waits to be collected does not."""
    import psutil

    try:
        process = psutil.Process(int(card["pid"]))
        if "started" in card:
            same = card["boot"] == _boot() and card["started"] == _started(process.pid)
        else:  # an older release's
            same = abs(process.create_time() - float(card["created"])) < SAME_START_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _boot() -> str:
    """What this boot of the machine is called."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started(pid: int) -> int:
    """Ticks from the boot to the start of the process; -1 for one that is gone."""
    try:
        # The name, in brackets, may hold anything; the numbers follow its last bracket.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except FileNotFoundError:
        return -1
