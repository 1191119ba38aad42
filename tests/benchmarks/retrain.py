"""The default retrain in a fresh workspace: wall time, and the memory of all its processes at its highest.

The peer is the machine: the limit a user has is its memory and its cores.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.memory import run_and_watch
from tests.fixtures.micro import UNIMED, clean_environment, run_unimed

GIB = 2**30


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="unimed-bench-") as folder:
        workspace = Path(folder) / "w"
        run_unimed("init", str(workspace))
        begun = time.monotonic()
        code, peak = run_and_watch([UNIMED, "retrain"], workspace, clean_environment())
        seconds = time.monotonic() - begun
    machine = psutil.virtual_memory().total
    print(f"unimed retrain (tiny, {os.cpu_count()} cores): exit {code} in {seconds / 60:.1f} min")
    print(
        f"peak memory of {peak.processes} processes together: {peak.total / GIB:.2f} GiB, "
        f"{peak.total / machine:.0%} of this machine's {machine / GIB:.1f} GiB; the largest {peak.largest / GIB:.2f} GiB"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
