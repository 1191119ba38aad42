"""Around the training step: how full sequences are, what planning, the loop, a save and the feed cost.

    python -m tests.benchmarks.training [--steps 5] [--workspace DIR] [--only loop]

Steps are those of the network of `network`, the feed's those of a workspace that has been trained in. Ratios of one run
count: both sides take turns. `python -m tests.benchmarks.peers` brings what transformers' Trainer asks for.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure, report, say
from tests.benchmarks.training_feed import fed
from tests.benchmarks.training_loop import looped
from tests.benchmarks.training_plan import packed, planned
from tests.benchmarks.training_restart import restarted
from tests.benchmarks.training_trainer import beside_trainer

PARTS = ("plan", "loop", "trainer", "feed")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5, help="steps that are timed at once (5)")
    parser.add_argument(
        "--workspace", type=Path, help="one that `unimed retrain` has trained in, for the live feed and a restart"
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="parts of it; all where none is named")
    return report("training", measured(parser.parse_args(arguments)))


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    parts = asked.only or PARTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "plan" in parts:
            yield from packed()
            yield from planned(folder)
        if "loop" in parts:
            yield from looped(folder, asked.steps)
        if "trainer" in parts:
            yield from beside_trainer(2 * asked.steps)
        if "feed" in parts and asked.workspace:
            yield from fed(asked.workspace.resolve(), folder, 3 * asked.steps)
            yield from restarted(asked.workspace.resolve(), folder)
        elif "feed" in parts:
            say("the live feed and a restart are left out: --workspace names one that `unimed retrain` has trained in")


if __name__ == "__main__":
    sys.exit(main())
