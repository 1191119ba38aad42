"""`unimed weights import | export | pack`: public weights in, ours out, and a start of what was trained here."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.output import AsJson, DryRun, bytes_text, counting, print_json, print_table, working

Dtype = Annotated[
    str, typer.Option("--dtype", help="stored (each tensor as it lies in its file), bfloat16 or float32.")
]
Folder = "folder or s3:// URL"


def add_to(app: typer.Typer) -> None:
    """Add this file's commands as a group."""
    group = typer.Typer(
        name="weights",
        help="Weights: start from public ones, hand ours back.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("import", epilog="Example: unimed weights import ~/UniMedVL --into unimedvl")(import_weights)
    group.command("export", epilog="Example: unimed weights export champion ~/for-public-code")(export_weights)
    group.command("pack", epilog="Example: unimed weights pack eyes-1")(pack_start)
    app.add_typer(group)


def import_weights(
    source: Annotated[str, typer.Argument(help=f"Published UniMedVL or BAGEL weights: {Folder}.")] = "",
    llm: Annotated[str, typer.Option("--llm", help=f"In place of SOURCE: Qwen2.5, {Folder}.")] = "",
    vit: Annotated[str, typer.Option("--vit", help=f"… with SigLIP, {Folder}.")] = "",
    vae: Annotated[str, typer.Option("--vae", help=f"… and FLUX's autoencoder, {Folder}.")] = "",
    into: Annotated[
        str,
        typer.Option("--into", help="Name under data/raw/weights/, or a path. Default: the name of SOURCE, or start."),
    ] = "",
    dtype: Dtype = "stored",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is new in a start of three networks.")] = 0,
    qk_norm: Annotated[
        bool, typer.Option("--qk-norm/--no-qk-norm", help="With --llm: normalise queries and keys, as published.")
    ] = True,
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Import public weights into a checkpoint folder that `start.source` of a recipe can name."""
    from components.weights.importing import PLACE, dtype_of, listing, place_of, write_incoming

    _check_sources(source, llm, vit, vae)
    folder = place_of(into or (Path(source.rstrip("/")).name if source else "start"), _root())
    dtype_of(dtype)
    if dry_run and (remote := [url for url in (source, llm, vit, vae) if url.startswith("s3://")]):
        _list_remote(remote, as_json=as_json)
        return
    opened = _open_published(source) if source else _open_start(llm, vit, vae, seed=seed, qk_norm=qk_norm)
    rows = listing(opened.checkpoint.cast(dtype_of(dtype)))
    if not dry_run:
        from components.storage.atomic import atomic_folder

        with counting(f"importing into {folder}") as progress, atomic_folder(folder) as writing:
            write_incoming(opened, writing, opened.checkpoint.image_settings, dtype=dtype, progress=progress)
    facts = {"folder": str(folder), "imported": not dry_run, "vocabulary": opened.checkpoint.config.llm.vocab_size}
    facts["new_tokens"] = list(opened.new_tokens)
    _show(rows, facts, as_json=as_json, dry_run=dry_run)
    if not (as_json or dry_run):
        root = _root()
        named = folder.relative_to(root) if root and folder.is_relative_to(root / PLACE) else folder.as_uri()
        print(f"Next: `start: {{source: {named}}}` in params.yaml, then unimed retrain")


def export_weights(
    what: Annotated[
        str, typer.Argument(metavar="VERSION|FOLDER", help="A version's number or alias, or a checkpoint folder.")
    ],
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    dtype: Dtype = "stored",
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Write a version's or a folder's weights in the published layout, for public code."""
    from components.weights.exporting import check_target, departures, export, open_for_export
    from components.weights.importing import dtype_of, listing

    target, folder = target.expanduser().absolute(), Path(what).expanduser().absolute()
    check_target(target)
    dtype_of(dtype)
    if not folder.is_dir():
        from components.registry.catalogue import checkpoint_of, resolve
        from components.registry.tracking import connect
        from flows.cli.models import here

        with working(f"looking up version {what}"):
            tracking = connect(here())
            folder = checkpoint_of(here(), tracking, resolve(here(), what, tracking))
    opened = open_for_export(folder)
    rows = listing(opened.checkpoint.cast(dtype_of(dtype)))
    if not dry_run:
        with counting(f"exporting into {target}") as progress:
            export(opened, target, dtype=dtype, progress=progress)
    told = departures(opened.checkpoint.config)
    _show(rows, {"folder": str(target), "exported": not dry_run, "departures": told}, as_json=as_json, dry_run=dry_run)
    if not as_json:
        for line in told:
            print(line)


def pack_start(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the start will be called.")],
    into: Annotated[Path | None, typer.Option("--into", help="Folder for it. Default: data/start.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a start of what this workspace trained: finished weights that other runs begin with, and all they were trained on."""
    from flows.cli.models import here
    from flows.packing import pack

    with working(f"packing {name}"):
        done = pack(here(), name, into.expanduser().absolute() if into else None)
    if as_json:
        print_json(done)
        return
    print(
        f"packed {done['folder']}: {bytes_text(done['bytes'])}, trained on {done['images']} images of {done['patients']} patients"
    )
    print(f"Begin with it: `start: {{source: {done['source']}, sha256: {done['sha256']}}}` in params.yaml")


def _check_sources(source: str, llm: str, vit: str, vae: str) -> None:
    parts = {"--llm": llm, "--vit": vit, "--vae": vae}
    missing = [name for name, value in parts.items() if not value]
    if source and len(missing) < 3:
        raise ValueError("give either SOURCE or --llm, --vit and --vae, not both")
    if not source and missing:
        raise ValueError(
            "what to import? give SOURCE, or --llm, --vit and --vae"
            if len(missing) == 3
            else f"a start of three networks needs {', '.join(missing)} too"
        )


def _open_published(source: str) -> Any:
    from components.weights.fetching import fetch
    from components.weights.importing import open_published
    from model.weights import AUTOENCODER_FILE, NETWORK_FILES

    with counting(f"fetching {source}") as progress:
        folder = fetch(source, NETWORK_FILES, [AUTOENCODER_FILE], progress)
    with working(f"checking {source}"):
        return open_published(folder)


def _open_start(llm: str, vit: str, vae: str, *, seed: int, qk_norm: bool) -> Any:
    from components.weights.fetching import fetch
    from components.weights.importing import open_start
    from model.pretrained import HF_FILES, VAE_FILES

    folders = []
    for source, names in ((llm, HF_FILES), (vit, HF_FILES), (vae, VAE_FILES)):
        with counting(f"fetching {source}") as progress:
            folders.append(fetch(source, names, progress=progress))
    with working("checking the three networks"):
        return open_start(*folders, seed=seed, qk_norm=qk_norm)


def _list_remote(urls: list[str], *, as_json: bool) -> None:
    """What lies on S3; keys are known only when the files are here."""
    from components.storage.s3 import list_objects

    rows = [{"url": url, "file": found.name, "bytes": found.size} for url in urls for found in list_objects(url)]
    if as_json:
        print_json({"imported": False, "files": rows})
        return
    print_table("", ["url", "file", "#size"], [(row["url"], row["file"], bytes_text(row["bytes"])) for row in rows])
    print("would fetch what is needed of these; without --dry-run the keys are checked too")


def _show(rows: list[dict[str, Any]], facts: dict[str, Any], *, as_json: bool, dry_run: bool) -> None:
    from components.weights.importing import totals

    found = totals(rows)
    if as_json:
        print_json({**facts, **found, **({"keys": rows} if dry_run else {})})
        return
    if dry_run:
        cells = [
            (r["file"], r["key"], " × ".join(map(str, r["shape"])), r["dtype"], bytes_text(r["bytes"])) for r in rows
        ]
        print_table("", ["file", "key", "shape", "dtype", "#size"], cells)
    size = f"{found['tensors']} tensors, {found['network_parameters']} parameters in the network, {bytes_text(found['bytes'])}"
    if facts.get("new_tokens"):
        size += f"; new tokens {', '.join(facts['new_tokens'])}, vocabulary {facts['vocabulary']}"
    print(f"{'would write' if dry_run else 'wrote'} {facts['folder']}: {size}")


def _root() -> Path | None:
    from components.storage.workspace import find_workspace

    try:
        return find_workspace().root
    except ValueError:
        return None
