"""`make parity`: our network beside the published one, set by set, and a line that counts the sets. Exit 1 when a difference
is over what is allowed."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from time import perf_counter

import torch
from rich.console import Console
from rich.table import Table

from tests.parity.comparison import Comparison, ParitySet
from tests.parity.sets import SETS
from tests.proofs.outcome import last_line


@dataclass(frozen=True, slots=True)
class Row:
    """What a set came to. Difference, allowed and worst are of the comparison nearest to its limit, or furthest over."""

    name: str
    what: str
    verdict: str
    note: str
    tensors: int = 0
    difference: float | None = None
    allowed: float | None = None
    worst: str = ""
    over: tuple[str, ...] = ()
    seconds: float = 0.0


def measure(parity_set: ParitySet) -> Row:
    """Runs one set."""
    started = perf_counter()
    comparisons = list(parity_set.compare())
    worst = max(comparisons, key=_nearness)
    over = tuple(comparison.name for comparison in comparisons if not comparison.agrees)
    return Row(
        parity_set.name,
        parity_set.what,
        "over" if over else "equal" if worst.difference == 0 else "agrees",
        parity_set.note,
        len(comparisons),
        worst.difference,
        worst.allowed,
        worst.name,
        over,
        round(perf_counter() - started, 2),
    )


def table(rows: list[Row]) -> Table:
    """The table for people."""
    made = Table(
        caption="Allowed: ten times the difference that the published code shows to itself. Whole numbers: none."
    )
    for heading in ("set", "what is compared", "tensors", "difference", "allowed", "verdict"):
        made.add_column(heading, justify="right" if heading in ("tensors", "difference", "allowed") else "left")
    for row in rows:
        what = "\n".join([*filter(None, [row.what]), *([f"[dim]{row.note}[/dim]"] if row.note else [])])
        numbers = [_short(value) for value in (row.difference, row.allowed)]
        made.add_row(row.name, what, str(row.tensors or ""), *numbers, _coloured(row))
    return made


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = [measure(parity_set) for parity_set in SETS]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        Console().print(table(rows))
    failed = sum(bool(row.over) for row in rows)
    print(last_line(len(rows) - failed, failed, 0), file=sys.stderr if options.json else sys.stdout)
    return 1 if failed else 0


def _nearness(comparison: Comparison) -> tuple[float, float]:
    return comparison.share, comparison.difference


def _short(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.1e}"


def _coloured(row: Row) -> str:
    colour = {"over": "red", "agrees": "green", "equal": "green"}.get(row.verdict, "yellow")
    return f"[{colour}]{row.verdict}[/{colour}]" + (f"\n{', '.join(row.over[:3])}" if row.over else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
