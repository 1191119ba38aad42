"""`make prove ONLY=kill`: ten kills at random moments of a full tiny run; its weights must equal an unbroken run's."""

import argparse
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from components.storage.workspace import Workspace
from tests.faults.killing import random_moments, retrain_with_kills, weights_sha256
from tests.fixtures.micro import run_unimed
from tests.proofs.outcome import FAILED, PASSED


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--against", type=Path, help="a workspace whose unbroken run is over; without it one is made")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="unimed-kill-") as folder:
        unbroken = Workspace(arguments.against or Path(folder) / "unbroken")
        killed = Workspace(Path(folder) / "killed")
        if not arguments.against:
            run_unimed("init", str(unbroken.root))
            retrain_with_kills(unbroken, [])
        print(f"unbroken: weights {weights_sha256(unbroken)[:16]}", flush=True)
        run_unimed("init", str(killed.root))
        moments = random_moments(unbroken, arguments.kills, random.Random(arguments.seed))
        hits = retrain_with_kills(killed, moments, partial(print, flush=True))
        same = weights_sha256(unbroken) == weights_sha256(killed)
        print(f"{hits} kills, weights {'equal' if same else 'DIFFER'}: {weights_sha256(killed)[:16]}")
        return PASSED if same else FAILED


if __name__ == "__main__":
    sys.exit(main())
