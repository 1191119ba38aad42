"""Whether a connection to the database of decisions keeps its session, on which the lease rests."""

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from components.registry.database import ENVIRONMENT

if TYPE_CHECKING:
    from sqlalchemy import Engine


class SharedSessions(ValueError):
    """A pooler gives each transaction whatever session is free."""


def require_sessions(engine: "Engine") -> None:
    """Raise SharedSessions where a pooler in transaction mode stands before PostgreSQL: a lock taken there belongs to
    nobody, and stays behind. Asked once a process."""
    if engine.dialect.name == "postgresql":
        _require(engine, os.getpid())


@lru_cache
def _require(engine: "Engine", process: int) -> None:
    from sqlalchemy import text

    which = text("SELECT pg_backend_pid()")
    with engine.connect() as one, engine.connect() as other:
        with one.begin():
            before = one.execute(which).scalar_one()
        # A pooler would give the other's transaction the session that is free now, and the first one's next another.
        with other.begin():
            taken = other.execute(which).scalar_one()
            with one.begin():
                after = one.execute(which).scalar_one()
    if before != after or before == taken:
        raise SharedSessions(
            "a pooler in transaction mode stands before the database of decisions: two transactions of one connection had "
            f"two sessions, and a lease cannot be held; point {ENVIRONMENT} at the database itself or at session pooling"
        )
