"""`unimed registry …`: the decision log, and how many people a promotion needs."""

from typing import Annotated

import typer

from flows.cli.models import here, who
from flows.cli.output import AsJson, print_json, print_table, working

app = typer.Typer(help="The decision log, and how many people a promotion needs.", no_args_is_help=True)


def add_to(parent: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("log", epilog="Example: unimed registry log --json")(log)
    app.command("approvers", epilog='Example: unimed registry approvers 2 --why "release board"')(approvers)
    parent.add_typer(app, name="registry")


def log(as_json: AsJson = False) -> None:
    """Every decision about this registry, oldest first, its chain checked."""
    from components.registry.database import has_log
    from components.registry.decisions import read_log

    workspace = here()
    with working("reading the log"):
        entries = read_log(workspace) if has_log(workspace) else []
    if as_json:
        print_json([entry.to_json() for entry in entries])
        return
    if not entries:
        print("nothing was decided yet; `unimed retrain` makes a version and judges it")
        return
    rows = [
        (
            entry.sequence,
            entry.at[:19],
            entry.action,
            entry.version or "",
            entry.champion_after or "",
            entry.who,
            entry.why,
        )
        for entry in entries
    ]
    print_table("", ["#", "at (UTC)", "action", "#version", "#champion after", "who", "why"], rows)


def approvers(
    count: Annotated[int | None, typer.Argument(metavar="[N]", help="1 or 2; without it, what holds now.")] = None,
    why: Annotated[str, typer.Option("--why", help="The reason, for the decision log; needed with N.")] = "",
    as_json: AsJson = False,
) -> None:
    """How many people a promotion by a person's word needs; the change is itself an entry of the decision log."""
    from components.registry.database import has_log
    from components.registry.decisions import read_log
    from components.registry.people import approvers_of, set_approvers

    workspace = here()
    if count is None:
        needed = approvers_of(read_log(workspace)) if has_log(workspace) else 1
        print_json({"approvers": needed}) if as_json else print(f"a promotion needs {needed} approver(s)")
        return
    with working("writing the decision"):
        decision = set_approvers(workspace, count, who=who(), why=why)
    print_json(decision.to_json()) if as_json else print(f"a promotion needs {count} approver(s) from now on")
