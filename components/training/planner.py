"""Which samples make up each step: an endless draw, packed full, a pure function of samples, mixture and seed.

The planner knows no rank and no world size. It sees columns of numbers only, drops nothing, and can be stopped at any step:
its state is a few kilobytes of JSON.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.recipes.nearest import nearest
from components.recipes.training import CurriculumStage, TrainingSettings
from components.storage.keys import seed_of
from components.training.layout import Visit
from components.training.lengths import Lengths
from components.training.packer import Packer
from components.training.shares import Shares

FORM = 2
"""Of a planner's state."""

SequencePlan = tuple[Visit, ...]
"""The samples of one packed sequence, in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """How often each group, and each source inside it, is drawn."""

    groups: Mapping[str, float]
    source_power: Mapping[str, float]
    """Group -> power of a source's number of samples that weighs it inside the group; 1 draws all samples alike."""
    source_weight: Mapping[str, float] = field(default_factory=dict)
    """Source -> what its weight inside a group is multiplied by; 1 where it has none."""

    def lifted(self, group: str, source: str, count: int) -> float:
        """The weight inside the group of a source with so many samples."""
        return count ** self.source_power.get(group, 0.5) * self.source_weight.get(source, 1.0)


def mixture_of(training: TrainingSettings, stage: CurriculumStage) -> Mixture:
    """The mixture of a stage of the recipe."""
    return Mixture(
        groups={**stage.mixture}, source_power={**training.source_power}, source_weight={**training.source_weight}
    )


class Planner:
    """Draws samples and fills sequences of `room` tokens; `take` hands them out in order, for ever."""

    def __init__(
        self, samples: Lengths, mixture: Mixture, *, seed: str, room: int, length_of: Callable[[Visit], int]
    ) -> None:
        rows = _rows(samples, mixture)
        self._keys, self._length_of, self.room = samples.key, length_of, room
        self._passes = {name: _Passes(found, samples.key, f"{seed}:{name}") for name, found in rows.items()}
        self._shares = Shares(_weights(samples, rows, mixture), seed)
        self._packer = Packer[Visit](room)

    def take(self, count: int) -> list[SequencePlan]:
        """The next `count` packed sequences."""
        return [self._sequence() for _ in range(count)]

    @property
    def epochs(self) -> dict[str, float]:
        """Passes through each stream that are drawn, as `group/source`."""
        return {name: self._shares.counts[name] / len(passes.rows) for name, passes in self._passes.items()}

    def state(self) -> dict[str, object]:
        """All that a later planner over the same samples needs to go on from here; JSON values only."""
        waiting = [[visit.number, visit.pass_number, length] for visit, length in self._packer.waiting]
        return {"form": FORM, "draws": dict(self._shares.counts), "waiting": waiting}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was taken; raises ValueError when it is of other streams, or of another form."""
        remedy = "remove .unimed/training and train the stage again"
        if state.get("form") != FORM:
            raise ValueError(f"the planner's state is of form {state.get('form', 1)}, this code reads {FORM}; {remedy}")
        draws = state["draws"]
        if set(draws) != set(self._passes):
            raise ValueError(
                f"the planner's state is of the streams {sorted(draws)}, the data have {sorted(self._passes)}; {remedy}"
            )
        self._shares.restore(draws)
        self._packer = Packer[Visit](self.room)
        for number, pass_number, length in state["waiting"]:
            self._packer.add(Visit(number, int(self._keys[number]), pass_number), length)

    def _sequence(self) -> SequencePlan:
        while self._packer.wants_more:
            name = self._shares.next()
            visit = self._passes[name].visit(self._shares.counts[name] - 1)
            self._packer.add(visit, self._length_of(visit))
        return self._packer.take()


class _Passes:
    """The samples of one stream: a pass visits each once, in an order that follows from its key alone."""

    def __init__(self, rows: NDArray[np.int64], keys: NDArray[np.uint64], seed: str) -> None:
        self.rows = rows
        self._keys, self._seed = keys, seed
        self._pass_number = -1
        self._order = rows[:0]

    def visit(self, draw: int) -> Visit:
        """The stream's draw of this number, 0 for the first."""
        pass_number, position = divmod(draw, len(self.rows))
        if pass_number != self._pass_number:
            salt = np.uint64(seed_of(self._seed, pass_number))
            order = np.argsort(_scattered(self._keys[self.rows] ^ salt), kind="stable")
            self._pass_number, self._order = pass_number, self.rows[order]
        number = int(self._order[position])
        return Visit(number, int(self._keys[number]), pass_number)


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


def _rows(samples: Lengths, mixture: Mixture) -> dict[str, NDArray[np.int64]]:
    """Stream by name -> the numbers of its samples, of the streams whose group has a weight."""
    weighted = {group for group, weight in mixture.groups.items() if weight > 0}
    missing = sorted(weighted - {stream.group for stream in samples.streams})
    if missing:
        raise ValueError(
            f"the mixture asks for {', '.join(missing)}, but the training data have no such sample; set the weight to 0"
        )
    return {
        stream.name: np.flatnonzero(samples.stream == number)
        for number, stream in sorted(enumerate(samples.streams), key=itemgetter(1))
        if stream.group in weighted
    }


def _weights(samples: Lengths, rows: Mapping[str, NDArray[np.int64]], mixture: Mixture) -> dict[str, float]:
    """Stream by name -> its weight: the group's, shared among its sources by powers of their numbers of samples and by the
    weights that the recipe gives them."""
    sources = sorted({stream.source for stream in samples.streams})
    if unknown := sorted(set(mixture.source_weight) - set(sources)):
        raise ValueError(
            f"training.source_weight names {unknown[0]!r}, of which the training data have no sample"
            f"{nearest(unknown[0], sources)}"
        )
    streams = {stream.name: stream for stream in samples.streams}
    group = {name: stream.group for name, stream in streams.items()}
    sizes = {name: mixture.lifted(group[name], streams[name].source, len(found)) for name, found in rows.items()}
    whole: dict[str, float] = defaultdict(float)
    for name, size in sizes.items():
        whole[group[name]] += size
    return {name: mixture.groups[group[name]] * size / whole[group[name]] for name, size in sizes.items()}


def _scattered(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finalizer: different keys stay different, and their order says nothing of the keys'."""
    mixed = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
