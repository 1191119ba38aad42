"""What the gate lets through and what it stops, on pairs of models whose true difference is known.

python -m tests.benchmarks.gates [--pairs 2000] [--only tiny] [--details]
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from scipy.stats import binomtest

from components.evaluation.clustered import clustered_mean
from components.evaluation.decision_table import LEAST, Table
from components.recipes.gate import GateSettings
from components.registry.verdict import Facts, verdict
from tests.benchmarks.figures import Figure, plain, report, within
from tests.benchmarks.simulated_exams import RIGHT, Part, World, paired_sums, tables

ALPHA, HIGHEST = 0.05, 0.065
"""Promotions of what is truly worse: the level, and what the upper 97.5 % limit of the share may reach."""
COVERED = 0.93
PILOT = 100
"""Pairs of equal models that tell how small a difference an exam shows."""
POWER_PAIRS = 300

TINY = (93, 76, 75, 44, 36, 35, 18, 10, 10, 5)
"""Answers of each of tiny's ten test patients."""


def worlds() -> list[World]:
    """tiny by patient and, as its recipe has it, by image; a public set of 96 images; one of 400 patients."""
    draw = np.random.default_rng(20)
    tiny = np.array(TINY)
    images = draw.integers(1, 6, 280)
    pictures = np.full(96, 5)
    patients, sites = np.full(400, 3), np.arange(400) % 5
    few = np.arange(400) < LEAST - 1
    return [
        World(name="tiny", parts=_parts(tiny // 2 + 1, tiny // 4 + 1, tiny // 8 + 1), margin=0.1),
        World(
            name="tiny by image",
            parts=_parts(images, np.minimum(images, 2), np.minimum(images, 1)[:90]),
            margin=0.1,
            groups={f"modality={n}": np.arange(280) % 4 == n for n in range(4)},
            cluster="image",
            demonstrative=True,
        ),
        World(
            name="96 images",
            parts=_parts(pictures, pictures + 2, np.ones(96, int)),
            margin=0.1,
            groups={f"modality={n}": np.arange(96) % 3 == n for n in range(3)},
        ),
        World(
            name="400 patients",
            parts=_parts(patients, patients, np.full(400, 2)),
            margin=0.02,
            groups={**{f"source=site-{n}": sites == n for n in range(5)}, "modality=rare": few},
        ),
    ]


def _parts(closed: np.ndarray, opened: np.ndarray, drawn: np.ndarray) -> tuple[Part, ...]:
    return (
        Part(name="answers/closed", sizes=closed),
        Part(name="answers/open", sizes=opened),
        Part(name="captions", sizes=drawn),
        Part(name="drawing", sizes=drawn),
        Part(name="edit/sr", sizes=drawn, unit="dB"),
    )


def settings(world: World, kind: str = "refresh") -> GateSettings:
    assert kind in ("refresh", "improve")
    return GateSettings(kind=kind, margin=world.margin, cluster=world.cluster, demonstrative=world.demonstrative)


def outcomes(world: World, losses: Mapping[str, float], pairs: int, draw: np.random.Generator, kind: str = "refresh"):
    """Outcome -> how many of the pairs."""
    gate = settings(world, kind)
    return Counter(verdict(table, gate, Facts()).outcome for table in tables(world, losses, pairs, draw))


def false_promotion(world: World, pairs: int, draw: np.random.Generator) -> Iterator[Figure]:
    """One gated row truly worse by just its margin, each in turn, all others equal or better; for improve, no gain."""
    rare = replace(world, name=f"{world.name}, few disagree", disagreement=0.02, together=0.2)
    loose = replace(world, name=f"{world.name}, nothing goes together", together=0.0)
    for one in (world, rare, loose):
        each = -(-pairs // len(one.gated))
        found = {
            name: outcomes(one, {**dict.fromkeys(one.gated, -0.05), name: one.margin_of(name)}, each, draw)["promote"]
            for name in one.gated
        }
        yield _limit(f"gates.false_promotion_{plain(one.name)}", found, each)
    promoted = outcomes(world, {}, pairs, draw, "improve")["promote"]
    yield _limit(f"gates.false_promotion_improve_{plain(world.name)}", {"answers": promoted}, pairs)


def _limit(name: str, promoted: Mapping[str, int], each: int) -> Figure:
    total = each * len(promoted)
    upper = binomtest(sum(promoted.values()), total).proportion_ci(0.95).high
    rows = tuple(f"{row}: {count} of {each}" for row, count in promoted.items())
    note = f"{sum(promoted.values())} of {total} pairs at alpha {ALPHA}; {', '.join(rows)}"
    return within(name, float(upper), "share, upper 97.5 % limit", HIGHEST, note=note)


def collapse(world: World, pairs: int, draw: np.random.Generator) -> Iterator[Figure]:
    """A row that lost twice what the exam can show: stopped, and refused. The worst row counts.

    Where twice that lies within the margin, or near it, no rule forbids the loss: then margin and what shows are lost.
    """
    stopped, refused = dict[str, float](), dict[str, float]()
    for name, (detectable, unit) in shown(world, draw).items():
        most = RIGHT if unit == "share" else np.inf
        row = name.removeprefix("answers ")
        allowed = world.margin_of(name) if name in world.gated else 0.0
        found = outcomes(world, {row: min(max(2 * detectable, allowed + detectable), most)}, pairs, draw)
        stopped[name], refused[name] = 1 - found["promote"] / pairs, found["refuse"] / pairs
    yield _least(f"gates.collapse_stopped_{plain(world.name)}", stopped, 0.95, pairs)
    yield _least(f"gates.collapse_refused_{plain(world.name)}", refused, 0.90, pairs)


def shown(world: World, draw: np.random.Generator) -> dict[str, tuple[float, str]]:
    """Row of ten patients or more -> (smallest loss it shows, on average, its unit), of capabilities and subgroups."""
    found: dict[str, list[float]] = {}
    units = {}
    for table in tables(world, {}, PILOT, draw):
        for row in table.rows:
            if row.kind in ("capability", "subgroup") and row.name != "answers" and row.detectable is not None:
                found.setdefault(row.name, []).append(row.detectable)
                units[row.name] = row.unit
    return {name: (float(np.mean(values)), units[name]) for name, values in found.items()}


def _least(name: str, found: Mapping[str, float], goal: float, pairs: int) -> Figure:
    worst = min(found, key=lambda row: found[row])
    note = f"{pairs} pairs a row, the worst of {len(found)} rows is {worst}"
    details = tuple(f"{row}: {share:.3f}" for row, share in found.items())
    return Figure(
        name=name,
        value=found[worst],
        unit="share",
        peer="the least allowed",
        peer_value=goal,
        ratio=found[worst] / goal,
        goal=1.0,
        note=note,
        details=details,
    )


def equal(world: World, pairs: int, draw: np.random.Generator) -> Iterator[Figure]:
    """An equal challenger on an exam that shows every loss of the margin, only just: the margin is what half can show."""
    pilot = [_widest(table) for table in tables(world, {}, PILOT, draw)]
    fitting = replace(world, margin=float(np.median(pilot)))
    gate, kept = settings(fitting), Counter[str]()
    for table in tables(fitting, {}, pairs, draw):
        if _widest(table) <= fitting.margin:
            kept[verdict(table, gate, Facts()).outcome] += 1
    note = f"margin {fitting.margin:.3f}, which {kept.total()} of {pairs} pairs can show in every row"
    yield Figure(
        name=f"gates.equal_promoted_{plain(world.name)}",
        value=kept["promote"] / max(kept.total(), 1),
        unit="share",
        peer="the least allowed",
        peer_value=0.8,
        ratio=kept["promote"] / max(kept.total(), 1) / 0.8,
        goal=1.0,
        note=note,
    )


def _widest(table: Table) -> float:
    """The largest of the smallest losses that the gated rows show, dB as a tenth."""
    return max(
        (row.detectable or np.inf) / (10 if row.unit == "dB" else 1)
        for row in table.rows
        if row.kind == "capability" and row.name != "answers"
    )


def under_ten(pairs: int, draw: np.random.Generator) -> Iterator[Figure]:
    """Nothing is promoted over a capability that nine patients were asked, whether it is equal or gone."""
    world = next(one for one in worlds() if one.name == "400 patients")
    nine = replace(
        world, margin=0.5, groups={}, parts=(*world.parts[:-1], replace(world.parts[-1], sizes=np.full(9, 40)))
    )
    found = Counter[str]()
    for losses in ({}, {"edit/sr": 15.0}):
        found += outcomes(nine, losses, pairs // 2, draw)
    note = f"{dict(found)} of {found.total()} pairs"
    yield Figure(
        name="gates.promoted_under_ten",
        value=found["promote"],
        unit="pairs",
        peer="none",
        peer_value=0,
        ratio=1.0 if not found["promote"] else 0.0,
        goal=1.0,
        is_right=not found["refuse"],
        note=note,
    )


def power(draw: np.random.Generator) -> Iterator[Figure]:
    """What becomes of a challenger whose closed answers lost none, half, all and twice the margin."""
    for patients in (20, 50, 100, 200, 400, 800):
        sizes = np.full(patients, 3)
        world = World(name=f"{patients} patients", parts=(Part(name="answers/closed", sizes=sizes),), margin=0.1)
        said, promoted = [], 0.0
        for times in (0.0, 0.5, 1.0, 2.0):
            found = outcomes(world, {"answers/closed": times * world.margin}, POWER_PAIRS, draw)
            promoted = promoted or found["promote"] / POWER_PAIRS
            said.append(
                f"{times:g} x margin: promoted {found['promote'] / POWER_PAIRS:.2f}, held "
                f"{found['hold'] / POWER_PAIRS:.2f}, refused {found['refuse'] / POWER_PAIRS:.2f}"
            )
        yield Figure(
            name=f"gates.power_{patients}_patients",
            value=promoted,
            unit="share of equal challengers promoted",
            peer="all",
            peer_value=1.0,
            ratio=promoted,
            goal=None,
            note="; ".join(said),
        )


def coverage(pairs: int, draw: np.random.Generator) -> Iterator[Figure]:
    """How often the interval holds the truth, by number of patients: the worst of several kinds of exam."""
    for patients in (10, 12, 15, 20, 30, 50, 100, 400):
        found = {}
        for shape, sizes in _sizes(patients).items():
            for disagreement, loss, together in (
                (0.25, 0.0, 0.1),
                (0.25, 0.1, 0.1),
                (0.1, 0.1, 0.3),
                (0.05, 0.02, 0.2),
            ):
                sums = paired_sums(
                    sizes,
                    loss=np.full(patients, loss),
                    disagreement=disagreement,
                    together=together,
                    pairs=pairs,
                    generator=draw,
                )
                counts = sizes.astype(float)
                intervals = (clustered_mean(a - b, counts, bounded=1.0) for a, b in zip(*sums, strict=True))
                kind = f"{shape}, {disagreement:g} disagree, {loss:g} lost, {together:g} together"
                found[kind] = float(np.mean([one.low <= -loss <= one.high for one in intervals]))
        yield _least(f"gates.coverage_{patients}_patients", found, COVERED, pairs)


def _sizes(patients: int) -> dict[str, np.ndarray]:
    """One item a patient, five, and as unequal as tiny's."""
    return {
        "one item each": np.ones(patients, int),
        "five items each": np.full(patients, 5),
        "unequal": np.maximum(1, np.resize(TINY, patients) // 3),
    }


def figures(pairs: int, only: str) -> Iterator[Figure]:
    chosen = [world for world in worlds() if only in world.name]
    for world in chosen:
        draw = np.random.default_rng([1, len(world.name)])
        yield from false_promotion(world, pairs, draw)
        yield from collapse(world, max(pairs // 5, 20), draw)
        yield from equal(world, pairs, draw)
    if not only:
        draw = np.random.default_rng(2)
        yield from under_ten(pairs, draw)
        yield from power(draw)
        yield from coverage(pairs, draw)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--only", default="", help="a part of an exam's name: tiny, 96, 400")
    parser.add_argument("--details", action="store_true", help="each row's figure beside the worst one's")
    options = parser.parse_args(arguments)
    return report("gates", figures(options.pairs, options.only), details=20 if options.details else 0)


if __name__ == "__main__":
    sys.exit(main())
