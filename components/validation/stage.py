"""The stage `validate@<source>`: raw files to records, quarantine, accounting and profile. It never fails on bad data."""

from collections.abc import Callable
from pathlib import Path

from components.context import StageContext
from components.images.text_reader import reader_version
from components.records.schema import RECORD_SCHEMA
from components.records.shards import write_shards
from components.sources.private import is_private
from components.sources.table import check_namespaces, read_source
from components.storage.atomic import atomic_folder, write_json
from components.validation.accepting import read_accepted
from components.validation.decisions import read_decisions
from components.validation.judging import Judged, judge
from components.validation.validated import LEFT_OUT, QUARANTINE, READER, RECORDS, REFUSED_PATIENTS

QUARANTINE_COLUMNS = ("id", "source", "file", "locator", "reason", "detail", "suite", "expectation")
LEFT_OUT_COLUMNS = ("id", "source", "file", "reason", "detail")
_MAX_BYTES = 256 * 2**20


def validate(ctx: StageContext) -> None:
    """Writes data/validated/<source>/; the verdict stands in accounting.json and `admit` acts on it."""
    source = ctx.item
    if source not in ctx.recipe.sources:
        raise ValueError(f"params.yaml has no source {source!r}; it has {', '.join(sorted(ctx.recipe.sources))}")
    check_namespaces(ctx.recipe.sources)
    settings = ctx.recipe.sources[source]
    judged = judge(
        source,
        read_source(
            ctx.workspace.root / settings.path,
            source,
            settings,
            private=ctx.workspace.private,
            deidentified=ctx.workspace.deidentified,
        ),
        ctx.recipe.validation.of(settings),
        decisions=read_decisions(ctx.workspace.decisions / f"{source}.jsonl"),
        accepted=read_accepted(ctx.workspace, source),
        patients=settings.patients,
        seen=_watch(ctx),
    )
    ctx.raise_if_stopped()
    if is_private(source, settings):
        judged.accounting[READER] = reader_version()
    write_judged(ctx.workspace.validated / source, judged)
    verdict = judged.accounting["verdict"]
    assert isinstance(verdict, dict)
    ctx.progress.say(f"{source}: {verdict['verdict']}, {verdict['message']}")


def write_judged(folder: Path, judged: Judged) -> None:
    """The files of a validated source; the folder appears whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_folder(folder) as temporary:
        write_shards(judged.rows, RECORD_SCHEMA, temporary, RECORDS, _MAX_BYTES)
        for file, columns, rows in (
            (QUARANTINE, QUARANTINE_COLUMNS, judged.quarantine),
            (LEFT_OUT, LEFT_OUT_COLUMNS, judged.left_out),
        ):
            schema = pa.schema([(name, pa.string()) for name in columns])
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), temporary / file)
        if judged.refused_patients:
            write_json(temporary / REFUSED_PATIENTS, {"patients": judged.refused_patients})
        write_json(temporary / "accounting.json", judged.accounting)
        write_json(temporary / "profile.json", judged.profile)


def _watch(ctx: StageContext) -> Callable[[int], None]:
    def seen(count: int) -> None:
        if count % 16 == 0:
            ctx.raise_if_stopped()
            ctx.progress.update(count, 0, f"{count} records read")

    return seen
