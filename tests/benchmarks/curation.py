"""Planted truth: what curation finds of copies, of leaks into the benchmark and of identifiers, and what it takes for one.

`python -m tests.benchmarks.curation [--only PART] [--details N]` plants into real images and texts, brings both through
reading, validation and selection, and prints how many were found of each kind beside its goal.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure, report
from tests.benchmarks.goals import Plan
from tests.benchmarks.planted_captions import captions
from tests.benchmarks.planted_identifiers import identifiers
from tests.benchmarks.planted_images import images, questions
from tests.benchmarks.planted_patients import deliveries
from tests.benchmarks.planted_texts import texts

PARTS: dict[str, Callable[[Plan], Iterator[Figure]]] = {
    "images": images,
    "questions": questions,
    "texts": texts,
    "captions": captions,
    "patients": deliveries,
    "identifiers": identifiers,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=12, help="images of a patient that are copied")
    parser.add_argument("--side", type=int, default=512, help="pixels of the longer side of larger images")
    parser.add_argument("--patients", type=int, help="the first so many patients alone")
    parser.add_argument("--samples", type=Path, help="folder of further public images and texts")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--details", type=int, default=0, help="print so many of what was missed or mistaken, by kind")
    options = parser.parse_args(arguments)
    figures = measured(
        options.only or list(PARTS),
        each=options.each,
        side=options.side,
        patients=options.patients,
        samples=options.samples,
        seed=options.seed,
    )
    return report("curation", figures, details=options.details)


def measured(
    parts: Iterable[str], *, each: int, side: int, patients: int | None, samples: Path | None, seed: int = 0
) -> Iterator[Figure]:
    """Every figure of these parts, each in a folder of its own."""
    for name in parts:
        with tempfile.TemporaryDirectory() as folder:
            yield from PARTS[name](
                Plan(work=Path(folder), each=each, side=side, patients=patients, samples=samples, seed=seed)
            )


if __name__ == "__main__":
    sys.exit(main())
