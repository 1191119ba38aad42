"""What `unimed data check` answers: a source judged as the stage would, without writing anything."""

from pathlib import Path

from components.sources.settings import SourceSettings
from components.sources.table import read_source
from components.validation.judging import judge
from components.validation.settings import ValidationSettings


def check(
    folder: Path, format_name: str, *, source: str, validation: ValidationSettings, limit: int = 100
) -> dict[str, object]:
    """DESIGN §6's numbers of one source, `verdict`, `profile`, and the first `limit` `quarantined_records`.

    Raises ValueError for an unknown format or a missing folder.
    """
    settings = SourceSettings(path="data/raw/checked", format=format_name)
    judged = judge(source, read_source(folder, source, settings), validation, decisions={}, accepted={})
    return {
        **judged.accounting,
        "source": source,
        "profile": judged.profile,
        "quarantined_records": [
            {"id": row["id"], "file": row["file"], "reason": row["reason"], "detail": row["detail"]}
            for row in judged.quarantine[:limit]
        ],
    }
