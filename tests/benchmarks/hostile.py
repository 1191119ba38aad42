"""Hostile and broken files: what comes of each, how long it takes and how much memory it needs, against 1 s and 512 MB.

`python -m tests.benchmarks.hostile [--only TEXT] [--json]` brings every case of `tests/faults/hostile.py` through reading and
judging, each in a process of its own; imports are not timed. The time is that of the CPU, which a busy machine changes
little, and beyond what one harmless file of the same format takes where the expectation suite ran; so is the memory. The
exit status is 1 where a case ends in another way than it must, or over a limit.
"""

import argparse
import json
import sys

from tests.faults.hostile import CASES, Outcome, outcomes

SECONDS_LIMIT = 1.0
BYTES_LIMIT = 512 * 2**20
HEADING = f"{'case':50s} {'CPU s':>6s} {'s':>6s} {'MiB':>6s}  what came of it"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--json", action="store_true", help="print JSON objects, one a line")
    options = parser.parse_args()
    if not options.json:
        print(HEADING)
    wrong = 0
    for name, outcome in outcomes([name for name in CASES if options.only in name]):
        figures = list(_figures(name, outcome))
        wrong += not all(figure["met"] for figure in figures)
        if options.json:
            print("\n".join(map(json.dumps, figures)), flush=True)
        else:
            print(_line(name, outcome, all(figure["met"] for figure in figures)), flush=True)
    if not options.json:
        print(f"{wrong} of the cases end otherwise than they must, or over {SECONDS_LIMIT:.0f} s or 512 MiB")
    return 1 if wrong else 0


def _figures(name: str, outcome: Outcome) -> list[dict[str, object]]:
    """Time, memory, and whether each item ended as it must."""
    ends_well = CASES[name].is_as_expected(outcome.items)
    return [
        _figure(f"hostile.{name}: seconds", outcome.cpu_seconds, "CPU s", SECONDS_LIMIT, ends_well),
        _figure(f"hostile.{name}: memory", outcome.peak_bytes, "bytes", BYTES_LIMIT, ends_well),
    ]


def _figure(name: str, value: float, unit: str, limit: float, ends_well: bool) -> dict[str, object]:
    """A figure that should stay under a limit: the ratio says how many times it fits."""
    ratio = limit / max(value, 1e-3)
    figure: dict[str, object] = {"name": name, "value": value, "unit": unit, "peer": "the limit", "peer_value": limit}
    return figure | {"ratio": ratio, "goal": 1.0, "met": ends_well and ratio >= 1.0}


def _line(name: str, outcome: Outcome, is_met: bool) -> str:
    items = ", ".join(f"{reason} {count}" if count > 1 else reason for reason, count in outcome.items.items())
    said = items or outcome.ended
    if not CASES[name].is_as_expected(outcome.items):
        said += f" instead of {dict(CASES[name].outcome)}"
    figures = f"{outcome.cpu_seconds:6.2f} {outcome.seconds:6.2f} {outcome.peak_bytes / 2**20:6.0f}"
    return f"{name:50s} {figures}  {said}: {'met' if is_met else 'NOT met'}"


if __name__ == "__main__":
    sys.exit(main())
