"""Who could be named in a private source's data, and what is found of it: names planted into pixels and into words, and
how much of what names nobody is held with them.

`python -m tests.benchmarks.identity [--only PART] [--full] [--details N]` measures a sample of each part's grid, or with
`--full` all of it.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator

from tests.benchmarks.figures import Figure, report
from tests.benchmarks.identity_pixels import pixels
from tests.benchmarks.identity_words import words

PARTS: dict[str, Callable[[bool], Iterator[Figure]]] = {
    "pixels": pixels,
    "words": words,
}
"""Part -> its figures, of a sample or, where asked with True, of everything."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    parser.add_argument("--full", action="store_true", help="the whole grid instead of a sample of it")
    parser.add_argument("--details", type=int, default=0, help="print so many of what was missed or mistaken, by kind")
    options = parser.parse_args(arguments)
    return report("identity", measured(options.only or list(PARTS), full=options.full), details=options.details)


def measured(parts: Iterable[str], *, full: bool) -> Iterator[Figure]:
    """Every figure of these parts."""
    for name in parts:
        yield from PARTS[name](full)


if __name__ == "__main__":
    sys.exit(main())
