"""Two ways to do one piece of work, timed in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What came out. The figures are rates, more is better; the ratio is the median of each turn's ratio."""

    name: str
    peer_name: str
    unit: str
    ours: float
    peer: float
    ratio: float
    goal: float

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.goal

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "NOT met"
        return (
            f"{self.name}: {self.ours:.4g} {self.unit} against {self.peer:.4g} of {self.peer_name}: "
            f"{self.ratio:.2f}, goal {self.goal:.2f}: {verdict}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """ours and peer each do the work once and return their rate."""

    name: str
    peer_name: str
    unit: str
    goal: float
    ours: Callable[[], float]
    peer: Callable[[], float]

    def run(self, turns: int) -> Row:
        """Once each to warm up, then in turns: a busy machine slows both."""
        self.ours()
        self.peer()
        pairs = [(self.ours(), self.peer()) for _ in range(turns)]
        return Row(
            name=self.name,
            peer_name=self.peer_name,
            unit=self.unit,
            ours=statistics.median(own for own, _ in pairs),
            peer=statistics.median(other for _, other in pairs),
            ratio=statistics.median(own / other for own, other in pairs),
            goal=self.goal,
        )


def rate(amount: float, work: Callable[[], object]) -> float:
    """Amount per second of doing the work once."""
    begun = time.perf_counter()
    work()
    return amount / (time.perf_counter() - begun)
