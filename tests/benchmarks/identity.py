"""Who could be named in a private source's data, and what is found of it: names planted into pixels and into words, and
how much of what names nobody is held with them.

`python -m tests.benchmarks.identity [--only PART] [--full] [--details N]` measures a sample of each part's grid, or with
`--full` all of it; with `--results FILE` the part `clean-frames` goes on where a run that was ended was.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure, report
from tests.benchmarks.identity_pixels import clean_frames, pixels
from tests.benchmarks.identity_words import words

PARTS: dict[str, Callable[[bool, Path | None], Iterator[Figure]]] = {
    "pixels": lambda full, _: pixels(full),
    "clean-frames": clean_frames,
    "words": lambda full, _: words(full),
}
"""Part -> its figures, of a sample or, where asked with True, of everything; a file of results is for parts that take hours."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    parser.add_argument("--full", action="store_true", help="the whole grid instead of a sample of it")
    parser.add_argument("--results", type=Path, help="file that keeps what was found of each clean frame")
    parser.add_argument("--details", type=int, default=0, help="print so many of what was missed or mistaken, by kind")
    options = parser.parse_args(arguments)
    figures = measured(options.only or list(PARTS), full=options.full, results=options.results)
    return report("identity", figures, details=options.details)


def measured(parts: Iterable[str], *, full: bool, results: Path | None = None) -> Iterator[Figure]:
    """Every figure of these parts."""
    for name in parts:
        yield from PARTS[name](full, results)


if __name__ == "__main__":
    sys.exit(main())
