"""`unimed gate | compare | evaluate`: what other rules would have said, which of two versions is better, and one alone."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.models import here
from flows.cli.output import AsJson, print_entry, print_json, print_table, working

Rules = Annotated[
    Path,
    typer.Option(
        "--dry-run", metavar="RULES.yaml", exists=True, dir_okay=False, help="Keys of `gate`, or a list of its rules."
    ),
]
Of = Annotated[str, typer.Option("--version", metavar="V", help="Of this version alone.")]
One = Annotated[str, typer.Argument(metavar="A", help="A version's number, or champion or challenger.")]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A version's number, or champion or challenger.")]
Other = Annotated[str, typer.Argument(metavar="B", help="The other one.")]


def add_to(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("gate", epilog="Example: unimed gate --dry-run stricter.yaml")(gate)
    app.command("compare", epilog="Example: unimed compare champion challenger")(compare)
    app.command("evaluate", epilog="Example: unimed evaluate champion")(evaluate)


def gate(rules: Rules, version: Of = "", as_json: AsJson = False) -> None:
    """What other rules would have said of the tables that are kept. Nothing is predicted, decided or written."""
    from components.recipes.recipe import read_recipe
    from components.registry.catalogue import resolve
    from components.registry.judgement import kept_judgements, read_judgement
    from components.registry.rules import read_rules
    from components.registry.verdict import verdict

    workspace = here()
    settings = read_rules(rules, read_recipe(workspace.params).gate)
    chosen = [resolve(workspace, version).number] if version else kept_judgements(workspace)
    found = []
    for number in chosen:
        kept = read_judgement(workspace, number)
        said = verdict(kept.table, settings, kept.facts)
        found.append({"version": number, "was": _short(kept.verdict), "now": said.to_json()})
    if as_json:
        print_json(found)
        return
    if not found:
        print("no judgement is kept yet; `unimed retrain` makes one")
        return
    for row in found:
        head = f"version {row['version']}: was {row['was']}, would be {_short(row['now'])}"
        print_entry(head, [f"• {reason}" for reason in row["now"]["reasons"]])


def compare(a: One, b: Other, as_json: AsJson = False) -> None:
    """Which of two versions is better: B less A, paired item by item on the validation items, with 95 % intervals.

    Predicts with both where that is not cached. The exam stays closed: this is for choosing, the gate decides.
    """
    from components.evaluation.decision_table import decision_table
    from components.recipes.recipe import read_recipe
    from components.registry.catalogue import resolve
    from components.registry.exam import validation_scores
    from components.registry.tracking import connect

    workspace = here()
    recipe = read_recipe(workspace.params)
    with working(f"predicting with {a} and {b}"):
        tracking = connect(workspace)
        versions = [resolve(workspace, name, tracking) for name in (a, b)]
        first, second = (validation_scores(workspace, recipe, tracking, version) for version in versions)
        table = decision_table(second, first, cluster=recipe.gate.cluster, demonstrative=recipe.gate.demonstrative)
    if as_json:
        print_json({"a": versions[0].number, "b": versions[1].number, **table.to_json()})
        return
    columns = ["row", f"#{a}", f"#{b}", "#difference", "#95 % interval", "#items", "#patients", "#detectable"]
    rows = [_line(row) for row in table.rows if row.kind != "subgroup"]
    print_table("", columns, rows, spare=("#items", "#detectable"))


def evaluate(model: Model, as_json: AsJson = False) -> None:
    """A version's metrics on the validation items of today's data set, as the stage `evaluate` computes them.

    Predicts with it where that is not cached. The exam stays closed.
    """
    from components.evaluation.checkpoint import EVALUATION
    from components.recipes.recipe import read_recipe
    from components.registry.catalogue import resolve
    from components.registry.exam import validation_scores
    from components.registry.tracking import connect
    from components.storage.atomic import read_object
    from flows.cli.last_screen import METRIC_COLUMNS, metric_rows

    workspace = here()
    with working(f"predicting with {model}"):
        tracking = connect(workspace)
        version = resolve(workspace, model, tracking)
        folder = validation_scores(workspace, read_recipe(workspace.params), tracking, version)
    found = read_object(folder / EVALUATION)
    if as_json:
        print_json({"version": version.number, **found})
        return
    print_table(f"Version {version.number} on val", METRIC_COLUMNS, metric_rows(found["metrics"]))


def _line(row: Any) -> tuple[object, ...]:
    def figure(value: float | None, form: str = ".3f") -> str:
        return "" if value is None else f"{value:{form}}{' dB' if row.unit == 'dB' else ''}"

    interval = "" if row.low is None else f"{figure(row.low, '+.3f')} to {figure(row.high, '+.3f')}"
    difference = figure(row.difference, "+.3f")
    return (
        *(row.name, figure(row.champion), figure(row.challenger), difference),
        *(interval, row.items, row.patients, figure(row.detectable)),
    )


def _short(verdict: Any) -> str:
    return f"{verdict['outcome']} ({verdict['code']})" if verdict["code"] else verdict["outcome"]
