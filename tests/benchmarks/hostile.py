"""Hostile and broken files: what comes of each, how long it takes and how much memory it needs, against 1 s and 512 MB.

`python -m tests.benchmarks.hostile [--only TEXT]` brings every case of `tests/faults/hostile.py` through reading and judging,
each in a process of its own; imports are not timed. The time is that of the CPU, which a busy machine changes little, and
beyond what one harmless file of the same format takes where the expectation suite ran; so is the memory. A case that ends in
another way than it must meets no goal.
"""

import argparse
import sys
from collections.abc import Iterator

from tests.benchmarks.figures import Figure, plain, report, within
from tests.faults.hostile import CASES, Outcome, outcomes

SECONDS_LIMIT = 1.0
BYTES_LIMIT = 512 * 2**20


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    return report("hostile", measured(parser.parse_args(arguments).only))


def measured(only: str) -> Iterator[Figure]:
    """Time and memory of every case whose name holds that."""
    for name, outcome in outcomes([name for name in CASES if only in name]):
        known = {"is_right": CASES[name].is_as_expected(outcome.items), "note": _came_of_it(name, outcome)}
        said = f"hostile.{plain(name)}"
        yield within(f"{said}.seconds", outcome.cpu_seconds, "CPU s", SECONDS_LIMIT, **known)
        yield within(f"{said}.memory", outcome.peak_bytes, "bytes", BYTES_LIMIT, **known)


def _came_of_it(name: str, outcome: Outcome) -> str:
    items = ", ".join(f"{reason} {count}" if count > 1 else reason for reason, count in outcome.items.items())
    said = items or outcome.ended
    return said if CASES[name].is_as_expected(outcome.items) else f"{said} instead of {dict(CASES[name].outcome)}"


if __name__ == "__main__":
    sys.exit(main())
