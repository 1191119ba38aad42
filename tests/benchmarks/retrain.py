"""The default retrain in a fresh workspace: wall time, and the memory of all its processes at its highest.

The peer is the machine: the limit a user has is its memory and its cores.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.benchmarks.figures import Figure, report, within
from tests.benchmarks.memory import run_and_watch
from tests.fixtures.micro import UNIMED, clean_environment, run_unimed

HOUR = 3600.0


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(
        arguments
    )
    return report("retrain", measured())


def measured() -> Iterator[Figure]:
    """Seconds within an hour; bytes within the machine's memory. A retrain that fails meets neither."""
    with tempfile.TemporaryDirectory(prefix="unimed-bench-") as folder:
        workspace = Path(folder) / "w"
        run_unimed("init", str(workspace))
        begun = time.monotonic()
        code, peak = run_and_watch([UNIMED, "retrain"], workspace, clean_environment())
        seconds = time.monotonic() - begun
    ended = {
        "is_right": code == 0,
        "note": f"exit {code}, {os.cpu_count()} cores, {peak.processes} processes at the peak",
    }
    yield within("retrain.time", seconds, "s", HOUR, of="an hour", **ended)
    machine = psutil.virtual_memory().total
    yield within("retrain.memory", peak.total, "bytes", machine, of="this machine's memory", **ended)
    yield within("retrain.largest_process", peak.largest, "bytes", machine, of="this machine's memory", **ended)


if __name__ == "__main__":
    sys.exit(main())
