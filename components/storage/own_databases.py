"""The workspace's own SQLite files: whether they are databases still."""

import sqlite3
from contextlib import closing
from pathlib import Path

from components.storage.home import DECISIONS, MLFLOW
from components.storage.workspace import Workspace

RESTORE = "`unimed registry restore FOLDER` brings MLflow's store and the decision log back from one backup"


class Damaged(ValueError):
    """A file of the workspace is no database any more."""


def check_databases(workspace: Workspace) -> None:
    """Raises Damaged, with the way back, where one is there that SQLite cannot read: what a run makes could not be kept."""
    for name in (MLFLOW, DECISIONS):
        file = workspace.private / name
        if said := damage(file):
            raise Damaged(f"{file} cannot be used ({said}); {RESTORE}")


def damage(file: Path) -> str:
    """What SQLite says of a file that it cannot read; empty where it can, or where there is none."""
    if not file.is_file():
        return ""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.OperationalError:
        return ""  # locked, or on a disk that is only read: whoever works on it says so
    except sqlite3.DatabaseError as error:
        return str(error)
    return ""
