"""The lines of curation's table: what was planted, what was found of it, and the goal."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.benchmarks.originals import Original, originals
from tests.benchmarks.planted import Outcome

PRECISE = 0.99
"""Goal: of what is taken out, the share that is a copy."""
HEADING = f"{'planted':64s} {'copies':>6s} {'found':>6s} {'recall':>7s} {'goal':>5s} {'precision':>9s} {'goal':>5s}"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Copies:
    """Copies of one kind; without a goal they are no copies, and what counts is that they stay."""

    name: str
    outcome: Outcome
    goal: float | None

    @property
    def precision(self) -> float:
        """Of what was taken out, the share that is a copy; of what is no copy, the share that stayed."""
        if self.goal is not None:
            return self.outcome.precision
        gone = len(self.outcome.mistaken) + self.outcome.found
        return 1 - gone / max(1, self.outcome.planted)

    @property
    def is_met(self) -> bool:
        has_enough = self.goal is None or self.outcome.recall >= self.goal
        return self.outcome.planted > 0 and has_enough and self.precision >= PRECISE

    @property
    def details(self) -> list[str]:
        """What was missed, and what was taken out by mistake."""
        missed = [] if self.goal is None else [f"missed {one}" for one in self.outcome.missed]
        return missed + [f"mistaken {one}" for one in self.outcome.mistaken]

    def figures(self) -> dict[str, object]:
        recall = None if self.goal is None else self.outcome.recall
        counts = {"planted": self.outcome.planted, "found": self.outcome.found}
        return counts | {"recall": recall, "goal": self.goal, "precision": self.precision, "precision_goal": PRECISE}

    def __str__(self) -> str:
        found = "      -       -     -"
        if self.goal is not None:
            found = f" {self.outcome.found:6d} {self.outcome.recall:7.4f} {self.goal:5.2f}"
        return f"{self.name:64s} {self.outcome.planted:6d}{found} {self.precision:9.4f} {PRECISE:5.2f}  {verdict(self)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class AtMost:
    """A count that should stay under a share of all."""

    name: str
    count: int
    of: int
    limit: float
    """Of count / of; 0: there should be none."""
    details: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        share = self.count / max(1, self.of)
        return self.of > 0 and (share < self.limit or self.count == 0)

    def figures(self) -> dict[str, object]:
        return {"count": self.count, "of": self.of, "share": self.count / max(1, self.of), "limit": self.limit}

    def __str__(self) -> str:
        share = self.count / max(1, self.of)
        return f"{self.name:64s} {self.count} of {self.of} = {share:.1e}, goal {self.limit:.0e}  {verdict(self)}"


Row = Copies | AtMost


def verdict(row: Row) -> str:
    return "met" if row.is_met else "NOT met"
