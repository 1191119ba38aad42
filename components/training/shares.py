"""Whose turn it is: streams drawn by exact shares, after R. Tijdeman, "The chairman assignment problem", 1980.

Each stream's next draw may come from a first draw on and must have come by a last one; of those that may come, the one that
must come first is taken. After any number of draws every stream then has its share of them within less than one draw.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

from components.storage.keys import keyed_hash

UNITS = 2**48
"""Weights are taken as whole numbers that add up to about this: shares are then exact, on every machine."""


class Shares:
    """The endless order of draws, a pure function of weights and seed, which only says who of two equals goes first.

    Raises ValueError without a weight, or for one that is not above 0.
    """

    def __init__(self, weights: Mapping[str, float], seed: str) -> None:
        if not weights or not all(weight > 0 for weight in weights.values()):
            raise ValueError(f"shares need weights above 0, got {dict(weights)}")
        whole = sum(weights.values())
        self._units = {name: max(1, round(weight / whole * UNITS)) for name, weight in weights.items()}
        self._total = sum(self._units.values())
        # Of k streams none is more than 1 - 1 / (2 k - 2) ahead or behind.
        self._parts = max(2 * len(weights) - 2, 1)
        self._seed = seed
        self.restore(dict.fromkeys(weights, 0))

    def restore(self, counts: Mapping[str, int]) -> None:
        """Goes on where every stream has been drawn so often."""
        self.counts = dict(counts)
        self._draw = sum(counts.values())
        self._waiting: list[tuple[int, str]] = []
        """(first draw that may be its next, stream)."""
        self._ready: list[tuple[int, str, str]] = []
        """(draw by which it must come, who goes first of equals, stream)."""
        for name in sorted(counts):
            heappush(self._waiting, (self._first(name), name))

    def next(self) -> str:
        """Whose draw this is."""
        self._draw += 1
        while self._waiting and self._waiting[0][0] <= self._draw:
            _, name = heappop(self._waiting)
            tie = keyed_hash(self._seed, name, self.counts[name], digest_bytes=8)
            heappush(self._ready, (self._last(name), tie, name))
        *_, name = heappop(self._ready)
        self.counts[name] += 1
        heappush(self._waiting, (self._first(name), name))
        return name

    def _first(self, name: str) -> int:
        """The draw from which on the stream's next does not put it too far ahead."""
        return -(-self._total * (self._parts * self.counts[name] + 1) // (self._parts * self._units[name]))

    def _last(self, name: str) -> int:
        """The draw after which the stream would be too far behind."""
        return self._total * (self._parts * (self.counts[name] + 1) - 1) // (self._parts * self._units[name]) + 1
