"""`unimed registry …`: the decision log, how many people a promotion needs, backup, restore, and where the log stands."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from flows.cli.models import here, who
from flows.cli.output import AsJson, print_entry, print_json, working

app = typer.Typer(help="The decision log, how many people a promotion needs, backup and restore.", no_args_is_help=True)


def add_to(parent: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("log", epilog="Example: unimed registry log --json")(log)
    app.command("approvers", epilog='Example: unimed registry approvers 2 --why "release board"')(approvers)
    app.command("backup", epilog="Example: unimed registry backup /backups/monday")(backup)
    app.command("restore", epilog="Example: unimed registry restore /backups/monday")(restore)
    app.command("settle", epilog='Example: unimed registry settle moved --why "restored on the new server"')(settle)
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
    for entry in entries:
        about = f" version {entry.version}" if entry.version is not None else ""
        who = entry.who if entry.actor != "person" else f"{entry.who} (claimed)"
        champion = f"champion: {entry.champion_after}" if entry.champion_after is not None else "no champion"
        head = f"{entry.sequence}. {entry.at[:19].replace('T', ' ')} UTC  {entry.action}{about} by {who}; {champion}"
        print_entry(head, [entry.why])


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


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    as_json: AsJson = False,
) -> None:
    """Copy the decision log and MLflow's store as they are at one moment; nobody decides or registers meanwhile.

    SQLite or PostgreSQL (by pg_dump). Before an MLflow server, UNIMED_MLFLOW_DATABASE names the database behind it. Weights lie
    in the DVC remote and a server's files in its artifact store: those have backups of their own.
    """
    from components.registry.backup import back_up

    workspace, folder = here(), folder.absolute()
    with working("copying log and store"):
        made = back_up(workspace, folder)
    if as_json:
        print_json({"folder": str(folder), **asdict(made)})
        return
    print(
        f"{folder}: {made.decisions} decisions and {made.versions} versions as of {made.at} ({', '.join(made.files)})"
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where decisions are lost that the backup lacks.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the decision log and MLflow's store back to a backup, both; end schedules before, restart an MLflow server afterwards."""
    from components.registry.backup import restore as bring_back

    workspace, folder = here(), folder.absolute()
    with working("bringing log and store back"):
        card = bring_back(workspace, folder, force=force)
    if as_json:
        print_json({"folder": str(folder), **asdict(card)})
        return
    print(
        f"log and store are as of {card.at}: {card.decisions} decisions, {card.versions} versions; start what you stopped"
    )


def settle(
    what: Annotated[str, typer.Argument(metavar="moved|copy", help="What the database of decisions here is.")],
    why: Annotated[str, typer.Option("--why", help="The reason, kept beside the registry's id.")],
    as_json: AsJson = False,
) -> None:
    """Say what a database of decisions is that stands at another place than its registry was made at.

    moved: it is the registry, and the former one is gone. copy: it is another registry, and so is the copy of MLflow's
    store that belongs to it.
    """
    from components.registry.identity import settle_place

    if what not in ("moved", "copy"):
        raise ValueError(f"settle takes moved or copy, not {what!r}")
    if not why.strip():
        raise ValueError('settling a registry needs a reason; give --why "…"')
    with working("writing it down"):
        found = settle_place(here(), cast(Literal["moved", "copy"], what), who=who(), why=why)
    if as_json:
        print_json({"registry": found.id, "model": found.model, "place": found.place})
    else:
        print(f"registry {found.id} (model {found.model}) lives here from now on")
