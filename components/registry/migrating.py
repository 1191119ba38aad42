"""Our tables in the database of decisions, brought to this release by alembic under a lock of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components.registry.database_lock import database_lock
from components.storage.addresses import shown

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

VERSION_TABLE = "unimed_version"
"""Alembic's own table has another name, since MLflow's may stand beside ours."""
REVISIONS = ("0001", "0002", "0003")
"""Every revision, oldest first; a test holds the folder `migrations/versions` to it."""
FOLDER = Path(__file__).parent / "migrations"


class NewerDatabase(ValueError):
    """The tables are of a newer release than this one."""


class NeedsOwner(ValueError):
    """The tables are to be made or upgraded, which the role that asks may not do."""


def bring_up(engine: "Engine") -> None:
    """Create or upgrade our tables. Several processes may call it at once: one does it, the others wait.

    Raises NewerDatabase when a newer release was here before, NeedsOwner when the role may not make tables.
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
    with _for_the_owner(engine, found), database_lock(engine, "upgrade") as connection:
        if version_of(connection) != REVISIONS[-1]:
            _upgrade(connection)


def version_of(connection: "Connection") -> str | None:
    """The revision of our tables; None where there are none, or only those of a release that had no revisions."""
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


@contextmanager
def _for_the_owner(engine: "Engine", found: str | None) -> Iterator[None]:
    """Say who may upgrade, where the role that asks may only read and add."""
    from sqlalchemy.exc import ProgrammingError

    try:
        yield
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != "42501":  # insufficient_privilege
            raise
        raise NeedsOwner(
            f"the database of decisions ({shown(engine.url.render_as_string())}) has tables of version {found or 'none'}, this "
            f"release needs {REVISIONS[-1]}, and the role {engine.url.username} may not make them: run `unimed registry log` "
            "once as the database's owner (UNIMED_DATABASE_URL with the owner's name), then infra/postgresql/registry.sql"
        ) from None


def _upgrade(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
