"""What was planted for curation, what was found of it, and the goals: as figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.figures import Figure, plain, share
from tests.benchmarks.originals import Original, originals
from tests.benchmarks.planted import Outcome

PRECISE = 0.99
"""Goal: of what is taken out, the share that is a copy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much is planted, and where the work is done."""

    work: Path
    each: int
    """Images of a patient that are copied."""
    side: int
    """Pixels of the longer side at which larger images are taken."""
    patients: int | None
    """So many patients alone."""
    samples: Path | None
    """Folder of further public images and texts."""
    seed: int

    def originals(self) -> list[Original]:
        """The images; of a patient, `each` are to be copied."""
        return originals(self.each, side=self.side, patients=self.patients, samples=self.samples)

    def generator(self, name: str) -> np.random.Generator:
        """Its own for each kind, so that a new kind changes no other's figures."""
        return np.random.default_rng([self.seed, *name.encode()])


def copies(kind: str, outcome: Outcome, goal: float | None) -> Iterator[Figure]:
    """Of copies the share that was found and, of what was taken out, the share that is a copy. Without a goal they are no
    copies, and what counts is that they stay."""
    name = f"curation.{plain(kind)}"
    mistaken = tuple(f"mistaken {one}" for one in outcome.mistaken)
    if goal is None:
        gone = len(outcome.mistaken) + outcome.found
        yield share(
            f"{name}.stayed", outcome.planted - gone, "no copies", "all of them", outcome.planted, PRECISE, mistaken
        )
        return
    missed = tuple(f"missed {one}" for one in outcome.missed)
    yield share(f"{name}.found", outcome.found, "copies", "copies that were planted", outcome.planted, goal, missed)
    taken = outcome.found + len(outcome.mistaken)
    yield share(f"{name}.precision", outcome.found, "copies", "records that were taken out", taken, PRECISE, mistaken)


def none_of(kind: str, wrong: list[str], of: int, *, limit: float = 0.0) -> Figure:
    """How many of all are as they should be, when at most this share may be wrong."""
    return share(f"curation.{plain(kind)}", of - len(wrong), "right", "all of them", of, 1 - limit, tuple(wrong))
