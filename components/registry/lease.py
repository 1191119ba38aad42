"""One writer at a time for champion and challenger. The holder's death frees the lease at once: no clock decides."""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.registry.database import database_url, registry_name
from components.storage.locks import Held, hold
from components.storage.workspace import Workspace


@contextmanager
def hold_lease(workspace: Workspace, what: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the registry's lease for `what`; raises Held, naming who has it, when another process does.

    With SQLite a kernel file lock beside the database, waited for; with PostgreSQL an advisory lock of the session, asked
    for once.
    """
    url = database_url(workspace)
    if url.startswith("sqlite"):
        database = Path(url.removeprefix("sqlite:///"))
        with hold(database.with_suffix(".lease.lock"), what, wait_seconds=wait_seconds):
            yield
        return
    with _advisory(url, registry_name(workspace), what):
        yield


@contextmanager
def _advisory(url: str, registry: str, what: str) -> Iterator[None]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    key = int.from_bytes(hashlib.sha256(f"unimed-lease:{registry}".encode()).digest()[:4], "big") >> 1
    name = f"unimed {what} pid {os.getpid()} on {socket.gethostname()}"[:63]
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
            holder = connection.execute(
                text(
                    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE l.locktype = 'advisory' AND l.objid = :key AND l.granted"
                ),
                {"key": key},
            ).scalar()
            raise Held(f"{what}: held by {holder or 'another session'}")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
