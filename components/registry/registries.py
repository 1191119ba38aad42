"""Table of registries: whose decisions a chain of the log holds, and where the database stood when that was written.

Rows are added and never changed: of a registry the newest one counts.
"""

from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

FORMER_EMBEDDED = "embedded"
"""What earlier releases called the chain of a workspace's own registry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """One row."""

    id: str
    """UUID, which MLflow's registered model bears as a tag."""
    model: str
    chain: str
    """Key of its decisions in the log: its first id, or the address under which an earlier release kept them."""
    address: str
    """MLflow's, as it was spelled then."""
    place: str
    """Of the database of decisions."""
    at: str
    """UTC, ISO 8601."""
    who: str
    why: str


@lru_cache
def registries_table() -> "Table":
    """Table of registries."""
    from sqlalchemy import Column, Integer, MetaData, String, Table, Text

    return Table(
        "unimed_registries",
        MetaData(),
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("id", String(36), nullable=False),
        Column("model", String(255), nullable=False),
        Column("chain", String(255), nullable=False),
        Column("address", Text, nullable=False),
        Column("place", Text, nullable=False),
        Column("at", String(40), nullable=False),
        Column("who", Text, nullable=False),
        Column("why", Text, nullable=False),
    )


def rows(connection: "Connection", *conditions: "ColumnElement[bool]") -> list[Registry]:
    """The rows for which all conditions hold, oldest first."""
    from sqlalchemy import select

    table = registries_table()
    names = [field.name for field in fields(Registry)]
    wanted = select(*(table.c[name] for name in names)).where(*conditions).order_by(table.c.number)
    return [Registry(**dict(zip(names, row, strict=True))) for row in connection.execute(wanted)]


def add(connection: "Connection", registry: Registry) -> Registry:
    """Write the row down."""
    from sqlalchemy import insert

    connection.execute(insert(registries_table()).values(asdict(registry)))
    return registry


def former_chains(connection: "Connection") -> list[str]:
    """Chains of the log that no row names: what releases without this table left."""
    from sqlalchemy import select

    from components.registry.database import decisions_table

    logged, table = decisions_table(), registries_table()
    wanted = select(logged.c.registry).distinct().where(logged.c.registry.not_in(select(table.c.chain)))
    return sorted(connection.execute(wanted).scalars())
