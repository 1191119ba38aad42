"""Two ways to do one piece of work, timed in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.figures import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """ours and peer each do the work once and return their rate."""

    name: str
    peer_name: str
    unit: str
    goal: float
    ours: Callable[[], float]
    peer: Callable[[], float]

    def run(self, turns: int) -> Figure:
        """Once each to warm up, then in turns: a busy machine slows both. The ratio is the median of the turns'."""
        self.ours()
        self.peer()
        pairs = [(self.ours(), self.peer()) for _ in range(turns)]
        return Figure(
            name=self.name,
            value=statistics.median(own for own, _ in pairs),
            unit=self.unit,
            peer=self.peer_name,
            peer_value=statistics.median(other for _, other in pairs),
            ratio=statistics.median(own / other for own, other in pairs),
            goal=self.goal,
        )


def rate(amount: float, work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Amount per second of doing the work once; time.process_time counts the CPU's seconds instead."""
    begun = clock()
    work()
    return amount / (clock() - begun)
