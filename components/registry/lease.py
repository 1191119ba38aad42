"""One writer at a time for champion and challenger. The holder's death frees the lease at once: no clock decides."""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.registry.database import database_url, engine_of, transaction
from components.registry.identity import registry_of
from components.registry.places import sqlite_path
from components.registry.sessions import require_sessions
from components.storage.locks import Held, hold
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from sqlalchemy import Connection

_HOLDER = (
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.objid = :key AND l.granted"
)
_MINE = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :key AND granted AND pid = pg_backend_pid()"
)


class LeaseLost(ValueError):
    """The database ended the session that held the lease: nothing is written by it after that."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to decide about a workspace's registry, and the connection on which decisions are written."""

    workspace: Workspace
    connection: "Connection | None" = None
    """PostgreSQL's session that holds the lock; None beside SQLite, where a file lock does."""
    key: int = 0

    def check(self) -> None:
        """Raise LeaseLost unless the lease is still held: who has lost it leaves the alias to whoever has it now."""
        if self.connection is not None:
            with self.transaction():
                pass

    @contextmanager
    def transaction(self) -> Iterator["Connection"]:
        """A transaction on the lock's own connection, so that who has lost the lock cannot write.

        Raises LeaseLost when the session ended, or when a pooler gave it to somebody else meanwhile.
        """
        if self.connection is None:
            with transaction(self.workspace) as connection:
                yield connection
            return
        from sqlalchemy import text
        from sqlalchemy.exc import OperationalError

        if self.connection.invalidated:  # SQLAlchemy would go on with another session
            raise LeaseLost("the database ended the session that held the lease")
        try:
            with self.connection.begin():
                if not self.connection.execute(text(_MINE), {"key": self.key}).scalar_one():
                    raise LeaseLost(
                        "the database gave this session's lock away between two statements: a pooler in transaction mode "
                        "stands before it; point UNIMED_DATABASE_URL at the database itself or at session pooling"
                    )
                yield self.connection
        except OperationalError as error:
            raise LeaseLost(
                f"the database ended the session that held the lease ({str(error.orig).strip().splitlines()[0]})"
            ) from None


@contextmanager
def hold_lease(workspace: Workspace, what: str, *, wait_seconds: float = 0.0) -> Iterator[Lease]:
    """Hold the registry's lease for `what`, waited for so long; raises Held, naming who has it, when that was too short.

    With SQLite a kernel file lock beside the database; with PostgreSQL an advisory lock of the session.
    """
    url, registry = database_url(workspace), registry_of(workspace)
    if (database := sqlite_path(url)) is not None:
        with hold(database.with_suffix(".lease.lock"), what, wait_seconds=wait_seconds):
            yield Lease(workspace)
        return
    engine = engine_of(workspace)
    require_sessions(engine)
    key = _key(registry.chain)
    with engine.connect() as connection:
        _lock(connection, key, what, wait_seconds)
        try:
            yield Lease(workspace, connection, key)
        finally:
            # Ends the session, which frees the lock, also where the connection is broken.
            connection.invalidate()


def _lock(connection: "Connection", key: int, what: str, wait_seconds: float) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    name = f"unimed {what} pid {os.getpid()} on {socket.gethostname()}"[:63]
    milliseconds = str(max(int(wait_seconds * 1000), 1))
    with connection.begin():
        for setting, value in (("application_name", name), ("lock_timeout", milliseconds)):
            connection.execute(text("SELECT set_config(:setting, :value, false)"), {"setting": setting, "value": value})
    try:
        with connection.begin():
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            connection.execute(text("SELECT set_config('lock_timeout', '30s', false)"))  # for what is written now
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":  # lock_not_available: the time is over
            said = str(error.orig).strip().splitlines()[0]
            raise LeaseLost(
                f"the database ended the session that asked for the lease ({said}): nothing was decided; the same command "
                "tries again"
            ) from None
        with connection.begin():
            holder = connection.execute(text(_HOLDER), {"key": key}).scalar()
        connection.invalidate()
        raise Held(f"{what}: held by {holder or 'a session that has ended since: try again'}") from None


def _key(registry: str) -> int:
    return int.from_bytes(hashlib.sha256(f"unimed-lease:{registry}".encode()).digest()[:4], "big") >> 1
