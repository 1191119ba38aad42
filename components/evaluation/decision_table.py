"""The table a decision is made from: a row per capability and subgroup, challenger beside champion, paired item by item.

Every number is the higher the better. `recompute` in the tests makes the same figures from predictions by other code.
"""
# Letters: k clusters.

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.evaluation.clustered import Estimate, clustered_mean, clustered_share, student
from components.evaluation.endpoints import (
    ANSWERS,
    LIKELIHOOD,
    UNCONTAMINATED,
    Endpoint,
    Kind,
    Observation,
    Unit,
    endpoints,
    uncontaminated,
)
from components.evaluation.metrics import DIGITS
from components.evaluation.scores import Score, is_decoded_alike, read_scores
from components.evaluation.statistics import CONFIDENCE
from components.records.vocabulary import WITHIN
from components.storage.atomic import read_object
from components.storage.keys import digest

SCHEMA = 1
COSTS = "costs.json"
"""Beside predictions and scores: seconds and bytes of an answer and a drawing. Never a DVC output."""
LEAST = 10
"""A row of fewer patients can neither pass nor fail."""
POWER = 0.85
"""That no row of an equal challenger stands in the way, as far as `detectable` goes; the rest of a decision has .05."""
TOLD = "a training image or text is found by now to give it away"
MACHINE = "machine"
"""In costs.json beside the numbers: where they were measured."""
BESIDE = frozenset({ANSWERS, LIKELIHOOD})
"""Capabilities that are another reading of items which count already."""

Cluster = Literal["patient", "image"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table. Without a champion what compares is None."""

    capability: str
    subgroup: str
    """Empty, or `modality=CT`, `source=fundus`, `site=centre A`."""
    kind: Kind
    unit: Unit
    challenger: float
    challenger_low: float | None
    challenger_high: float | None
    """95 % interval; None for a cost, and for what fewer than two clusters say."""
    champion: float | None
    difference: float | None
    """Challenger less champion on the same items; of a cost, the part of the champion's that is saved."""
    low: float | None
    high: float | None
    p_value: float | None
    items: int
    patients: int
    units: int
    """What is counted against the least number: patients; in a demonstrative recipe what is resampled."""
    detectable: float | None
    """Smallest loss that could be told from none, with all rows of the table at once."""

    @property
    def name(self) -> str:
        """How a rule names it: `answers/closed`, `answers modality=CT`."""
        return f"{self.capability} {self.subgroup}" if self.subgroup else self.capability

    @property
    def is_enough(self) -> bool:
        """Whether it has patients enough to pass or fail."""
        return self.units >= LEAST


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """All rows, and what they were made of."""

    challenger_weights: str
    champion_weights: str
    """Empty without a champion."""
    exam: str
    """Id of the items."""
    cluster: Cluster
    demonstrative: bool
    left_out: Mapping[str, int]
    """Reason -> items that were taken out for both sides."""
    rows: tuple[Row, ...]

    @property
    def has_champion(self) -> bool:
        return bool(self.champion_weights)

    @property
    def sha256(self) -> str:
        """Of the canonical JSON."""
        return digest(self.to_json())

    def row(self, name: str) -> Row | None:
        """The row that a rule names."""
        return next((row for row in self.rows if row.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Plain values; reading them back gives an equal table."""
        rows = [asdict(row) for row in self.rows]
        return {"schema": SCHEMA, **asdict(self), "left_out": dict(sorted(self.left_out.items())), "rows": rows}

    @classmethod
    def from_json(cls, value: str | Mapping[str, Any]) -> "Table":
        """The table that `to_json` gave; raises ValueError for one of another schema."""
        known = dict(json.loads(value) if isinstance(value, str) else value)
        if known.pop("schema", None) != SCHEMA:
            raise ValueError(f"no decision table of schema {SCHEMA}; `unimed retrain` makes one")
        return cls(**{**known, "rows": tuple(Row(**row) for row in known["rows"])})


@dataclass(frozen=True, slots=True)
class Sums:
    """Both sides' sums over the same clusters. Shapes: (k,) each."""

    challenger: NDArray[np.float64]
    champion: NDArray[np.float64] | None
    counts: NDArray[np.float64]


def decision_table(
    challenger: Path,
    champion: Path | None,
    *,
    cluster: Cluster,
    demonstrative: bool,
    left_out: Mapping[str, str] | None = None,
    told: tuple[Collection[str], Collection[str]] = ((), ()),
) -> Table:
    """The table of two folders of scores; `left_out` names items, with the reason, that neither side is judged on, `told`
    those that the challenger's and the champion's training gave away: a row counts them, and no other one has them.

    Items within a subject count in demonstrative recipes alone. Raises ValueError when the folders are of other items
    or decodings: such numbers are not comparable.
    """
    reasons = {name: TOLD for side in told for name in side} | dict(left_out or {})
    protocol, scores = read_scores(challenger)
    ours = _side(scores, reasons, told[0], demonstrative)
    theirs, other, costs = None, {}, {}
    if champion is not None:
        other, scores = read_scores(champion)
        theirs = _side(scores, reasons, told[1], demonstrative)
        costs = _costs(champion)
        alike = {
            "benchmark_id": protocol.get("benchmark_id") == other.get("benchmark_id"),
            "decoding": is_decoded_alike(protocol.get("decoding"), other.get("decoding")),
        }
        for part, is_same in alike.items():
            if not is_same:
                raise ValueError(
                    f"{challenger} and {champion} are not comparable: their {part} differ ({protocol.get(part)!r} and "
                    f"{other.get(part)!r}); predict both on one exam"
                )
    rows = [*_rows(ours, theirs, cluster, demonstrative), *cost_rows(_costs(challenger), costs)]
    return Table(
        challenger_weights=str(protocol.get("weights_sha256", "")),
        champion_weights=str(other.get("weights_sha256", "")),
        exam=str(protocol.get("benchmark_id", "")),
        cluster=cluster,
        demonstrative=demonstrative,
        left_out=Counter(reasons.values()),
        rows=tuple(with_detectable(rows)),
    )


def make_row(
    sums: Sums, *, capability: str, kind: Kind, unit: Unit, items: int, patients: int, units: int, subgroup: str = ""
) -> Row:
    """The row of these sums, without what is detectable."""
    bounded = None if unit == "dB" else 1.0
    own = _own(sums.challenger, sums.counts, kind, unit)
    champion, apart = None, None
    if sums.champion is not None:
        champion = float(sums.champion.sum() / sums.counts.sum())
        apart = clustered_mean(sums.challenger - sums.champion, sums.counts, bounded=bounded)
    return Row(
        capability=capability,
        subgroup=subgroup,
        kind=kind,
        unit=unit,
        challenger=round(own.value, DIGITS),
        challenger_low=_finite(own.low),
        challenger_high=_finite(own.high),
        champion=_finite(champion),
        difference=_finite(apart and apart.value),
        low=_finite(apart and _within(apart.low, unit)),
        high=_finite(apart and _within(apart.high, unit)),
        p_value=_finite(apart and apart.p_value),
        items=items,
        patients=patients,
        units=units,
        detectable=None,
    )


def with_detectable(rows: Sequence[Row]) -> list[Row]:
    """The rows, each with the smallest loss that is told from none while no other row stands in an equal's way.

    The interval's half width and, beside it, the quantile that so many rows together exceed with the power wanted.
    """
    family = sum(row.kind == "capability" and row.capability not in BESIDE and row.is_enough for row in rows)
    level = 1 - 2 * (1 - POWER) / max(family, 1)
    done = []
    for row in rows:
        if row.difference is None or row.low is None or row.high is None or not row.is_enough:
            done.append(row)
            continue
        half = max(row.high - row.difference, row.difference - row.low)  # the other end may stand at the limit
        spread = 1 + student(level, row.units - 1) / student(CONFIDENCE, row.units - 1)
        done.append(replace(row, detectable=round(half * spread, DIGITS)))
    return done


def cost_rows(challenger: Mapping[str, Any], champion: Mapping[str, Any]) -> list[Row]:
    """A row for each thing that costs: seconds, bytes. Measured once, so without an interval; what two machines took is
    not compared."""
    rows, is_one_machine = [], challenger.get(MACHINE) == champion.get(MACHINE)
    for name, value in sorted(challenger.items()):
        if name == MACHINE:
            continue
        before = champion.get(name)
        rows.append(
            Row(
                capability=f"cost/{name}",
                subgroup="",
                kind="cost",
                unit="saved",
                challenger=round(value, DIGITS),
                challenger_low=None,
                challenger_high=None,
                champion=_finite(before),
                difference=round(1 - value / before, DIGITS) if before and is_one_machine else None,
                low=None,
                high=None,
                p_value=None,
                items=1,
                patients=0,
                units=0,
                detectable=None,
            )
        )
    return rows


def _rows(
    ours: Mapping[str, Endpoint], theirs: Mapping[str, Endpoint] | None, cluster: Cluster, demonstrative: bool
) -> list[Row]:
    """Each endpoint's row, and under a capability one for each modality, source and site where it has several."""
    rows = []
    for name, endpoint in ours.items():
        # What the other side's release did not score yet, as a start's of earlier, stands without it.
        before = _paired(endpoint, theirs) if theirs is not None and name in theirs else None
        groups = {"": list(range(len(endpoint.observations)))}
        if endpoint.kind == "capability" and (name == ANSWERS or not name.startswith(ANSWERS)):
            for part in ("modality", "source", "site"):
                values = {getattr(one, part) for one in endpoint.observations}
                for value in sorted(values - {""}) if len(values) > 1 else ():
                    groups[f"{part}={value}"] = [
                        at for at, one in enumerate(endpoint.observations) if getattr(one, part) == value
                    ]
        for subgroup, places in groups.items():
            chosen = [endpoint.observations[at] for at in places]
            old = None if before is None else [before[at] for at in places]
            sums = _sums(chosen, old, cluster)
            patients = len({one.patient for one in chosen})
            rows.append(
                make_row(
                    sums,
                    capability=name,
                    subgroup=subgroup,
                    kind="subgroup" if subgroup else endpoint.kind,
                    unit=endpoint.unit,
                    items=len(chosen),
                    patients=patients,
                    units=len(sums.counts) if demonstrative else patients,
                )
            )
    return rows


def _paired(endpoint: Endpoint, theirs: Mapping[str, Endpoint]) -> list[float]:
    """The champion's numbers of the endpoint's items, in their order. Raises ValueError for an item of one side only."""
    other = theirs.get(endpoint.name)
    values = {one.item_id: one.value for one in (other.observations if other else ())}
    apart = sorted(values.keys() ^ {one.item_id for one in endpoint.observations})
    if apart:
        raise ValueError(
            f"{endpoint.name}: {len(apart)} items are on one side only, the first is {apart[0]}; predict both on one exam"
        )
    return [values[one.item_id] for one in endpoint.observations]


def _sums(chosen: Sequence[Observation], old: Sequence[float] | None, cluster: Cluster) -> Sums:
    """Within a subject the image is resampled, else the patient, or the image where the recipe says so."""
    names = [one.image if cluster == "image" or one.split in WITHIN else one.patient for one in chosen]
    kinds, index = np.unique(names, return_inverse=True)

    def total(values: Iterable[float]) -> NDArray[np.float64]:
        weights = np.fromiter(values, np.float64, len(chosen))
        return np.bincount(index, weights=weights, minlength=len(kinds)).astype(np.float64)

    counts = np.bincount(index, minlength=len(kinds)).astype(np.float64)
    return Sums(total(one.value for one in chosen), None if old is None else total(old), counts)


def _own(sums: NDArray[np.float64], counts: NDArray[np.float64], kind: Kind, unit: Unit) -> Estimate:
    if unit == "share" and kind != "control":
        return clustered_share(sums, counts)
    return clustered_mean(sums, counts, bounded=None if unit == "dB" else 1.0)


def _side(
    scores: Sequence[Score], reasons: Mapping[str, str], told: Collection[str], demonstrative: bool
) -> dict[str, Endpoint]:
    found = endpoints(scores)
    asked = {UNCONTAMINATED: uncontaminated(found, told)}
    return {**_kept(found, reasons, demonstrative), **_kept(asked, {}, demonstrative)}


def _kept(found: Mapping[str, Endpoint], left_out: Mapping[str, str], demonstrative: bool) -> dict[str, Endpoint]:
    kept = {}
    for name, endpoint in found.items():
        ours = tuple(
            one
            for one in endpoint.observations
            if one.item_id not in left_out and (demonstrative or one.split not in WITHIN)
        )
        if ours:
            kept[name] = Endpoint(name, endpoint.kind, endpoint.unit, ours)
    return kept


def _costs(folder: Path) -> dict[str, Any]:
    path = folder / COSTS
    return read_object(path) if path.is_file() else {}


def _within(value: float, unit: Unit) -> float:
    """Two shares differ by 1 at most."""
    return value if unit == "dB" else min(1.0, max(-1.0, value))


def _finite(value: float | None) -> float | None:
    return round(value, DIGITS) if value is not None and np.isfinite(value) else None
