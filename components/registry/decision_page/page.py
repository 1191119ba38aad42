"""One decision as one HTML page: the verdict, every row of the table, the worst items, openings and history."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.evaluation.decision_table import LEAST, Row
from components.registry.decisions import Decision
from components.registry.judgement import Judgement
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
    ruled: dict[str, list[Mapping[str, Any]]] = {}
    for one in judgement.verdict["ruled"]:
        ruled.setdefault(one["row"], []).append(one)
    sections = {
        title: [cells(row, ruled.get(row.name, ())) for row in judgement.table.rows if row.kind == kind]
        for kind, title in SECTIONS.items()
    }
    return environment.get_template(TEMPLATE).render(
        judgement=judgement,
        verdict=judgement.verdict,
        outcome=OUTCOMES[judgement.verdict["outcome"]],
        table=judgement.table,
        least=LEAST,
        sections=sections,
        openings=openings,
        history=[entry for entry in history if judgement.version in (entry.version, entry.withdraws)],
    )


def cells(row: Row, ruled: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What stands in a row's line, in words: figures with their unit, and what the rules say of it."""
    answers = [f"{one['ask'].replace('_', ' ')}: {one['answer']}" for one in ruled]
    margins = [one["margin"] for one in ruled if one["margin"] is not None]
    return {
        "name": row.name,
        "challenger": _spanned(row.challenger, row.challenger_low, row.challenger_high, row),
        "champion": _figure(row.champion, row),
        "difference": _spanned(row.difference, row.low, row.high, row, signed=True),
        "items": str(row.items),
        "patients": str(row.patients) if row.kind != "cost" else "–",
        "margin": _figure(margins[0], row) if margins else "–",
        "detectable": _figure(row.detectable, row),
        "rules": "; ".join(answers) or "not gated",
        "state": _state([one["answer"] for one in ruled]),
    }


def _state(answers: Sequence[str]) -> str:
    """The worst that a rule says of the row."""
    return next((state for state in ("fail", "undecided", "pass") if state in answers), "free")


def _figure(value: float | None, row: Row, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    if row.kind == "cost" and not signed:
        return f"{value:,.6g}"
    unit = " dB" if row.unit == "dB" else ""
    return f"{value:+.3f}{unit}" if signed else f"{value:.3f}{unit}"


def _spanned(value: float | None, low: float | None, high: float | None, row: Row, *, signed: bool = False) -> str:
    if value is None or low is None or high is None:
        return _figure(value, row, signed=signed)
    between = f"{_figure(low, row, signed=signed)} to {_figure(high, row, signed=signed)}"
    return f"{_figure(value, row, signed=signed)} ({between})"
