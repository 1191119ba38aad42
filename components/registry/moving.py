"""Making the records of a moved or copied workspace name the folder that it stands in now."""

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from components.registry.identity import TAG
from components.storage.atomic import write_bytes
from components.storage.home import ARTIFACTS, DECISIONS, MLFLOW, UNSEEN, is_copy, read_home, write_home
from components.storage.workspace import Workspace

_LARGEST = 4 * 2**20
"""Of a file of text that names places; pictures and reports name none."""


def settle_here(workspace: Workspace, *, as_copy: bool = False) -> list[str]:
    """Rewrite the old folder's path to this one's wherever the workspace keeps it; a line for what was done, none where
    nothing was to do. The decision log names no path and is not touched; a copy is another registry. Call while nothing runs here.

    `as_copy` says that the original goes on where it cannot be seen from here, be it at the same path of another machine.
    """
    home = read_home(workspace)
    if home is None or (home.root == str(workspace.root) and not as_copy):
        return []
    copied = as_copy or is_copy(workspace, home)
    experiments = sorted(workspace.private.glob("experiments/*/.unimed"))
    for private in (*experiments, workspace.private):
        _move_records(private, home.root, str(workspace.root))
    for private in experiments:
        _move_text(private / "home.json", home.root, str(workspace.root))
        if copied and (private / "home.json").is_file():
            write_home(Workspace(private.parent), uuid.uuid4().hex)
    for config in workspace.private.glob("experiments/*/.dvc/config.local"):
        _move_text(config, home.root, str(workspace.root))
    if copied:
        _renew_registries(workspace.private)
    write_home(workspace, uuid.uuid4().hex if copied or not home.id else home.id)
    if home.root == str(workspace.root):
        return ["this copy has an identity of its own"]
    said = f"the records name {workspace.root} now, not {home.root}"
    said += "; this copy has an identity of its own" if copied else f"; its identity stays what it was: {UNSEEN}"
    return [said, "schedules that were made at the old place stay there; `unimed schedule` makes them here"]


def _move_records(private: Path, old: str, new: str) -> None:
    """Texts first, then the database as one transaction. All of it can be done again: what was rewritten stays."""
    for path in _texts(private):
        _move_text(path, old, new)
    database = private / MLFLOW
    if not database.is_file():
        return
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        for table, column in list(_text_columns(connection)):
            for before, after in _spellings(old, new):
                # A path ends where its name does: /data/one is not the beginning of /data/one-more.
                change = f"""UPDATE "{table}" SET "{column}" = ? || substr("{column}", length(?) + 1)
                             WHERE "{column}" = ? OR substr("{column}", 1, length(?) + 1) = ? || '/'"""
                connection.execute(change, (after, before, before, before, before))
        connection.commit()


def _renew_registries(private: Path) -> None:
    """Give a copy's registries ids of their own, in the database of decisions and in MLflow's."""
    decisions, mlflow = private / DECISIONS, private / MLFLOW
    if not decisions.is_file() or not mlflow.is_file():
        return
    with closing(sqlite3.connect(decisions, timeout=60)) as log, closing(sqlite3.connect(mlflow, timeout=60)) as store:
        log.create_function("uuid4", 0, lambda: str(uuid.uuid4()))
        if not log.execute("SELECT 1 FROM sqlite_master WHERE name = 'unimed_registries'").fetchone():
            return
        newest = "number IN (SELECT max(number) FROM unimed_registries GROUP BY model)"
        log.execute(
            "INSERT INTO unimed_registries (id, model, chain, address, place, at, who, why) SELECT uuid4(), model, chain, "
            f"address, place, strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now'), who, 'a copy of ' || id FROM unimed_registries WHERE {newest}"
        )
        for identity, model in log.execute(f"SELECT id, model FROM unimed_registries WHERE {newest}").fetchall():
            change = "UPDATE registered_model_tags SET value = ? WHERE name = ? AND key = ?"
            store.execute(change, (identity, model, TAG))
        store.commit()
        log.commit()


def _spellings(old: str, new: str) -> list[tuple[str, str]]:
    """The two paths as they are, as addresses, and as JSON writes letters beyond ASCII."""
    ways = (str, lambda path: Path(path).as_uri(), lambda path: json.dumps(path)[1:-1])
    return list(dict.fromkeys((way(old), way(new)) for way in ways))


def _text_columns(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            if "CHAR" in kind.upper() or "TEXT" in kind.upper():
                yield table, column


def _texts(private: Path) -> list[Path]:
    names = ("MLmodel", "weights.json", "lineage.json")
    records = [path for name in names for path in (private / ARTIFACTS).rglob(name)]
    return [private / "registration.json", *sorted(records)]


def _move_text(path: Path, old: str, new: str) -> None:
    if not path.is_file() or path.stat().st_size > _LARGEST:
        return
    before = path.read_bytes()
    after = before
    for one, other in _spellings(old, new):
        after = after.replace(f"{one}/".encode(), f"{other}/".encode()).replace(
            f'{one}"'.encode(), f'{other}"'.encode()
        )
    if after != before:
        write_bytes(path, after)
