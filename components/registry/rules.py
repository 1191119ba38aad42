"""What each rule of the gate says of a decision table: passed, failed or not decided, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from components.evaluation.decision_table import BESIDE, LEAST, Row, Table
from components.evaluation.endpoints import ANSWERS, IMAGE, MAJORITY
from components.evaluation.statistics import holm
from components.recipes.gate import Ask, GateSettings, Rule
from components.recipes.reading import read_dataclass
from components.recipes.recipe import MAX_BYTES
from components.storage.yaml_files import load_yaml

LEVEL = 0.05
"""Of a family of `better`, by Holm."""
FALSE_ALARMS = 0.10
"""Share of `no_harm` flags that may be false, by Benjamini and Hochberg."""
DECIBELS = 10.0
"""A row in dB has this times the gate's margin: .1 of a share, 1 dB of a drawing."""
DEARER = 2.0
"""From so many times the champion's time or memory on a person looks: it is measured once, on a machine that may have had
other things to do."""
MANY_ITEMS = 100
"""From so many on, a loss of twice the margin in a subgroup is a person's to accept, shown or not."""

Answer = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """What one rule says of one row."""

    ask: Ask
    row: str
    answer: Answer
    why: str
    margin: float | None = None
    """Of a row that must not be worse, in its unit."""
    change: str = ""
    """What would have to change for it to pass; empty where it does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One rule and the one row it is asked of; None where the table has no such row."""

    rule: Rule
    name: str
    row: Row | None
    margin: float = 0.0


def default_rules(settings: GateSettings, table: Table) -> tuple[Rule, ...]:
    """What kind, margin and safety ask for: floors and limits for any version; against a champion every capability, subgroup,
    safety and cost.

    A demonstrative recipe is not held up by a row that has too few images, and none by one that the champion's scores, of an
    earlier release, do not have.
    """
    large = [row for row in table.rows if row.is_enough or not table.demonstrative]
    floors = [Rule(floor=name) for name in (MAJORITY, IMAGE)]
    limits = {f"safety/{name}": least for name, least in settings.safety.items()}
    floors += [Rule(floor=row.name, at_least=limits[row.name]) for row in large if row.name in limits]
    compared = [
        Rule(not_worse=row.name)
        for row in large
        if row.kind == "capability" and row.capability not in BESIDE and row.difference is not None
    ]
    better = (Rule(better=ANSWERS),) if settings.kind == "improve" else ()
    unharmed = [Rule(no_harm=row.name) for row in table.rows if row.kind in ("subgroup", "safety", "cost")]
    return (*floors, *better, *compared, *unharmed)


def apply_rules(table: Table, settings: GateSettings) -> list[Ruled]:
    """Every rule's word on every row it names. Without a champion what compares is not asked."""
    asked = [one for one in _asked(table, settings) if table.has_champion or one.rule.ask == "floor"]
    better = [one for one in asked if one.rule.ask == "better" and _p(one) is not None]
    adjusted = dict(zip((one.name for one in better), holm([_p(one) or 0.0 for one in better]), strict=True))
    guarded = [
        one for one in asked if one.rule.ask == "no_harm" and one.row and one.row.is_enough and _p(one) is not None
    ]
    flags = dict(
        zip((one.name for one in guarded), _false_discoveries([_p(one) or 0.0 for one in guarded]), strict=True)
    )
    return [_ruled(one, adjusted, flags, table) for one in asked]


def _asked(table: Table, settings: GateSettings) -> Iterable[Asked]:
    for rule in settings.rules or default_rules(settings, table):
        named = [row for row in table.rows if fnmatchcase(row.name, rule.rows)]
        for row in named:
            scale = DECIBELS if row.unit == "dB" else 1.0
            yield Asked(rule=rule, name=row.name, row=row, margin=rule.margin or settings.margin * scale)
        if not named:
            yield Asked(rule=rule, name=rule.rows, row=None)


def _ruled(one: Asked, better: Mapping[str, float], flags: Mapping[str, float], table: Table) -> Ruled:
    row, ask = one.row, one.rule.ask
    if row is None:
        known = ", ".join(sorted({row.capability for row in table.rows})) or "none"
        return _said(one, "undecided", f"{one.name}: no such row in the table ({known})", "the exam has to ask it")
    if ask in ("not_worse", "no_harm") and table.challenger_weights == table.champion_weights:
        return _said(one, "pass", f"{row.name}: the same weights on both sides")
    if row.kind == "cost":
        return _cost(one, row)
    if not row.is_enough:
        few = f"{row.name}: {row.units} {_unit_name(table)}, fewer than {LEAST}, can neither pass nor fail"
        # What cannot be shown harmed does not stand in the way; all else has to be shown.
        return _said(one, "pass" if ask == "no_harm" else "undecided", few, f"{LEAST} {_unit_name(table)} or more")
    if ask == "floor":
        return _floor(one, row)
    if row.difference is None:
        alone = f"{row.name}: the champion's scores, of an earlier release, do not have it"
        return _said(one, "pass" if ask == "no_harm" else "undecided", alone, "a champion that was asked the same")
    if ask == "no_harm":
        return _no_harm(one, row, flags)
    return _better(one, row, better) if ask == "better" else _not_worse(one, row)


def _not_worse(one: Asked, row: Row) -> Ruled:
    assert row.difference is not None and row.low is not None and row.high is not None
    said = f"{_difference(row)}, margin {_number(one.margin, row)}"
    if row.low > -one.margin:
        return _said(one, "pass", said)
    lacking = -one.margin - row.low
    change = (
        f"{row.name} {_number(lacking, row)} higher, or an interval so much narrower, of more than {_patients(row)}"
    )
    if row.high < -one.margin:
        return _said(one, "fail", f"{said}: worse", change)
    return _said(one, "undecided", f"{said}: these items show {_number(row.detectable, row)} at best", change)


def _better(one: Asked, row: Row, adjusted: Mapping[str, float]) -> Ruled:
    assert row.difference is not None and row.low is not None and row.high is not None
    p_value = adjusted.get(one.name, 1.0)
    said = f"{_difference(row)}, p {p_value:.3f} by Holm"
    if row.difference > 0 and p_value < LEVEL:
        return _said(one, "pass", said)
    change = f"{row.name} {_number(max(-row.low, 0.0), row)} higher"
    if row.high < 0:
        return _said(one, "fail", f"{said}: worse", change)
    if row.low > -one.margin:
        return _said(one, "fail", f"{said}: not shown to be better", change)
    return _said(one, "undecided", f"{said}: these items show {_number(row.detectable, row)} at best", change)


def _no_harm(one: Asked, row: Row, flags: Mapping[str, float]) -> Ruled:
    assert row.difference is not None
    q = flags.get(one.name, 1.0)
    said = f"{_difference(row)}, q {q:.3f}"
    if row.difference < 0 and q <= FALSE_ALARMS:
        change = f"{row.name} no longer shown worse: {_number(-row.difference, row)} higher makes it equal"
        return _said(one, "fail", f"{said}: harmed", change)
    if row.difference < -2 * one.margin and row.items >= MANY_ITEMS:
        change = f"{row.name} {_number(-row.difference - 2 * one.margin, row)} higher, or a person's word"
        return _said(one, "undecided", f"{said}: more than twice the margin lost, though not shown", change)
    return _said(one, "pass", said)


def _floor(one: Asked, row: Row) -> Ruled:
    least = one.rule.at_least
    low, high = row.challenger_low, row.challenger_high
    assert low is not None and high is not None
    interval = f"95 % interval {_number(low, row)} to {_number(high, row)}"
    said = f"{row.name} {_number(row.challenger, row)} ({interval}), floor {_number(least, row)}"
    # A gain of just nothing is none; a share of all can be asked for.
    if low > least or (low == least and row.kind != "control"):
        return _said(one, "pass", said)
    change = f"{row.name} {_number(least - low, row)} higher"
    return _said(one, "fail" if high < least else "undecided", said, change)


def _cost(one: Asked, row: Row) -> Ruled:
    ask = one.rule.ask
    if row.difference is None or ask == "floor":
        alone = f"{row.name}: measured on one side alone, or on two machines"
        return _said(one, "pass" if ask == "no_harm" else "undecided", alone, "both sides measured on one machine")
    said = f"{row.name} {cost_text(row.challenger, row)} against {cost_text(row.champion or 0, row)}"
    if ask == "no_harm":
        dearer = row.difference < 1 - DEARER
        change = f"{row.name} at most {cost_text((row.champion or 0) * DEARER, row)}, or a person's word"
        much = f"{said}: more than {DEARER:g} times as much" if dearer else said
        return _said(one, "undecided" if dearer else "pass", much, change)
    least = -one.margin if ask == "not_worse" else 0.0
    if row.difference > least or (row.difference == least == 0):
        return _said(one, "pass", said)
    return _said(
        one, "fail", f"{said}: dearer", f"{row.name} at most {cost_text((row.champion or 0) * (1 - least), row)}"
    )


def cost_text(value: float, row: Row) -> str:
    """Seconds or bytes with their unit."""
    return f"{value / 2**30:.2f} GiB" if row.capability.endswith("_bytes") else f"{value:.3g} s"


def _said(one: Asked, answer: Answer, why: str, change: str = "") -> Ruled:
    margin = one.margin if one.rule.ask == "not_worse" and one.row else None
    given = "" if answer == "pass" else change
    return Ruled(ask=one.rule.ask, row=one.name, answer=answer, why=why, margin=margin, change=given)


def _false_discoveries(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p, in the order given."""
    from scipy.stats import false_discovery_control

    return [float(value) for value in false_discovery_control(p_values)] if p_values else []


def _p(one: Asked) -> float | None:
    return one.row.p_value if one.row else None


def _difference(row: Row) -> str:
    assert row.difference is not None and row.low is not None and row.high is not None
    interval = f"95 % interval {_signed(row.low, row)} to {_signed(row.high, row)}"
    return f"{row.name} {_signed(row.difference, row)} on {row.items} items of {_patients(row)} ({interval})"


def _patients(row: Row) -> str:
    return f"{row.patients} patient{'' if row.patients == 1 else 's'}"


def _number(value: float | None, row: Row) -> str:
    return "nothing" if value is None else f"{value:.3f}{' dB' if row.unit == 'dB' else ''}"


def _signed(value: float, row: Row) -> str:
    return f"{value:+.3f}{' dB' if row.unit == 'dB' else ''}"


def _unit_name(table: Table) -> str:
    return "images" if table.demonstrative and table.cluster == "image" else "patients"


def read_rules(path: Path, settings: GateSettings) -> GateSettings:
    """The settings with what the file says in place of theirs: keys of `gate`, or a list of rules alone.

    Raises one ValueError that lists everything wrong in it.
    """
    given = load_yaml(path, limit=MAX_BYTES)
    changed = {"rules": given} if isinstance(given, list) else given
    if not isinstance(changed, dict) or not all(isinstance(key, str) for key in changed):
        got = "keys that are no words" if isinstance(changed, dict) else type(given).__name__
        raise ValueError(f"{path.name}: wants keys of gate or a list of rules, got {got}")
    return read_dataclass(GateSettings, {**asdict(settings), **changed}, path.name)


def failed(ruled: Sequence[Ruled]) -> list[Ruled]:
    """Those that failed."""
    return [one for one in ruled if one.answer == "fail"]


def undecided(ruled: Sequence[Ruled]) -> list[Ruled]:
    """Those that could not be decided."""
    return [one for one in ruled if one.answer == "undecided"]
