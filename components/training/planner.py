"""Which samples make up each step: an endless draw, packed by best fit, a pure function of records, mixture and seed.

The planner knows no rank and no world size. It sees lengths only, drops nothing, and can be stopped at any step: its
state is a few kilobytes of JSON.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate

from components.storage.keys import keyed_hash, unit_interval
from components.training.layout import Visit

OPEN_BINS = 8
"""Sequences filled side by side. More fill better and delay a sample longer."""

SequencePlan = tuple[Visit, ...]
"""The samples of one packed sequence, in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """How often each group, and each source inside it, is drawn."""

    groups: Mapping[str, float]
    source_power: Mapping[str, float]
    """Group -> power of a source's number of samples that weighs it inside the group; 1 draws all samples alike."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample as the planner sees it."""

    sample_id: str
    group: str
    source: str


@dataclass(slots=True)
class _Stream:
    """One source of one group: a pass visits every sample once, in the order of a keyed hash."""

    seed: str
    ids: Sequence[str]
    weight: float
    pass_number: int = 0
    position: int = 0
    _order: list[str] = field(default_factory=list)

    def next(self) -> Visit:
        if self.position == len(self.ids):
            self.pass_number, self.position, self._order = self.pass_number + 1, 0, []
        if not self._order:
            self._order = sorted(self.ids, key=lambda name: keyed_hash(self.seed, self.pass_number, name))
        visit = Visit(self._order[self.position], self.pass_number)
        self.position += 1
        return visit


class Planner:
    """Draws samples and fills sequences of `room` tokens; `take` hands them out in order, for ever."""

    def __init__(
        self, entries: Sequence[Entry], mixture: Mixture, *, seed: str, room: int, length_of: Callable[[Visit], int]
    ) -> None:
        self._seed = seed
        self._room = room
        self._length_of = length_of
        self._streams = _streams(entries, mixture, seed)
        self._names = sorted(self._streams)
        self._limits = list(accumulate(self._streams[name].weight for name in self._names))
        self._draws = 0
        self._open: list[tuple[list[Visit], int]] = []
        self._closed: list[SequencePlan] = []

    def take(self, count: int) -> list[SequencePlan]:
        """The next `count` packed sequences."""
        while len(self._closed) < count:
            self._place(self._draw())
        taken, self._closed = self._closed[:count], self._closed[count:]
        return taken

    def state(self) -> dict[str, object]:
        """All that a later planner over the same samples needs to go on from here; JSON values only."""
        return {
            "draws": self._draws,
            "streams": {name: [s.pass_number, s.position] for name, s in sorted(self._streams.items())},
            "open": [{"visits": [asdict(v) for v in visits], "length": length} for visits, length in self._open],
            "closed": [[asdict(visit) for visit in bin_] for bin_ in self._closed],
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Goes on where `state` was taken; raises ValueError when it is of other sources."""
        streams: Mapping[str, Sequence[int]] = state["streams"]  # type: ignore[assignment]
        if set(streams) != set(self._streams):
            raise ValueError(
                f"the planner's state is of the streams {sorted(streams)}, the data have {self._names}; "
                "remove .unimed/training and train the stage again"
            )
        for name, (pass_number, position) in streams.items():
            stream = self._streams[name]
            stream.pass_number, stream.position, stream._order = pass_number, position, []
        self._draws = int(state["draws"])  # type: ignore[call-overload]
        self._open = [([Visit(**v) for v in b["visits"]], b["length"]) for b in state["open"]]  # type: ignore[attr-defined]
        self._closed = [tuple(Visit(**v) for v in b) for b in state["closed"]]  # type: ignore[attr-defined]

    def _draw(self) -> Visit:
        at = unit_interval(self._seed, "draw", self._draws) * self._limits[-1]
        self._draws += 1
        for name, limit in zip(self._names, self._limits, strict=True):
            if at < limit:
                return self._streams[name].next()
        return self._streams[self._names[-1]].next()

    def _place(self, visit: Visit) -> None:
        """Into the fullest open sequence that still has room, else into a new one; the oldest closes when all are full."""
        length = self._length_of(visit)
        if length > self._room:
            raise ValueError(
                f"sample {visit.sample_id} is {length} tokens, over the room of {self._room} of a packed sequence; "
                "raise training.tokens_per_sequence"
            )
        fitting = [i for i, (_, filled) in enumerate(self._open) if filled + length <= self._room]
        if fitting:
            best = max(fitting, key=lambda i: (self._open[i][1], -i))
            visits, filled = self._open[best]
            visits.append(visit)
            self._open[best] = (visits, filled + length)
            return
        if len(self._open) == OPEN_BINS:
            visits, _ = self._open.pop(0)
            self._closed.append(tuple(visits))
        self._open.append(([visit], length))


def rank_share(
    bins: Sequence[SequencePlan], *, rank: int, world_size: int, per_forward: int
) -> list[list[SequencePlan]]:
    """The sequences of a step that this rank trains on, every world_size-th, as groups that go through the network together.

    Every rank has the same number of groups, for all take part in each other's forwards: some may be smaller, or empty.
    """
    own, largest = bins[rank::world_size], -(-len(bins) // world_size)
    return [list(own[start : start + per_forward]) for start in range(0, largest, per_forward)]


def check_world_size(sequences_per_step: int, world_size: int) -> None:
    """Raises ValueError when some rank would never have a sequence."""
    if world_size > sequences_per_step:
        raise ValueError(
            f"training.sequences_per_step is {sequences_per_step}, too few for {world_size} workers to have one each; "
            f"set compute.workers to {sequences_per_step} or less"
        )


def _streams(entries: Sequence[Entry], mixture: Mixture, seed: str) -> dict[str, _Stream]:
    ids: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        if mixture.groups.get(entry.group, 0) > 0:
            ids.setdefault((entry.group, entry.source), []).append(entry.sample_id)
    missing = sorted(g for g, weight in mixture.groups.items() if weight > 0 and g not in {group for group, _ in ids})
    if missing:
        raise ValueError(
            f"the mixture asks for {', '.join(missing)}, but the training data have no such sample; set the weight to 0"
        )
    streams = {}
    for group, weight in mixture.groups.items():
        sizes = {
            source: len(names) ** mixture.source_power.get(group, 0.5)
            for (g, source), names in ids.items()
            if g == group
        }
        for source, size in sizes.items():
            name = f"{group}/{source}"
            share = weight * size / sum(sizes.values())
            streams[name] = _Stream(keyed_hash(seed, name), ids[group, source], share)
    return streams
