"""Around the training step: how full sequences are, what planning, the loop and a save cost.

    python -m tests.benchmarks.training [--steps 5]

Steps are those of the network of `network`. Ratios of one run count: both sides take turns.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure, report
from tests.benchmarks.training_loop import looped
from tests.benchmarks.training_plan import packed, planned


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5, help="steps that are timed at once (5)")
    return report("training", measured(parser.parse_args(arguments).steps))


def measured(steps: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        yield from packed()
        yield from planned(Path(folder))
        yield from looped(Path(folder), steps)


if __name__ == "__main__":
    sys.exit(main())
