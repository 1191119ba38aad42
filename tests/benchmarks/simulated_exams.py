"""Pairs of models on exams that were never held: who is right where is drawn, so what is truly worse is known."""
# Letters: R pairs, k clusters.

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from components.evaluation.decision_table import Cluster, Row, Sums, Table, make_row, with_detectable
from components.evaluation.endpoints import ANSWERS, Unit

Numbers = NDArray[np.float64]

RIGHT = 0.8
"""What the champion has right."""
DECIBELS = 20.0
SPREAD = 1.5
"""Standard deviation of one drawing's difference, in dB."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One capability: how many items each cluster is asked."""

    name: str
    sizes: NDArray[np.int64]
    unit: Unit = "share"


@dataclass(frozen=True, kw_only=True)
class World:
    """An exam of known size, and how much two equal models differ on it."""

    name: str
    parts: tuple[Part, ...]
    margin: float
    groups: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Subgroup of the answers -> which clusters it holds. All parts of the answers have the same clusters."""
    cluster: Cluster = "patient"
    demonstrative: bool = False
    disagreement: float = 0.25
    """Share of items where just one of two equal models is right."""
    together: float = 0.1
    """How much of that goes together within a cluster (0: nothing, 1: all of it)."""

    @property
    def gated(self) -> tuple[str, ...]:
        """Rows that must be shown not worse."""
        return tuple(part.name for part in self.parts)

    def margin_of(self, name: str) -> float:
        """In the row's unit, as the rules have it."""
        part = next(part for part in self.parts if part.name == name)
        return self.margin * (10.0 if part.unit == "dB" else 1.0)


def tables(world: World, losses: Mapping[str, float], pairs: int, generator: np.random.Generator) -> Iterator[Table]:
    """The decision tables of so many pairs; `losses` are what the challenger truly lost, by row or subgroup."""
    drawn = {part.name: _draw(world, part, losses, pairs, generator) for part in world.parts}
    floors = [replace(_floor(name)) for name in ("control/majority", "control/image")]
    answers = [part for part in world.parts if part.name.startswith(f"{ANSWERS}/")]
    pooled = Part(name=ANSWERS, sizes=np.sum([part.sizes for part in answers], axis=0))
    both = tuple(np.sum([drawn[part.name][side] for part in answers], axis=0) for side in (0, 1))
    for at in range(pairs):
        rows = [_row(part, drawn[part.name][0][at], drawn[part.name][1][at]) for part in world.parts]
        rows.append(_row(pooled, both[0][at], both[1][at]))
        rows += [_row(pooled, both[0][at], both[1][at], name, mask) for name, mask in world.groups.items()]
        yield Table(
            challenger_weights="challenger",
            champion_weights="champion",
            exam=world.name,
            cluster=world.cluster,
            demonstrative=world.demonstrative,
            left_out={},
            rows=tuple(with_detectable([*floors, *rows])),
        )


def paired_sums(
    sizes: NDArray[np.int64],
    *,
    loss: Numbers,
    disagreement: float,
    together: float,
    pairs: int,
    generator: np.random.Generator,
) -> tuple[Numbers, Numbers]:
    """What challenger and champion have right in each cluster. Shapes: (k,), loss (k,) -> (R, k), (R, k).

    How often both, one, the other or neither is right is drawn for each cluster anew, around what holds for all.
    """
    theirs = np.maximum((disagreement + loss) / 2, np.maximum(loss, 0))
    ours = np.maximum((disagreement - loss) / 2, np.maximum(-loss, 0))
    both = np.clip(RIGHT - theirs, 0, 1)
    shares = np.stack([both, ours, theirs, np.clip(1 - both - ours - theirs, 0, 1)], axis=-1)
    if together:
        weights = generator.gamma(shares * (1 - together) / together, size=(pairs, *shares.shape))
        shares = weights / np.maximum(weights.sum(-1, keepdims=True), 1e-300)
        # All four weights may underflow where things go together strongly: then neither is right.
        shares[..., 3] = 1 - shares[..., :3].sum(-1)
    counts = generator.multinomial(sizes, np.clip(shares, 0, 1), size=(pairs, len(sizes)))
    return (counts[..., 0] + counts[..., 1]).astype(float), (counts[..., 0] + counts[..., 2]).astype(float)


def _draw(
    world: World, part: Part, losses: Mapping[str, float], pairs: int, generator: np.random.Generator
) -> tuple[Numbers, Numbers]:
    loss = np.full(len(part.sizes), losses.get(part.name, 0.0))
    for name, mask in world.groups.items():
        if name in losses and part.name.startswith(f"{ANSWERS}/"):
            loss = np.where(mask, losses[name], loss)
    if part.unit == "share":
        return paired_sums(
            part.sizes,
            loss=loss,
            disagreement=world.disagreement,
            together=world.together,
            pairs=pairs,
            generator=generator,
        )
    shape = (pairs, len(part.sizes))
    of_cluster = generator.normal(0, SPREAD * world.together**0.5, shape)
    of_item = generator.normal(0, SPREAD * (1 - world.together) ** 0.5, shape) / np.sqrt(part.sizes)
    theirs = np.broadcast_to(part.sizes * DECIBELS, shape)
    return theirs + part.sizes * (of_cluster + of_item - loss), theirs


def _row(part: Part, ours: Numbers, theirs: Numbers, group: str = "", mask: NDArray[np.bool_] | None = None) -> Row:
    kept = part.sizes > 0 if mask is None else mask & (part.sizes > 0)
    sizes = part.sizes[kept].astype(float)
    return make_row(
        Sums(ours[kept], theirs[kept], sizes),
        capability=part.name,
        subgroup=group,
        kind="subgroup" if group else "capability",
        unit=part.unit,
        items=int(sizes.sum()),
        patients=len(sizes),
        units=len(sizes),
    )


def _floor(name: str) -> Row:
    """A control that every model here passes: what is asked is what becomes of the comparison."""
    sums = Sums(np.full(50, 0.5), np.full(50, 0.5), np.ones(50))
    return make_row(sums, capability=name, kind="control", unit="share", items=50, patients=50, units=50)
