"""One decision as one HTML page: the verdict, every row of the table, the worst items, openings and history."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.evaluation.decision_table import LEAST, Row, Table
from components.registry.decision_page import words
from components.registry.decisions import Decision
from components.registry.judgement import Judgement
from components.registry.rules import cost_text
from components.storage.atomic import write_text
from components.storage.workspace import Workspace

TEMPLATE = "decision.html"
SECTIONS = {
    "capability": "Capabilities",
    "control": "Beside controls",
    "safety": "Safety",
    "cost": "Costs",
    "subgroup": "Subgroups",
}
NEAREST = 3
CELLS = ("challenger", "champion", "difference", "items", "patients", "margin", "detectable", "rules")
OUTCOMES = {"promote": "Promote", "hold": "Hold", "refuse": "Refuse"}


def write_page(
    workspace: Workspace, judgement: Judgement, history: Sequence[Decision], openings: Sequence[Mapping[str, Any]] = ()
) -> Path:
    """Write .unimed/decisions/<version>.html and return its path."""
    path = page_path(workspace, judgement.version)
    write_text(path, render(judgement, history, openings))
    return path


def page_path(workspace: Workspace, version: int) -> Path:
    """Where a version's page lies."""
    return workspace.private / "decisions" / f"{version}.html"


def render(judgement: Judgement, history: Sequence[Decision], openings: Sequence[Mapping[str, Any]] = ()) -> str:
    """The page with everything inside it; nothing is loaded from elsewhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("components.registry.decision_page", "."), autoescape=True, undefined=StrictUndefined
    )
    table, verdict = judgement.table, judgement.verdict
    ruled: dict[str, list[Mapping[str, Any]]] = {}
    for one in verdict["ruled"]:
        ruled.setdefault(one["row"], []).append(one)
    sections = {
        name: [cells(row, ruled.get(row.name, ())) for row in table.rows if row.kind == kind]
        for kind, name in SECTIONS.items()
    }
    own = [entry for entry in history if judgement.version in (entry.version, entry.withdraws)]
    waiting = own[-1].evidence_sha256 if own and own[-1].action == "hold" else ""
    return environment.get_template(TEMPLATE).render(
        judgement=judgement,
        verdict=verdict,
        outcome=OUTCOMES[verdict["outcome"]],
        lead=words.lead(table, verdict),
        extent=words.extent(table),
        balance=words.balance(table.rows),
        step=words.next_step(judgement.version, verdict, waiting),
        notes=_notes(verdict),
        stands_in_the_way=_in_the_way(table, ruled),
        shown=_shown(table, ruled),
        table=table,
        least=LEAST,
        sections=sections,
        openings=openings,
        history=own,
    )


def _notes(verdict: Mapping[str, Any]) -> list[str]:
    """Reasons that no row's rule gave."""
    whys = {one["why"] for one in verdict["ruled"]}
    return [reason for reason in verdict["reasons"] if reason not in whys]


def _shown(table: Table, ruled: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, str]]:
    """What a promotion rests on: floors, what is better, and of the rest the rows that are nearest to their margin."""
    passed = [
        (row, one) for row in table.rows for one in ruled.get(row.name, ()) if one["answer"] == "pass" and row.is_enough
    ]
    first = [pair for pair in passed if pair[1]["ask"] in ("floor", "better")]
    near = [pair for pair in passed if pair[1]["ask"] == "not_worse" and pair[0].low is not None]
    near.sort(key=lambda pair: (pair[0].low or 0.0) / (pair[1]["margin"] or 1.0))
    return [cells(row, [one]) for row, one in [*first, *near[:NEAREST]]]


def _in_the_way(table: Table, ruled: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, str]]:
    """What failed, then what is not decided, each with what would have to change."""
    found = []
    for name, rules in ruled.items():
        row = table.row(name)
        for one in rules:
            if one["answer"] != "pass":
                known = cells(row, [one]) if row else dict.fromkeys(CELLS, "–") | {"name": name, "title": "no such row"}
                rule = f"{one['ask'].replace('_', ' ')}: {one['answer']}"
                found.append(
                    {**known, "rules": rule, "state": one["answer"], "why": one["why"], "change": one["change"]}
                )
    return sorted(found, key=lambda one: one["state"] != "fail")


def cells(row: Row, ruled: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What stands in a row's line, in words: figures with their unit, and what the rules say of it."""
    answers = [f"{one['ask'].replace('_', ' ')}: {one['answer']}" for one in ruled]
    margins = [one["margin"] for one in ruled if one["margin"] is not None]
    return {
        "name": row.name,
        "title": words.title(row),
        "challenger": _spanned(row.challenger, row.challenger_low, row.challenger_high, row),
        "champion": _figure(row.champion, row),
        "difference": _spanned(row.difference, row.low, row.high, row, signed=True),
        "items": str(row.items) if row.kind != "cost" else "–",
        "patients": str(row.patients) if row.kind != "cost" else "–",
        "margin": _figure(margins[0], row) if margins else "–",
        "detectable": _figure(row.detectable, row),
        "rules": "; ".join(answers) or "not gated",
        "state": _state([one["answer"] for one in ruled]),
        "why": "; ".join(one["why"] for one in ruled),
    }


def _state(answers: Sequence[str]) -> str:
    """The worst that a rule says of the row."""
    return next((state for state in ("fail", "undecided", "pass") if state in answers), "free")


def _figure(value: float | None, row: Row, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    if row.kind == "cost":
        return words.saved(value) if signed else cost_text(value, row)
    unit = " dB" if row.unit == "dB" else ""
    return f"{value:+.3f}{unit}" if signed else f"{value:.3f}{unit}"


def _spanned(value: float | None, low: float | None, high: float | None, row: Row, *, signed: bool = False) -> str:
    if value is None or low is None or high is None:
        return _figure(value, row, signed=signed)
    between = f"{_figure(low, row, signed=signed)} to {_figure(high, row, signed=signed)}"
    return f"{_figure(value, row, signed=signed)} ({between})"
