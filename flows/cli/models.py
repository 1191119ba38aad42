"""`unimed models | promote | approve | rollback | withdraw | verify | lineage`: registered versions and what happens to them."""

import os
from dataclasses import asdict
from typing import Annotated, Any

import typer

from components.storage.user import user_name
from flows.cli.errors import Failed
from flows.cli.output import AsJson, DryRun, print_json, print_table, when_text, working

Version = Annotated[str, typer.Argument(metavar="V", help="A version's number, or champion or challenger.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the decision log. There is no default.")]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", help="A loss that the gate found and you accept, such as lost:ultrasound. Several times."),
]
Evidence = Annotated[
    str,
    typer.Option(
        "--evidence", help="Beginning of the hash of the evidence you looked at; refused if it is another now."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("models", epilog="Example: unimed models --json")(models)
    app.command("promote", epilog='Example: unimed promote 7 --why "reads new scanner better"')(promote)
    app.command("approve", epilog='Example: unimed approve challenger --why "looked at the report"')(approve)
    app.command("withdraw", epilog='Example: unimed withdraw 7 --why "trained on a wrong delivery"')(withdraw)
    app.command("rollback", epilog='Example: unimed rollback --why "complaints from ward 3"')(rollback)
    app.command("verify", epilog="Example: unimed verify champion")(verify)
    app.command("lineage", epilog="Example: unimed lineage champion")(lineage)


def models(as_json: AsJson = False) -> None:
    """Every registered version, newest first, with its metrics and the decision about it."""
    from components.registry.catalogue import none_registered
    from components.registry.versions import models as list_models

    workspace = here()
    with working("asking MLflow"):
        rows = list_models(workspace)
    if as_json:
        print_json(rows)
        return
    if not rows:
        print(none_registered(workspace))
        return
    columns = ["#version", "alias", "state", "recipe", "#pool accuracy", "decision", "weights", "data set", "made"]
    print_table("", columns, [_model_row(row) for row in rows], spare=("recipe", "decision", "weights", "data set"))


def _model_row(row: dict[str, Any]) -> tuple[object, ...]:
    accuracy = row["metrics"].get("vqa/pool/accuracy")
    decision = row["decision"]
    return (
        row["version"],
        ", ".join(row["aliases"]),
        f"{row['state']}: {row['state_code']}" if row["state_code"] else row["state"],
        row["recipe"],
        "" if accuracy is None else f"{accuracy:.3f}",
        f"{decision['action']}: {decision['why']}"[:60] if decision else "",
        row["weights_sha256"][:12],
        row["dataset_id"][:12],
        when_text(row["created_at_ms"] / 1000) if row.get("created_at_ms") else "",
    )


def promote(version: Version, why: Why, as_json: AsJson = False, dry_run: DryRun = False) -> None:
    """Make a version champion in your name, whatever the gate said; the decision is written to the log first."""
    from components.registry.catalogue import resolve
    from components.registry.people import promote as promote_version

    workspace = here()
    if dry_run:
        print(f"would make version {resolve(workspace, version).number} champion")
        return
    with working(f"promoting {version}"):
        decision = promote_version(workspace, version, who=who(), why=why)
    _show_decision(decision, as_json=as_json)


def approve(
    version: Version,
    why: Why,
    accept: Accept = None,
    evidence: Evidence = "",
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Make a version champion that the gate left waiting for a person.

    Where two people are needed (`unimed registry approvers 2`), the second one's word promotes; both are void when the
    version is judged again or another becomes champion.
    """
    from components.registry.catalogue import resolve
    from components.registry.people import approve as approve_version

    workspace = here()
    if dry_run:
        print(f"would make version {resolve(workspace, version).number} champion, if it waits for approval")
        return
    with working(f"approving {version}"):
        decision = approve_version(workspace, version, who=who(), why=why, accepts=accept or (), evidence=evidence)
    _show_decision(decision, as_json=as_json)


def rollback(why: Why, as_json: AsJson = False, dry_run: DryRun = False) -> None:
    """Make the champion before this one champion again; what is left is withdrawn, and no rule brings it back."""
    from components.registry.people import rollback as roll_back

    workspace = here()
    if dry_run:
        from components.registry.summary import champion_summary

        champion = champion_summary(workspace)["champion"]
        print(
            f"would go back from version {champion['version']}" if champion else "there is no champion to go back from"
        )
        return
    with working("going back to the champion before"):
        decision = roll_back(workspace, who=who(), why=why)
    _show_decision(decision, as_json=as_json)


def withdraw(version: Version, why: Why, as_json: AsJson = False, dry_run: DryRun = False) -> None:
    """Take a version back that is not champion: no rule promotes its weights any more, under whatever number."""
    from components.registry.catalogue import resolve
    from components.registry.people import withdraw as withdraw_version

    workspace = here()
    if dry_run:
        print(f"would withdraw version {resolve(workspace, version).number}, unless it is champion")
        return
    with working(f"withdrawing {version}"):
        decision = withdraw_version(workspace, version, who=who(), why=why)
    _show_decision(decision, as_json=as_json)


def _show_decision(decision: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(decision.to_json())
        return
    said = f"({decision.action} by {decision.who}, as claimed: {decision.why})"
    if decision.action == "approve":
        print(f"version {decision.version} has one of two words {said}; somebody else's makes it champion")
        return
    before = f", before it version {decision.champion_before}" if decision.champion_before else ""
    print(f"champion is version {decision.champion_after or 'none'}{before} {said}")
    if decision.withdraws is not None:
        print(f"version {decision.withdraws} is withdrawn; only `unimed promote {decision.withdraws}` brings it back")


def verify(version: Version, as_json: AsJson = False) -> None:
    """Check a version byte by byte: decision log, record and weights against what the version says they are."""
    from components.registry.verification import verify as verify_version

    workspace = here()
    with working(f"checking {version}"):
        checks = verify_version(workspace, version)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(
            "", ["", "what", "found"], [("✓" if check.ok else "✗", check.what, check.detail) for check in checks]
        )
    if not all(check.ok for check in checks):
        raise Failed(f"version {version} is not what it was when it was registered")


def lineage(version: Version, as_json: AsJson = False) -> None:
    """Where a version comes from: raw deliveries, every stage with its hashes, the evaluation, the decision."""
    from components.registry.lineage import lineage as read_lineage
    from components.registry.lineage import render_lineage

    workspace = here()
    with working("reading the record"):
        tree = read_lineage(workspace, version)
    if as_json:
        print_json(tree)
    else:
        from flows.cli.output import console

        console().print(render_lineage(tree))


def here() -> Any:
    """The workspace around the current folder, entered."""
    from components.storage.workspace import find_workspace
    from flows.environment import enter

    workspace = find_workspace()
    enter(workspace)
    return workspace


def who() -> str:
    """Who asks, for the decision log."""
    return os.environ.get("UNIMED_USER") or user_name()
