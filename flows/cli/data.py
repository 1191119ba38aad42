"""`unimed data add | check | stats | list`: what goes in, what was kept, what was thrown away and why.

A curator's commands stand in curation.py.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from components.sources.formats import HELP
from flows.cli import curation
from flows.cli.output import AsJson, DryRun, bytes_text, counting, note, print_json, print_table, speed_text, working

BINS = ("kept", "filtered", "quarantined", "duplicate", "contaminating", "heldout")
VALIDATED = ("kept", "quarantined", "filtered")
"""The bins that validation fills; the others are assembly's, which sees all sources at once."""
Format = Annotated[str, typer.Option("--format", "-f", help=f"How its files are laid out. {HELP}")]


def add_to(app: typer.Typer) -> None:
    """Add this file's commands as a group."""
    group = typer.Typer(
        name="data",
        help="Data sets: add one, check one, see what became of every record.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("add", epilog="Example: unimed data add clinic --path ~/exports/may --format dicom")(add)
    group.command("check", epilog="Example: unimed data check fundus --json")(check)
    group.command("stats", epilog="Example: unimed data stats")(stats)
    group.command("list", epilog="Example: unimed data list")(list_sources)
    curation.add_to(group)
    app.add_typer(group)


def add(
    name: Annotated[str, typer.Argument(help="Name of the new source: lower case letters, digits, dashes.")],
    path: Annotated[
        str, typer.Option("--path", "-p", help="Folder with the raw files, or s3://bucket/prefix; they are copied.")
    ],
    format_name: Format,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Put the raw files into DVC too (data/raw/NAME.dvc), so that a remote has them."),
    ] = False,
    patients: Annotated[
        str,
        typer.Option(
            "--patients",
            metavar="NAMESPACE",
            help="Whose patients they are, where another source has some of them: one id in a namespace is one person. "
            "By default proposed by the format.",
        ),
    ] = "",
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Add a data set: check it, copy its files into the workspace, name it in params.yaml."""
    from components.recipes.recipe import read_recipe
    from components.recipes.sources import SourceSettings
    from components.sources.table import check_namespaces
    from components.storage.workspace import find_workspace
    from flows.run import initialise
    from flows.sources import add_source, check_new_source, fetch_delivery, proposed_patients

    workspace = find_workspace()
    on_s3 = path.startswith("s3://")
    folder = Path(path)
    check_new_source(workspace, name, None if on_s3 else folder, format_name)
    if on_s3:
        if dry_run:
            list_delivery(path, as_json=as_json)
            return
        with counting(f"fetching {path}") as progress:
            folder = fetch_delivery(workspace, name, path, progress)
    namespace, apart = (patients, []) if patients else proposed_patients(workspace, folder, format_name)
    settings = SourceSettings(path=f"data/raw/{name}", format=format_name, patients=namespace)
    check_namespaces({**read_recipe(workspace.params).sources, name: settings})
    found = run_check(workspace, folder, name, settings)
    if not dry_run:
        with working(f"copying {path}"):
            if keep:
                initialise(workspace)
            add_source(workspace, name, folder, format_name, keep=keep, patients=namespace)
    if as_json:
        print_json({"source": name, "added": not dry_run, "patients": settings.namespace(name), **found})
        return
    show_counts({name: found}, VALIDATED)
    show_verdict(found)
    if namespace:
        print(f"its patients are those of {namespace}: one id there is one person (`unimed data patients` changes it)")
    for other in apart:
        print(
            f"source {other} may have the same patients: `unimed data patients {other} --namespace {namespace}` joins them"
        )
    verb = "would be added" if dry_run else "is added"
    stopped = found["verdict"]["verdict"] == "stop"
    what_next = f"mend {settings.path}, or a retrain stops there" if stopped else "unimed retrain"
    print(f"source {name} {verb}. Next: {what_next}")


def check(
    name: Annotated[str, typer.Argument(help="A source of params.yaml.")] = "",
    format_name: Annotated[str, typer.Option("--format", "-f", help="With --path: how its files are laid out.")] = "",
    path: Annotated[
        str, typer.Option("--path", "-p", help="A folder that is not added yet, or the next delivery of the source.")
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="List at most this many lines of quarantined records; 0: all.")
    ] = 0,
    data_docs: Annotated[
        Path | None,
        typer.Option(
            "--data-docs",
            metavar="FOLDER",
            help="Write Great Expectations' Data Docs there too; they load their style from the network.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read a data set as a run would, without running anything: what would be kept, what quarantined, and why."""
    from dataclasses import replace

    from components.recipes.nearest import nearest
    from components.recipes.recipe import read_recipe
    from components.recipes.sources import SourceSettings
    from components.sources.table import real_names
    from components.storage.workspace import find_workspace
    from components.validation.check import by_file_and_reason

    workspace = find_workspace()
    sources = read_recipe(workspace.params).sources
    if not path and name not in sources:
        raise ValueError(
            f"unknown source {name!r}{nearest(name, sources)}"
            if name
            else f"which source? one of {', '.join(sources)}; or --path and --format of a folder that is not added yet"
        )
    if path.startswith("s3://"):
        raise ValueError(
            f"--path {path}: what lies on S3 is fetched first; `unimed data add NAME --path {path} --format F` checks it "
            "then and says its verdict, with --dry-run it lists the files"
        )
    if path and not (format_name or name in sources):
        raise ValueError("--path needs --format; an unknown format lists the known ones")
    if path and not Path(path).is_dir():
        raise ValueError(f"--path {path} is not a folder")
    if name in sources:
        source, settings = name, sources[name]
        settings = replace(settings, format=format_name or settings.format)
    else:
        # A folder that happens to be called like a source is not judged by that source's past.
        source = name or Path(path).absolute().name
        source = f"{source}-unnamed" if source in sources else source
        settings = SourceSettings(path="data/raw/checked", format=format_name)
    folder = Path(path) if path else workspace.root / settings.path
    if not folder.is_dir():
        prepare_raw(workspace)
    found = run_check(workspace, folder, source, settings, data_docs)
    rejected = found["quarantined_records"]
    if as_json:
        print_json({**found, "quarantined_records": rejected[: limit or None]})
        return
    show_counts({source: found}, VALIDATED)
    names = real_names(folder, source, settings, workspace.private)
    groups = by_file_and_reason(rejected)
    if shown := groups[: limit or None]:
        rows = [(names.get(file, file), reason, count, detail) for file, reason, count, detail in shown]
        print_table("quarantined", ["file", "reason", "#records", "the first of them"], rows)
    if len(shown) < len(groups):
        print(f"… and {len(groups) - len(shown)} more, {sum(count for _, _, count, _ in groups[len(shown) :])} records")
    show_verdict(found)
    if data_docs:
        print(f"Data Docs: {found['data_docs']}")


def run_check(
    workspace: Any, folder: Path, source: str, settings: Any, data_docs: Path | None = None
) -> dict[str, Any]:
    """What validation says about the folder as a delivery of the source."""
    from components.recipes.recipe import read_recipe
    from components.validation.check import check as check_folder

    validation = read_recipe(workspace.params).validation
    with counting(f"checking {source}") as progress:
        return check_folder(
            workspace,
            folder.absolute(),
            source,
            settings,
            validation,
            seen=lambda count: progress(count, 0, "records"),
            data_docs=data_docs,
        )


def show_verdict(found: dict[str, Any]) -> None:
    """What validation decides about the delivery, and how fast it was found."""
    verdict, seconds = found["verdict"], found["seconds"]
    speed = speed_text(found["raw"] / max(seconds, 0.01))
    print(f"verdict: {verdict['verdict']}. {verdict['message']} ({seconds:.1f} s, {speed})")
    if found["kept"]:
        print("What is a duplicate, or held out for the test set, is found when a retrain sees all sources together.")


def list_delivery(url: str, *, as_json: bool) -> None:
    """What lies on S3: it is checked when it is here."""
    from flows.sources import delivered_objects

    rows = [{"file": found.name, "bytes": found.size} for found in delivered_objects(url)]
    if as_json:
        print_json({"added": False, "files": rows})
        return
    print_table("", ["file", "#size"], [(row["file"], bytes_text(row["bytes"])) for row in rows])
    print("would fetch these and check them; nothing is changed")


def prepare_raw(workspace: Any) -> None:
    """Lay the default raw data into the workspace, as `retrain` would."""
    from components.recipes.recipe import read_recipe
    from flows.run import prepare

    with working("delivering the default raw data"):
        for line in prepare(workspace, read_recipe(workspace.params)):
            note(line)


def stats(as_json: AsJson = False) -> None:
    """What became of every raw record of the present data set, per source, adding up."""
    from components.storage.workspace import find_workspace
    from flows.state import read_manifest

    workspace = find_workspace()
    manifest = read_manifest(workspace)
    if manifest is None:
        raise ValueError("there is no data set yet; `unimed retrain` assembles one")
    sources = manifest["sources"]
    if as_json:
        print_json({"dataset_id": manifest["dataset_id"], "sources": sources})
        return
    print(f"dataset {manifest['dataset_id']}")
    show_counts(sources)
    print(f"the whole report: {workspace.dataset / 'report.html'}")


def list_sources(as_json: AsJson = False) -> None:
    """The sources that params.yaml names, with their files."""
    from components.recipes.recipe import read_recipe
    from components.storage.workspace import find_workspace

    workspace = find_workspace()
    rows = []
    for name, source in read_recipe(workspace.params).sources.items():
        files = [file for file in (workspace.root / source.path).rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        rows.append({"name": name, "format": source.format, "path": source.path, "files": len(files), "bytes": size})
    if as_json:
        print_json(rows)
        return
    cells = [(row["name"], row["format"], row["path"], row["files"], bytes_text(row["bytes"])) for row in rows]
    print_table("", ["source", "format", "path", "#files", "#size"], cells)


def show_counts(sources: dict[str, dict[str, Any]], bins: tuple[str, ...] = BINS) -> None:
    """The bins of each source and their reasons, as tables."""
    print_table("", ["source", *(f"#{name}" for name in ("raw", *bins))], count_rows(sources, bins))
    reasons = [
        (name, reason, count)
        for name, entry in sources.items()
        for reason, count in sorted(entry.get("reasons", {}).items())
    ]
    if reasons:
        print_table("why records were not kept", ["source", "reason", "#records"], reasons)


def count_rows(sources: dict[str, dict[str, Any]], bins: tuple[str, ...] = BINS) -> list[tuple[object, ...]]:
    """One row a source and, for several, their sum: raw and the bins."""
    columns = ("raw", *bins)
    rows: list[tuple[object, ...]] = [
        (name, *(int(entry.get(column, 0)) for column in columns)) for name, entry in sources.items()
    ]
    if len(sources) > 1:
        rows.append(("all", *(sum(int(entry.get(column, 0)) for entry in sources.values()) for column in columns)))
    return rows
