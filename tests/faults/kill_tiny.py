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
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="unimed-kill-") as folder:
        calm, killed = Path(folder) / "calm", Path(folder) / "killed"
        run_unimed("init", str(calm))
        begun = time.monotonic()
        retrain_with_kills(Workspace(calm), 0, 0, random.Random(0))
        seconds = time.monotonic() - begun
        print(f"unbroken: {seconds:.0f} s, weights {weights_sha256(Workspace(calm))[:16]}", flush=True)
        run_unimed("init", str(killed))
        hits = retrain_with_kills(Workspace(killed), arguments.kills, seconds, random.Random(arguments.seed))
        same = weights_sha256(Workspace(calm)) == weights_sha256(Workspace(killed))
        print(f"{hits} kills, weights {'equal' if same else 'DIFFER'}: {weights_sha256(Workspace(killed))[:16]}")
        return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
