"""A pooler that gives each transaction whatever session is free is told from a database, and from one that keeps them."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from components.registry.sessions import SharedSessions, require_sessions


class Pooler:
    """Two sessions of PostgreSQL, handed out for a transaction or for as long as a connection lasts."""

    dialect = SimpleNamespace(name="postgresql")

    def __init__(self, mode: str) -> None:
        self.mode, self.free = mode, [4711, 4712]

    @contextmanager
    def connect(self) -> Iterator["Connection"]:
        kept = self.free.pop(0) if self.mode == "session" else None
        yield Connection(self, kept)
        if kept is not None:
            self.free.insert(0, kept)


class Connection:
    def __init__(self, pooler: Pooler, kept: int | None) -> None:
        self.pooler, self.kept, self.pid = pooler, kept, 0

    @contextmanager
    def begin(self) -> Iterator[None]:
        self.pid = self.kept or self.pooler.free.pop(0)
        yield
        if self.kept is None:
            self.pooler.free.insert(0, self.pid)

    def execute(self, _):
        return SimpleNamespace(scalar_one=lambda: self.pid)


def test_a_pooler_by_transaction_is_named_and_one_by_session_is_not():
    require_sessions(Pooler("session"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(SharedSessions, match="a pooler in transaction mode stands before the database of decisions"):
        require_sessions(Pooler("transaction"))  # pyright: ignore[reportArgumentType]


def test_sqlite_has_no_sessions_to_ask_for():
    require_sessions(SimpleNamespace(dialect=SimpleNamespace(name="sqlite")))  # pyright: ignore[reportArgumentType]
