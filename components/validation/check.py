"""What `unimed data check` answers: a source judged as the stage would, without writing anything."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from components.recipes.sources import SourceSettings
from components.recipes.validation import ValidationSettings
from components.sources.table import read_source
from components.storage.workspace import Workspace
from components.validation.accepting import read_accepted
from components.validation.data_docs import write_data_docs
from components.validation.decisions import read_decisions
from components.validation.judging import judge


def check(
    workspace: Workspace,
    folder: Path,
    source: str,
    settings: SourceSettings,
    validation: ValidationSettings,
    *,
    seen: Callable[[int], None] = lambda count: None,
    data_docs: Path | None = None,
) -> dict[str, object]:
    """What `accounting.json` holds of one source, its `verdict` and `profile`, every one of its `quarantined_records`, `seconds`.

    The folder may lie anywhere; ids, a curator's decisions and the accepted delivery are those of `source` in the
    workspace. `seen` hears the count; `data_docs` is a new folder for Great Expectations' own pages. Raises ValueError for
    an unknown format or option, and for a missing folder.
    """
    began, limits = time.monotonic(), validation.of(settings)
    judged = judge(
        source,
        read_source(folder, source, settings, private=workspace.private, deidentified=workspace.deidentified),
        limits,
        decisions=read_decisions(workspace.decisions / f"{source}.jsonl"),
        accepted=read_accepted(workspace, source),
        patients=settings.patients,
        seen=seen,
    )
    pages = {"data_docs": str(write_data_docs(judged.frame(), limits, data_docs))} if data_docs else {}
    return {
        **judged.accounting,
        "source": source,
        "profile": judged.profile,
        "quarantined_records": [
            {column: row[column] for column in ("id", "file", "reason", "detail")} for row in judged.quarantine
        ],
        **pages,
        "seconds": round(time.monotonic() - began, 1),
    }


def by_file_and_reason(records: Iterable[Mapping[str, str]]) -> list[tuple[str, str, int, str]]:
    """(file, reason, how many records, the detail of the first) of quarantined records, in the order of their files."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records:
        found[record["file"], record["reason"]].append(record["detail"])
    return [(file, reason, len(details), details[0]) for (file, reason), details in sorted(found.items())]
