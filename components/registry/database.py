"""Our own database for decisions: `.unimed/unimed.db`, or what UNIMED_DATABASE_URL names. Never tables of MLflow's."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from components.registry.places import plain_address, sqlite_path
from components.storage.addresses import shown
from components.storage.home import DECISIONS, MLFLOW
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

ENVIRONMENT = "UNIMED_DATABASE_URL"
TRACKING = "MLFLOW_TRACKING_URI"


class Impossible(ValueError):
    """You asked for something that cannot be; the command line leaves with 2."""


def tracking_uri(workspace: Workspace) -> str:
    """MLflow's address: MLFLOW_TRACKING_URI, else the workspace's own SQLite file."""
    return os.environ.get(TRACKING) or embedded_uri(workspace)


def embedded_uri(workspace: Workspace) -> str:
    """The workspace's own MLflow database."""
    return f"sqlite:///{workspace.private / MLFLOW}"


def database_url(workspace: Workspace) -> str:
    """Where decisions are kept; raises Impossible for a shared MLflow without a shared database.

    Two workspaces that promote on one registry must see one lease and one log.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        return named
    own = workspace.private / DECISIONS
    if not is_embedded(workspace):
        kept = f"; to go on with what this workspace decided until now: sqlite:///{own}" if own.is_file() else ""
        raise Impossible(
            f"MLFLOW_TRACKING_URI is {shown(tracking_uri(workspace))}, which other workspaces can write, and {ENVIRONMENT} "
            f"is not set: decisions would be kept twice; set {ENVIRONMENT} to the team's database "
            f"(postgresql+psycopg://…, or sqlite:////… on a disk that all share){kept}"
        )
    return f"sqlite:///{own}"


def has_log(workspace: Workspace) -> bool:
    """Whether there is a database of decisions that can be read."""
    try:
        url = database_url(workspace)
    except Impossible:
        return False
    file = sqlite_path(url)
    return file is None or file.is_file()


def has_own_mlflow(workspace: Workspace) -> bool:
    """Whether MLflow is the workspace's own file."""
    return plain_address(tracking_uri(workspace)) == plain_address(embedded_uri(workspace))


def has_store(workspace: Workspace) -> bool:
    """Whether MLflow may hold something: its own file is made by whoever registers first."""
    return not has_own_mlflow(workspace) or (workspace.private / MLFLOW).is_file()


def is_embedded(workspace: Workspace) -> bool:
    """Whether MLflow and the database of decisions are both the workspace's own files, which no other workspace shares."""
    return not os.environ.get(ENVIRONMENT) and has_own_mlflow(workspace)


@contextmanager
def transaction(workspace: Workspace) -> Iterator["Connection"]:
    """A connection inside one transaction: all of it is written, or nothing."""
    with engine_of(workspace).begin() as connection:
        yield connection


def engine_of(workspace: Workspace) -> "Engine":
    """The process's engine for the workspace's database, whose tables are brought to this release first."""
    from components.registry.migrating import bring_up

    url = database_url(workspace)
    if (file := sqlite_path(url)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(url, os.getpid())
        bring_up(engine)  # each time: a file can be put back or taken away, and the look costs less than a millisecond
        return engine
    return _engine(url, os.getpid())


@lru_cache
def decisions_table() -> "Table":
    """Table of decisions: one chain of rows per registry; (registry, sequence) is unique, so two cannot write one."""
    from sqlalchemy import Column, Integer, MetaData, String, Table, Text

    return Table(
        "unimed_decisions",
        MetaData(),
        Column("registry", String(255), primary_key=True),
        Column("sequence", Integer, primary_key=True, autoincrement=False),
        Column("body", Text, nullable=False),
        Column("hash", String(64), nullable=False),
    )


@lru_cache
def _engine(url: str, process: int) -> "Engine":
    """One engine a process: a fork must not share its parent's connections."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.pool import NullPool

    from components.registry.migrating import bring_up

    if url.startswith("sqlite"):
        return create_engine(url, poolclass=NullPool, connect_args={"timeout": 30})
    try:
        # What providers print names no driver, and SQLAlchemy would ask for one that is not installed.
        engine = create_engine(re.sub(r"^postgres(ql)?:", "postgresql+psycopg:", url), poolclass=NullPool)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise Impossible(
            f"{ENVIRONMENT} is {shown(url)}, which names no database that can be used here ({error}); write it like "
            "postgresql+psycopg://user@host/unimed"
        ) from None
    bring_up(engine)
    return engine
