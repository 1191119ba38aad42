"""`make kill`: ten kills at random moments of a full tiny run; its weights must equal an unbroken run's."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from components.storage.workspace import Workspace
from tests.faults.killing import retrain_with_kills, weights_sha256
from tests.fixtures.micro import run_unimed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--against", type=Path, help="a workspace whose unbroken run is over; without it one is made")
    parser.add_argument("--seconds", type=float, default=600, help="with --against: how long that run took")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="unimed-kill-") as folder:
        calm, killed = arguments.against or Path(folder) / "calm", Path(folder) / "killed"
        seconds = arguments.seconds if arguments.against else unbroken(calm)
        print(f"unbroken: {seconds:.0f} s, weights {weights_sha256(Workspace(calm))[:16]}", flush=True)
        run_unimed("init", str(killed))
        hits = retrain_with_kills(Workspace(killed), arguments.kills, seconds, random.Random(arguments.seed))
        same = weights_sha256(Workspace(calm)) == weights_sha256(Workspace(killed))
        print(f"{hits} kills, weights {'equal' if same else 'DIFFER'}: {weights_sha256(Workspace(killed))[:16]}")
        return 0 if same else 1


def unbroken(folder: Path) -> float:
    """The seconds of a run that nobody kills, in a workspace made there."""
    run_unimed("init", str(folder))
    begun = time.monotonic()
    retrain_with_kills(Workspace(folder), 0, 0, random.Random(0))
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
