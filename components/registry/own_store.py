"""Versions and their metrics straight from MLflow's SQLite file: thousands in milliseconds, where MLflow's client makes an
object of every tag (0.7 s for a thousand versions) and is itself two seconds of import.

Reading only. A file with other tables than today's is left to MLflow, which has the word for it.
"""

import logging
import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from components.registry.places import sqlite_path
from components.registry.version import Version

Found = TypeVar("Found")

_VERSIONS = """select version, coalesce(run_id, ''), source, coalesce(creation_time, 0) from model_versions
    where name = ? and current_stage <> 'Deleted_Internal' order by version desc"""
_TAGS = "select version, key, value from model_version_tags where name = ?"
_ALIASES = "select version, alias from registered_model_aliases where name = ? order by alias"
_METRICS = """select run_uuid, key, value, is_nan from latest_metrics where run_uuid in (
    select versions.run_id from model_versions as versions join runs on runs.run_uuid = versions.run_id
    where versions.name = ? and runs.lifecycle_stage = 'active') order by key"""


def read_own(uri: str, read: Callable[[Path], Found]) -> Found | None:
    """What `read` finds in the SQLite file that an MLflow address names; None where it names none that is there, and for one
    that is damaged or of another release."""
    file = sqlite_path(uri)
    if file is None or not file.is_file():
        return None
    try:
        return read(file)
    except sqlite3.DatabaseError as error:
        logging.getLogger(__name__).debug("%s is asked through MLflow: %s", file, error)
        return None


def versions_in(file: Path, model: str) -> list[Version]:
    """Every version of the model that was registered here, newest first. Raises sqlite3.DatabaseError."""
    tags: dict[int, dict[str, str]] = {}
    aliases: dict[int, list[str]] = {}
    with _reading(file) as database:
        rows = database.execute(_VERSIONS, (model,)).fetchall()
        for number, key, value in database.execute(_TAGS, (model,)):
            tags.setdefault(number, {})[key] = value
        for number, alias in database.execute(_ALIASES, (model,)):
            aliases.setdefault(number, []).append(alias)
    versions = [
        Version(
            number=number,
            aliases=tuple(aliases.get(number, ())),
            tags=tags.get(number, {}),
            run_id=run_id,
            source=source,
            created_at_ms=created_at_ms,
        )
        for number, run_id, source, created_at_ms in rows
    ]
    return [version for version in versions if version.is_ours]


def metrics_in(file: Path, model: str) -> dict[str, dict[str, float]]:
    """Run id -> the newest metrics of each run that a version comes from. Raises sqlite3.DatabaseError."""
    found: dict[str, dict[str, float]] = {}
    with _reading(file) as database:
        for run_id, key, value, is_nan in database.execute(_METRICS, (model,)):
            found.setdefault(run_id, {})[key] = math.nan if is_nan else value
    return found


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees one moment of the file."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as database:
        database.execute("begin")
        yield database
