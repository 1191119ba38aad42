"""Which versions and aliases the registry holds at this moment, asked in milliseconds where it is a file of our own."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from components.registry.database import embedded_uri, tracking_uri
from components.storage.workspace import Workspace

_VERSIONS = "select version from model_versions where name = ? and current_stage <> 'Deleted_Internal'"
_ALIASES = "select alias, version from registered_model_aliases where name = ?"


@dataclass(frozen=True, slots=True)
class Presence:
    """What is registered now."""

    versions: frozenset[int]
    aliases: Mapping[str, int]


def registered_now(workspace: Workspace, model: str) -> Presence:
    """What the registry holds of the model. An own SQLite file is read without MLflow, whose import takes two seconds."""
    if tracking_uri(workspace) != embedded_uri(workspace):
        return _asked(workspace)
    path = workspace.private / "mlflow.db"
    if not path.is_file():
        return Presence(frozenset(), {})
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as database:
            versions = frozenset(int(row[0]) for row in database.execute(_VERSIONS, (model,)))
            aliases = {alias: int(version) for alias, version in database.execute(_ALIASES, (model,))}
    except sqlite3.DatabaseError:  # another release's tables, or a damaged file: MLflow has the word for it
        return _asked(workspace)
    return Presence(versions, aliases)


def _asked(workspace: Workspace) -> Presence:
    from components.registry.catalogue import all_versions
    from components.registry.tracking import connect

    found = all_versions(connect(workspace))
    aliases = {alias: version.number for version in found for alias in version.aliases}
    return Presence(frozenset(version.number for version in found), aliases)
