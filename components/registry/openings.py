"""Openings of the exam: which version of it was asked of which weights, when, by whom and why. A line that was written is
never changed; a cached prediction that is read again is no opening."""

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from components.registry.database import transaction
from components.registry.identity import chain_of, registry_of
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from sqlalchemy import Table

WHO, WHY = "UNIMED_OPENED_BY", "UNIMED_OPENED_FOR"
"""In the environment of the stage that predicts: who opens the exam and what for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """One line."""

    exam: str
    version: int
    weights_sha256: str
    at: str
    """UTC, ISO 8601."""
    who: str
    why: str


def open_exam(workspace: Workspace, exam: str, version: int, weights_sha256: str) -> None:
    """Write an opening down; who and why come from the environment, or it is a person at a shell."""
    from sqlalchemy import insert

    row = {
        "registry": registry_of(workspace).chain,
        "exam": exam,
        "version": version,
        "weights_sha256": weights_sha256,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "who": os.environ.get(WHO) or getpass.getuser(),
        "why": os.environ.get(WHY) or "by hand",
    }
    with transaction(workspace) as connection:
        connection.execute(insert(openings_table()).values(row))


def openings(workspace: Workspace, exam: str = "") -> list[Opening]:
    """Every opening of the exam with that id (none named: of any), the first one first."""
    from sqlalchemy import select

    table = openings_table()
    names = list(Opening.__dataclass_fields__)
    wanted = select(*(table.c[name] for name in names)).where(table.c.registry == chain_of(workspace))
    if exam:
        wanted = wanted.where(table.c.exam == exam)
    with transaction(workspace) as connection:
        rows = connection.execute(wanted.order_by(table.c.number)).all()
    return [Opening(**dict(zip(names, row, strict=True))) for row in rows]


def environment(who: str, why: str) -> Mapping[str, str]:
    """What a stage must carry so that its opening says who and why."""
    return {**os.environ, WHO: who, WHY: why}


@lru_cache
def openings_table() -> "Table":
    """Table of openings."""
    from sqlalchemy import Column, Integer, MetaData, String, Table, Text

    return Table(
        "unimed_openings",
        MetaData(),
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("registry", String(255), nullable=False),
        Column("exam", String(64), nullable=False),
        Column("version", Integer, nullable=False),
        Column("weights_sha256", String(64), nullable=False),
        Column("at", String(40), nullable=False),
        Column("who", Text, nullable=False),
        Column("why", Text, nullable=False),
    )
