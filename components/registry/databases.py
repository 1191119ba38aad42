"""Copying a whole database out and in, as it is at one moment: SQLite by its own backup, PostgreSQL by pg_dump and pg_restore."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from components.registry.places import sqlite_path
from components.storage.addresses import shown
from components.storage.atomic import atomic_path

DUMP_SECONDS = 3600
OURS = "unimed_*"
"""Our tables in PostgreSQL, where MLflow's may stand beside them."""


def ending(url: str) -> str:
    """How a copy of the database is named; raises ValueError for a kind that cannot be copied."""
    if sqlite_path(url) is not None:
        return "sqlite"
    if url.startswith("postgresql"):
        return "dump"
    raise ValueError(f"{shown(url)} is neither SQLite nor PostgreSQL: its own tools make its copies")


def copy_out(url: str, target: Path, *, tables: Sequence[str] = (), without: Sequence[str] = ()) -> None:
    """Write the database to the file; of PostgreSQL only `tables`, or all but `without`. Raises ValueError."""
    with atomic_path(target) as temporary:
        if (file := sqlite_path(url)) is not None:
            _copy(file, temporary)
            return
        chosen = [f"--table={name}" for name in tables] + [f"--exclude-table={name}" for name in without]
        _tool("pg_dump", url, "--format=custom", f"--file={temporary}", *chosen)


def copy_in(url: str, source: Path) -> None:
    """Put the copy in the place of what the database holds: all of it, or nothing after a failure. Raises ValueError."""
    if (file := sqlite_path(url)) is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy(source, file)
        return
    choices = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
    _tool("pg_restore", url, *choices, str(source), names_database=True)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise ValueError(f"{source} is not there; nothing to copy")
    # Through SQLite, so that a writer at work is waited for and open connections see the new pages.
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as before,
        closing(sqlite3.connect(target, timeout=60)) as after,
    ):
        before.backup(after)


def _tool(name: str, url: str, *choices: str, names_database: bool = False) -> None:
    """Run one of PostgreSQL's programs; the password goes through the environment, where `ps` does not show it."""
    from sqlalchemy import make_url

    program = shutil.which(name) or _newest(name)
    if program is None:
        raise ValueError(
            f"{name} is missing; install PostgreSQL's client programs (Debian: apt-get install postgresql-client)"
        )
    parts = make_url(url)
    bare = parts.set(drivername="postgresql", password=None).render_as_string()
    environment = dict(os.environ) | ({"PGPASSWORD": str(parts.password)} if parts.password else {})
    command = [program, *choices, f"--dbname={bare}"] if names_database else [program, f"--dbname={bare}", *choices]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=DUMP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"{name} of {shown(url)} took more than {DUMP_SECONDS} s and was ended") from None
    if done.returncode:
        raise ValueError(f"{name} of {shown(url)} failed: {shown(done.stderr.strip())[-600:]}")


def _newest(name: str) -> str | None:
    """Debian keeps them outside of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else None
