"""`unimed init | doctor | status | logs | gc`: the workspace itself."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.output import AsJson, DryRun, bytes_text, note, print_json, print_table, seconds_text, when_text, working


def add_to(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("init", epilog="Example: unimed init ~/eyes --recipe tiny")(init)
    app.command("doctor", epilog="Example: unimed doctor")(doctor)
    app.command("status", epilog="Example: unimed status --json")(status)
    app.command("logs", epilog="Example: unimed logs train@foundation --follow")(logs)
    app.command("gc", epilog="Example: unimed gc --dry-run")(gc)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new workspace.")],
    recipe: Annotated[
        str, typer.Option("--recipe", help="tiny, tiny-scratch, tiny-start, small or unimedvl-14b.")
    ] = "tiny",
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Make a workspace: recipe, stage graph, DVC, and the default raw data. Running it again completes what is missing."""
    from flows.making import make_workspace, planned_files

    if dry_run:
        for path in planned_files(folder, recipe):
            print(path)
        return
    with working(f"making {folder}"):
        workspace, reports = make_workspace(folder, recipe)
    for line in reports:
        note(line)
    if as_json:
        print_json({"workspace": str(workspace.root), "recipe": recipe})
    else:
        print(f"{workspace.root} is ready. Next: cd {folder} && unimed retrain")


def doctor(
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Mend what can be mended: an older or edited dvc.yaml, records after a move or copy."
        ),
    ] = False,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy",
            help="With --repair: the original goes on, on a machine that cannot be seen from here; this copy gets an "
            "identity of its own.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check this machine and this workspace; says what is wrong and how to mend it."""
    from flows.checkup import examine, mend

    if copy and not repair:
        raise ValueError("--copy goes with --repair: unimed doctor --repair --copy")
    for line in mend(as_copy=copy) if repair else []:
        note(line)
    findings = examine()
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        print_table("", ["", "what", "found", "to mend it"], [(f.sign, f.what, f.found, f.fix) for f in findings])
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


def status(as_json: AsJson = False) -> None:
    """What is fresh, stale, missing, running or failed; who is champion; which services live."""
    from components.storage.workspace import find_workspace
    from flows.state import read_state

    workspace = find_workspace()
    with working("asking DVC"):
        state = read_state(workspace)
    if as_json:
        print_json(state)
        return
    print(
        f"workspace {state['workspace']}   recipe {state['recipe']}   dataset {(state['dataset_id'] or 'none yet')[:16]}"
    )
    rows = [
        (stage["name"], stage["state"], seconds_text(stage["seconds"]) if stage["seconds"] else "", stage["message"])
        for stage in state["stages"]
    ]
    print_table("", ["stage", "state", "#took", ""], rows)
    for role in ("champion", "challenger"):
        version = state[role]
        print(
            f"{role:<11}"
            + (f"version {version['version']}  weights {version['weights_sha256'][:12]}" if version else "none")
        )
    for service in state["services"]:
        print(f"{service['name']:<11}{service['url'] or 'running'}")
    if not state["services"]:
        print("services   none; `unimed up` starts the MLflow and Prefect pages and a worker")
    if state["run"]:
        print(f"running    {state['run']}")


def logs(
    stage: Annotated[
        str, typer.Argument(help="A stage such as train@foundation, or a service; without it the list.")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing as it grows; Ctrl-C ends.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 40,
) -> None:
    """The log of a stage or a service."""
    from components.recipes.nearest import nearest
    from components.storage.workspace import find_workspace

    workspace = find_workspace()
    known = {path.stem: path for path in sorted(workspace.logs.glob("*.log"))}
    if not stage:
        rows = [
            (name, bytes_text(path.stat().st_size), when_text(path.stat().st_mtime)) for name, path in known.items()
        ]
        print_table(f"{workspace.logs}", ["log", "#size", "last written"], rows)
        return
    name = stage.replace("@", "-")
    if name not in known:
        hint = nearest(name, known) if known else "; nothing has run here yet"
        raise ValueError(f"no log of {stage!r}{hint}")
    if not known[name].stat().st_size and not follow:
        note(f"{known[name]} is empty: it had nothing to report")
    show_log(known[name], lines=lines, follow=follow)


def show_log(path: Path, *, lines: int, follow: bool) -> None:
    """Print the file's last lines, then what is added to it."""
    with path.open(errors="replace") as handle:
        from collections import deque

        sys.stdout.writelines(deque(handle, lines))
        sys.stdout.flush()
        try:
            while follow:
                new = handle.read()
                if new:
                    sys.stdout.write(new)
                    sys.stdout.flush()
                elif path.stat().st_size < handle.tell():
                    handle.seek(0)
                else:
                    time.sleep(0.3)
        except KeyboardInterrupt:
            return


def gc(as_json: AsJson = False, dry_run: DryRun = False) -> None:
    """Remove what no registered version and no present output names: cache objects, old training states, temporary files."""
    from components.storage.locks import hold
    from components.storage.workspace import find_workspace
    from flows.environment import enter

    workspace = find_workspace()
    enter(workspace)
    with hold(workspace.private / "retrain.lock", "gc"), working("looking at what versions name"):
        result = collect(workspace, dry_run=dry_run)
    if as_json:
        print_json(result)
        return
    verb = "would remove" if dry_run else "removed"
    print(
        f"{verb} {result['objects']} objects of the cache and {result['folders']} folders of temporary files, "
        f"{bytes_text(result['size_bytes'])}; what {result['kept_versions']} versions name is kept"
    )


def collect(workspace: Any, *, dry_run: bool) -> dict[str, Any]:
    """What the collection removed, for people and scripts."""
    from dataclasses import asdict

    from components.registry.collection import collect_garbage

    found = collect_garbage(workspace, dry_run=dry_run)
    return {**asdict(found), "dry_run": dry_run}
