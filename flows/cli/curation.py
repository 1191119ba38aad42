"""`unimed data show | review | accept | remove | export`: a curator's look at single records, and what is decided."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.models import who
from flows.cli.output import AsJson, DryRun, note, print_json, working

Why = Annotated[str, typer.Option("--why", help="The reason, which is kept.")]


def add_to(group: typer.Typer) -> None:
    """Add this file's commands to the group `data`."""
    group.command("show", epilog="Example: unimed data show fundus/hrf-04-whole --image eye.png")(show)
    group.command(
        "review", epilog="Example: unimed data review fundus --reject fundus/hrf-04-whole --why 'out of focus'"
    )(review)
    group.command("accept", epilog="Example: unimed data accept clinic --why 'new scanner since May'")(accept)
    group.command("remove", epilog="Example: unimed data remove --patient 3f2a… --why 'consent withdrawn'")(remove)
    group.command(
        "patients", epilog="Example: unimed data patients clinic-june --namespace clinic --strip-zeros --dry-run"
    )(patients)
    group.command("texts", epilog="Example: unimed data texts clinic --out ~/clinic.parquet")(texts)
    group.command("export", epilog="Example: unimed data export ~/jsonl --split train")(export)


def texts(
    source: Annotated[str, typer.Argument(help="A private source of the recipe.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The new file, outside the workspace: it names patients.")],
    as_json: AsJson = False,
) -> None:
    """The texts of a private source as delivered, for a program that de-identifies; its answer goes into data/deidentified/."""
    from components.recipes.nearest import nearest
    from components.sources.names.outside import write_texts
    from components.sources.table import read_texts

    workspace, recipe = _here()
    if source not in recipe.sources:
        raise ValueError(f"unknown source {source!r}{nearest(source, recipe.sources)}")
    settings = recipe.sources[source]
    with working(f"reading {source}"):
        rows = read_texts(workspace.root / settings.path, source, settings, private=workspace.private)
        count = write_texts(rows, out, workspace.root)
    if as_json:
        print_json({"file": str(out), "texts": count})
        return
    print(f"{count} texts of {source} in {out}, as delivered; only you may read it")
    note(f"put what was made of them, with the columns id, place, delivered and text, into data/deidentified/{source}/")


def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The record's id, as `source/…`.")],
    image: Annotated[Path | None, typer.Option("--image", "-o", help="Write the image as it was kept (PNG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Everything that became of one record: raw file, verdict, bin and reason, conversations, benchmark items."""
    from components.assembly.trace import trace
    from components.images.png import encode_png
    from components.images.stored import decode_stored
    from components.records.origins import with_origins
    from components.sources.table import real_names
    from components.storage.atomic import write_bytes

    workspace, recipe = _here()
    found = trace(workspace, recipe, identity)
    if image is not None:
        if found.image is None:
            raise ValueError(f"{identity} has no image that was kept; see `unimed data review {found.source}`")
        write_bytes(image, encode_png(decode_stored(found.image)))
    if as_json:
        print_json(found.to_json())
        return
    print(found.id)
    file = found.raw["file"]
    settings = recipe.sources[found.source]
    real = real_names(workspace.root / settings.path, found.source, settings, workspace.private)
    print(f"  raw          {settings.path}/{real.get(file, file)}  {found.raw['locator']}".rstrip())
    if file in real:
        print(f"  written as   {file}; the name is shown here alone")
    if found.namesakes:
        print(f"  the same id  {', '.join(real.get(name, name) for name in found.namesakes)}")
    verdict = found.validation
    refused = f": {verdict['reason']}; {verdict['detail']}" if "reason" in verdict else ""
    refused += f" ({verdict['suite']})" if "suite" in verdict else ""
    print(f"  validation   {verdict['verdict']}{refused}")
    if found.curator:
        print(
            f"  curator      {found.curator.decision} by {found.curator.by} {found.curator.at}: {found.curator.reason}"
        )
    if found.known:
        facts = with_origins(found.known["facts"], found.known["origins"])
        print(f"  known        {found.known['modality']}, {found.known['anatomy']}; {facts}")
        print(f"  patient      {found.known['patient_key']}")
        for turn in found.known["turns"] or ():
            print(f"  {turn['kind']:<12} {turn['prompt']} → {turn['answer']}")
    if found.assembly:
        end = found.assembly
        because = f": {end['reason']}" if end["reason"] else ""
        other = f" ({end['other']})" if end["other"] else ""
        print(f"  assembly     {end['bin']}, split {end['split']}{because}{other}")
        if end["alignment"] is not None:
            print(f"  alignment    {end['alignment']:.3f} of 1")
        print(f"  made of it   {len(found.samples)} conversations, {len(found.items)} benchmark items")
    elif verdict["verdict"] == "kept":
        print("  assembly     not assembled yet; `unimed retrain` does it")
    if found.image is not None and image is None:
        _draw(found.image)
    if image is not None:
        note(f"image written to {image}")


def review(
    source: Annotated[str, typer.Argument(help="A source of params.yaml; not needed with --accept or --reject.")] = "",
    accepted: Annotated[
        list[str] | None, typer.Option("--accept", metavar="ID", help="Keep this record in spite of the suite.")
    ] = None,
    rejected: Annotated[list[str] | None, typer.Option("--reject", metavar="ID", help="Leave this record out.")] = None,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Write a page of a source's records by bin and reason; or decide about single records."""
    from components.validation.decisions import CuratorDecision
    from components.validation.review import decide, write_review

    workspace, recipe = _here()
    by, at = who(), datetime.now(UTC).isoformat(timespec="seconds")
    decisions = [CuratorDecision(id=i, decision="accept", by=by, reason=why, at=at) for i in accepted or ()]
    decisions += [CuratorDecision(id=i, decision="reject", by=by, reason=why, at=at) for i in rejected or ()]
    for decision in decisions:
        decide(workspace, recipe, decision)
    if decisions:
        if as_json:
            print_json(
                [{"id": d.id, "decision": d.decision, "by": d.by, "why": d.reason, "at": d.at} for d in decisions]
            )
        else:
            print(f"{len(decisions)} decided. Next: unimed retrain")
        return
    if not source:
        raise ValueError(f"which source? one of {', '.join(recipe.sources)}")
    with working(f"reading {source}"):
        page = write_review(workspace, recipe, source)
    if as_json:
        print_json({"source": source, "page": str(page)})
    else:
        print(page)


def accept(
    source: Annotated[str, typer.Argument(help="A source whose delivery is held.")],
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Accept a source's present delivery: later ones are held when they differ too much from it."""
    from components.validation.accepting import accept_delivery

    workspace, recipe = _here()
    path = accept_delivery(workspace, recipe, source, by=who(), why=why)
    if as_json:
        print_json({"source": source, "profile": str(path)})
    else:
        print(f"the delivery of {source} is accepted ({path}). Next: unimed retrain")


def remove(
    name: Annotated[str, typer.Argument(help="A source of params.yaml.")] = "",
    patient: Annotated[str, typer.Option("--patient", help="A patient key, as `data show` prints it.")] = "",
    why: Why = "",
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Take a source out of the recipe, or one patient out of every source; the next retrain goes without."""
    from flows.removal import exclude_patient, remove_source

    workspace, _ = _here()
    if bool(name) == bool(patient):
        raise ValueError("give a source's name, or --patient KEY")
    if patient and not why.strip():
        raise ValueError("taking a patient out needs its reason: --why '…'")
    if patient:
        with working("asking every version what it was trained on"):
            done = exclude_patient(workspace, patient, by=who(), why=why, dry_run=dry_run)
    else:
        done = remove_source(workspace, name, dry_run=dry_run)
    if as_json:
        print_json(done)
        return
    verb = "would be taken out" if dry_run else "is taken out"
    if not patient:
        print(f"source {name} {verb}; its files stay in {done['path']}. Next: unimed retrain")
        return
    print(f"patient {patient} {verb}: {done['records']} records of {', '.join(done['sources'])}")
    print(f"  looked for in {', '.join(done['covers'])}, whose patients are those of {done['namespace']}")
    for version in done["versions"]:
        aliases = f" ({', '.join(version['aliases'])})" if version["aliases"] else ""
        print(f"  version {version['number']}{aliases}: {version['trained_on']}")
    if not done["versions"]:
        print("  no version is registered here, so none was trained on them")
    if done["start"]:
        print(f"  the recipe: {done['start']}")
    if done["exam_items"]:
        left = "would leave" if dry_run else "left"
        print(f"  {done['exam_items']} of the exam's items {left} it, with their images, predictions and pages")
    print("Next: unimed retrain")


def patients(
    name: Annotated[str, typer.Argument(help="A source of params.yaml.")],
    namespace: Annotated[
        str | None, typer.Option("--namespace", help="Whose patients they are: one id in a namespace is one person.")
    ] = None,
    strip_zeros: Annotated[
        bool | None,
        typer.Option("--strip-zeros/--keep-zeros", help="Whether 0042 is 42 in this delivery."),
    ] = None,
    issuer: Annotated[
        str | None, typer.Option("--issuer", help="Who gave its ids; of another issuer the same id is another person.")
    ] = None,
    as_json: AsJson = False,
    dry_run: DryRun = False,
) -> None:
    """Say whose patients a source's are. Lists of keys follow, and whoever was on the test side stays there."""
    from flows.patients import change_patients

    workspace, _ = _here()
    with working(f"reading the patients of {name}"):
        done = change_patients(
            workspace, name, namespace=namespace, strip_zeros=strip_zeros, issuer=issuer, dry_run=dry_run
        )
    if as_json:
        print_json(done)
        return
    verb = "would get" if dry_run else "have"
    print(f"{done['rekeyed']} of {done['patients']} patients of {name} {verb} new keys in {done['namespace']}")
    others = [other for other in done["together"] if other != name]
    if others:
        print(f"  {done['shared']} of them are patients of {', '.join(others)} too")
    print(f"  {done['excluded']} excluded and {done['held_out']} held-out patients are listed by their new keys")
    for move in done["moved"]:
        print(f"  {move['new']} ({move['old']}): {move['before']} → {move['after']}")
    print("  nobody changes side" if not done["moved"] else f"  {len(done['moved'])} change side")
    if not dry_run:
        print("Next: unimed retrain")


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    split: Annotated[str, typer.Option("--split", help="train, val or heldout.")] = "train",
    as_json: AsJson = False,
) -> None:
    """Write the assembled conversations in the published UniMedVL form: SPLIT.jsonl and its images. Lent sources stay here."""
    from dataclasses import asdict

    from components.assembly.export import export_jsonl
    from components.sources.sharing import lent_sources

    workspace, recipe = _here()
    with working(f"writing {folder}"):
        done = export_jsonl(workspace.dataset, folder, split, lent_sources(recipe.sources))
    file = folder / f"{split}.jsonl"
    if as_json:
        print_json({"file": str(file), **asdict(done)})
        return
    print(f"{file}: {done.conversations} conversations, {done.images} images")
    if done.left_out:
        listed = ", ".join(f"{source}: {count}" for source, count in done.left_out.items())
        print(f"left out, because it was lent and may not be passed on: {listed}")


def _here() -> tuple[Any, Any]:
    from components.recipes.recipe import read_recipe
    from components.storage.workspace import find_workspace

    workspace = find_workspace()
    return workspace, read_recipe(workspace.params)


def _draw(data: bytes) -> None:
    """The image in the terminal, two pixels a letter; nothing where nobody looks."""
    import sys

    if not sys.stdout.isatty():
        return
    from PIL import Image
    from rich.segment import Segment, Segments
    from rich.style import Style

    from components.images.stored import decode_stored
    from flows.cli.output import console

    image = Image.fromarray(decode_stored(data)).convert("RGB")
    image.thumbnail((48, 48))
    segments = []
    for y in range(0, image.height - 1, 2):
        for x in range(image.width):
            upper, lower = (image.getpixel((x, y + row)) for row in (0, 1))
            style = Style.parse(f"rgb({','.join(map(str, upper))}) on rgb({','.join(map(str, lower))})")  # type: ignore[arg-type]
            segments.append(Segment("▀", style))
        segments.append(Segment.line())
    console().print(Segments(segments))
