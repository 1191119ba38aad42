"""What `unimed data check` answers: a source judged as the stage would, without writing anything."""

from pathlib import Path

from components.sources.settings import SourceSettings
from components.sources.table import read_source
from components.validation.judging import judge
from components.validation.settings import ValidationSettings


def check(folder: Path, format_name: str, validation: ValidationSettings, *, source: str = "") -> dict[str, object]:
    """DESIGN §6's numbers of one source, its `verdict` and `profile`, and every one of its `quarantined_records`.

    `source` names it in ids; the folder's name does where it is empty. Raises ValueError for an unknown format or a
    missing folder.
    """
    name = source or folder.name
    settings = SourceSettings(path="data/raw/checked", format=format_name)
    judged = judge(name, read_source(folder, name, settings), validation, decisions={}, accepted={})
    return {
        **judged.accounting,
        "source": name,
        "profile": judged.profile,
        "quarantined_records": [
            {column: row[column] for column in ("id", "file", "reason", "detail")} for row in judged.quarantine
        ],
    }
