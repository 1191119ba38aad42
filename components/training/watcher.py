"""Which rank holds the others up: none of them gets on while one hangs, and all are as slow as the slowest."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from components.training.heartbeat import Beat

SILENT_SECONDS = 30.0
"""A rank that lives says something every two seconds."""
LOOKS = 100
"""Of each rank, before one is called slow."""
OFTEN, SELDOM = 0.5, 0.1
"""Shares of the looks in which the others wait for a slow rank, and it for them."""


@dataclass(slots=True)
class _Seen:
    beat: Beat
    heard_at: float
    changed_at: float
    looks: int = 0
    waited: int = 0
    places: Counter[str] = field(default_factory=Counter)


class Watcher:
    """Judges the beats of all ranks, by this process's clock alone."""

    def __init__(self, hang_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._hang_seconds, self._clock = hang_seconds, clock
        self._ranks: dict[int, _Seen] = {}
        self._named_slow = False

    def begin(self) -> None:
        """Other workers began: what was heard of the former ones no longer counts."""
        self._ranks, self._named_slow = {}, False

    def hear(self, beat: Beat) -> None:
        """A rank says where it stands."""
        now, before = self._clock(), self._ranks.get(beat.rank)
        if before is None or before.beat.life != beat.life:
            before = self._ranks[beat.rank] = _Seen(beat, now, now)
        if beat.step != before.beat.step or beat.stores:
            before.changed_at = now
        before.beat, before.heard_at = beat, now
        before.looks += 1
        before.waited += beat.waits
        before.places[beat.place] += not beat.waits

    @property
    def lives(self) -> frozenset[str]:
        """Of the processes that were heard."""
        return frozenset(seen.beat.life for seen in self._ranks.values())

    def hanging(self) -> str:
        """A sentence that names the ranks for which all others have waited too long; empty while all get on. What comes before
        the first step (fetching, reading) and after the last (writing, sending) is not looked at, and a rank
        that waits for its store does not hang."""
        now = self._clock()
        stuck = [
            seen
            for seen in self._ranks.values()
            if 0 < seen.beat.step < seen.beat.last and now - seen.changed_at > self._hang_seconds
        ]
        if not stuck or any(seen.beat.stores and now - seen.heard_at < SILENT_SECONDS for seen in self._ranks.values()):
            return ""
        guilty = [seen for seen in stuck if now - seen.heard_at > SILENT_SECONDS or not seen.beat.waits] or stuck
        told = "; ".join(_hangs(seen, silent=now - seen.heard_at > SILENT_SECONDS) for seen in guilty)
        return f"{told}: no step for {self._hang_seconds:.0f} s (compute.hang_seconds)"

    def slow(self) -> str:
        """A sentence that names a rank for which the others wait most of the time, once; empty where there is none."""
        ranks = list(self._ranks.values())
        if self._named_slow or len(ranks) < 2 or any(seen.looks < LOOKS for seen in ranks):
            return ""
        last = min(ranks, key=lambda seen: seen.waited / seen.looks)
        others = [seen.waited / seen.looks for seen in ranks if seen is not last]
        if last.waited / last.looks > SELDOM or min(others) < OFTEN:
            return ""
        self._named_slow = True
        place = last.places.most_common(1)[0][0]
        return (
            f"rank {last.beat.rank} on {last.beat.node} holds the others up, which wait in {min(others):.0%} of all looks: it is "
            f"most often at {place}"
        )


def _hangs(seen: _Seen, *, silent: bool) -> str:
    beat = seen.beat
    where = "says nothing any more, last seen" if silent else "stands"
    return f"rank {beat.rank} on {beat.node} {where} at {beat.place} after step {beat.step}"
