"""One process at a time in the whole database of decisions, for what is made once: its tables, a registry's identity."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.storage.locks import hold

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

Purpose = Literal["upgrade", "identity"]
_KEYS: dict[Purpose, int] = {"upgrade": 0x756E696D6564, "identity": 0x756E696D6565}
"""Of PostgreSQL's advisory locks: `unimed`, and the next."""
SECONDS = 60


@contextmanager
def database_lock(engine: "Engine", purpose: Purpose) -> "Iterator[Connection]":
    """A transaction under the database's lock for the purpose, waited for. With PostgreSQL the lock is the transaction's and
    ends with it; beside SQLite it is a file's."""
    from sqlalchemy import text

    file = engine.url.database if engine.dialect.name == "sqlite" else None
    lock = hold(Path(file).with_suffix(f".{purpose}.lock"), purpose, wait_seconds=SECONDS) if file else nullcontext()
    with lock, engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _KEYS[purpose]})
        yield connection
