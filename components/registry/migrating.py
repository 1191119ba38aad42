"""Our tables in the database of decisions, brought to this release by alembic under a lock of their own."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from components.storage.locks import hold

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

VERSION_TABLE = "unimed_version"
"""Alembic's own table has another name, since MLflow's may stand beside ours."""
REVISIONS = ("0001", "0002")
"""Every revision, oldest first; a test holds the folder `migrations/versions` to it."""
FOLDER = Path(__file__).parent / "migrations"
LOCK_SECONDS = 60
_LOCK_KEY = 0x756E696D6564
"""`unimed`, of the transaction's advisory lock in PostgreSQL."""


class NewerDatabase(ValueError):
    """The tables are of a newer release than this one."""


def bring_up(engine: "Engine") -> None:
    """Create or upgrade our tables. Several processes may call it at once: one does it, the others wait.

    Raises NewerDatabase when a newer release was here before.
    """
    with engine.connect() as connection:
        found = version_of(connection)
    if found == REVISIONS[-1]:
        return
    if found is not None and found not in REVISIONS:
        raise NewerDatabase(
            f"the database of decisions ({engine.url.render_as_string()}) has tables of version {found}, this release knows "
            f"up to {REVISIONS[-1]}: use the newer release of unimed that was here before"
        )
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    lock = (
        hold(Path(file).with_suffix(".upgrade.lock"), "upgrade", wait_seconds=LOCK_SECONDS) if file else nullcontext()
    )
    with lock, engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            from sqlalchemy import text

            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        if version_of(connection) != REVISIONS[-1]:
            _upgrade(connection)


def version_of(connection: "Connection") -> str | None:
    """The revision of our tables; None where there are none, or only those of a release that had no revisions."""
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _upgrade(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
