"""The verdict on a challenger: a pure function of the decision table, the gate's settings and what is no statistic."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from components.evaluation.decision_table import Table
from components.recipes.gate import GateSettings
from components.registry.rules import Ruled, apply_rules, failed, undecided
from components.registry.trained import IMPORTED

Outcome = Literal["promote", "hold", "refuse"]
Code = Literal["", "inconclusive", "incomparable", "lost"]
"""Why a verdict holds; empty for the other two outcomes."""

DEMONSTRATIVE = "demonstrative: too few subjects for a claim"
WHAT = {"sources": "source", "modalities": "modality", "classes": "class"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a verdict reads beside the table."""

    challenger_taught: Mapping[str, frozenset[str]] | None = None
    """sources, modalities, classes -> what training showed; None where it is not known."""
    champion_taught: Mapping[str, frozenset[str]] | None = None
    accepted: frozenset[str] = frozenset()
    """Losses that a person accepted: `lost:NAME`."""
    unknown_patients: Mapping[str, str] = field(default_factory=dict)
    """Side (challenger, champion) whose training patients nobody knows -> why."""

    def to_json(self) -> dict[str, Any]:
        """For the stored judgement."""
        return {
            "challenger_taught": _listed(self.challenger_taught),
            "champion_taught": _listed(self.champion_taught),
            "accepted": sorted(self.accepted),
            "unknown_patients": dict(self.unknown_patients),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Facts":
        """The facts that `to_json` gave; of an older release, which knew one reason, too."""
        unknown = value["unknown_patients"]
        return cls(
            challenger_taught=_sets(value["challenger_taught"]),
            champion_taught=_sets(value["champion_taught"]),
            accepted=frozenset(value["accepted"]),
            unknown_patients=unknown if isinstance(unknown, Mapping) else dict.fromkeys(unknown, IMPORTED),
        )

    def lost(self) -> dict[str, str]:
        """Name -> kind of what the champion was taught and the challenger was not."""
        if self.challenger_taught is None or self.champion_taught is None:
            return {}
        return {
            name: WHAT.get(kind, kind)
            for kind, known in sorted(self.champion_taught.items())
            for name in sorted(known - self.challenger_taught.get(kind, frozenset()))
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What follows from the rules, why, and what would have to change."""

    outcome: Outcome
    code: Code = ""
    reasons: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """What would have to change for what was not promoted."""
    lost: tuple[str, ...] = ()
    """Names that `approve --accept lost:NAME` or `gate.retired` would let pass."""
    ruled: tuple[Ruled, ...] = ()
    """Each rule's word on each row."""
    table_sha256: str = ""
    """Of the table's canonical JSON."""
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For the decision log: the rules that passed are in the table."""
        kept = [asdict(one) for one in self.ruled if one.answer != "pass"]
        return {**asdict(self), "reasons": list(self.reasons), "changes": list(self.changes)} | {
            "lost": list(self.lost),
            "ruled": kept,
        }


def _listed(taught: Mapping[str, frozenset[str]] | None) -> dict[str, list[str]] | None:
    return None if taught is None else {kind: sorted(names) for kind, names in sorted(taught.items())}


def _sets(taught: Mapping[str, list[str]] | None) -> dict[str, frozenset[str]] | None:
    return None if taught is None else {kind: frozenset(names) for kind, names in taught.items()}


def verdict(table: Table, settings: GateSettings, facts: Facts) -> Verdict:
    """Refused where a rule failed; held where something was lost or is not decided; else promoted."""
    ruled = apply_rules(table, settings)
    lost = {
        name: kind
        for name, kind in facts.lost().items()
        if name not in settings.retired and f"lost:{name}" not in facts.accepted
    }
    worse, open_ = failed(ruled), undecided(ruled)
    shown = any(one.answer == "pass" and one.ask != "no_harm" for one in ruled)
    missing = [f"lost: {name} ({kind} that the champion was taught)" for name, kind in lost.items()]
    outcome: Outcome = "promote"
    code: Code = ""
    if worse:
        outcome = "refuse"
    elif lost:
        outcome, code = "hold", "lost"
    elif open_ or not shown:
        outcome, code = "hold", "inconclusive"
    said = [one.why for one in (*worse, *open_)]
    if not worse and not open_:
        said = _passed(ruled) if shown else ["no rule could be shown to hold: nothing in the exam was asked"]
    return Verdict(
        outcome=outcome,
        code=code,
        reasons=(*_first_words(settings, facts, table), *missing, *said),
        changes=tuple(one.change for one in (*worse, *open_) if one.change),
        lost=tuple(lost),
        ruled=tuple(ruled),
        table_sha256=table.sha256,
        numbers={"exam": table.exam, "left_out": dict(table.left_out), "rows": _read(table, ruled)},
    )


def incomparable(settings: GateSettings, reason: str) -> Verdict:
    """Held, because the two sides cannot be laid beside each other."""
    first = (DEMONSTRATIVE,) if settings.demonstrative else ()
    return Verdict(
        outcome="hold",
        code="incomparable",
        reasons=(*first, reason),
        changes=("a champion that today's code can load and predict with",),
    )


def _first_words(settings: GateSettings, facts: Facts, table: Table) -> list[str]:
    """What a reader must know before any number."""
    words = [f"the {side}'s training patients are unknown: {why}" for side, why in facts.unknown_patients.items()]
    if settings.demonstrative:
        words.append(DEMONSTRATIVE)
    if table.has_champion and (facts.challenger_taught is None or facts.champion_taught is None):
        words.append("what one side was taught is not on record: nothing can be said of what was lost")
    return words


def _passed(ruled: list[Ruled]) -> list[str]:
    """The floors, and the nearest of the rest to its margin."""
    floors = [one.why for one in ruled if one.ask in ("floor", "better")]
    others = [one for one in ruled if one.ask == "not_worse"]
    counted = f"{len(others)} rows not worse by their margin" if others else ""
    return [text for text in (*floors, counted) if text]


def _read(table: Table, ruled: list[Ruled]) -> dict[str, Any]:
    """The numbers of the rows that a rule read, subgroups left to the stored table."""
    names = {one.row for one in ruled}
    return {
        row.name: {
            "challenger": row.challenger,
            "champion": row.champion,
            "difference": row.difference,
            "low": row.low,
            "high": row.high,
            "items": row.items,
            "patients": row.patients,
        }
        for row in table.rows
        if row.name in names and row.kind != "subgroup"
    }
