"""Where things are, told independently of how they are spelled: MLflow's store by its address, the database of decisions
by what it says of itself."""

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from components.storage.addresses import shown

if TYPE_CHECKING:
    from sqlalchemy import Connection


_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///([^?]*)")


def is_server(uri: str) -> bool:
    """Whether MLflow's address is that of a server."""
    return uri.startswith(("http:", "https:"))


def sqlite_path(url: str) -> Path | None:
    """The file that an address of a database names, there or not; None where it is no SQLite file."""
    found = _SQLITE.match(url)
    return Path(found[1]) if found else None


def plain_address(uri: str) -> str:
    """One spelling of an address of MLflow's: no user, no password, no final slash, host in small letters, paths resolved."""
    if (file := sqlite_path(uri)) is not None:
        return f"sqlite:///{file.resolve()}"
    parts = urlsplit(shown(uri))
    if parts.scheme in ("", "file"):
        path = url2pathname(parts.path) if parts.scheme else uri
        return Path(path).resolve().as_uri()
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def place_of(connection: "Connection") -> str:
    """Which database this is. PostgreSQL: its cluster's identifier and the database's number, which no host name changes
    and no dump carries along; a physical copy of the whole cluster has them too. SQLite: the file's path."""
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        known = "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())"
        cluster, number = connection.execute(text(f"{known} FROM pg_control_system()")).one()
        return f"postgresql:{cluster}/{number}"
    return Path(str(connection.engine.url.database)).resolve().as_uri()


def spoken(place: str) -> str:
    """The place as people read it."""
    if place.startswith("file:"):
        return url2pathname(urlsplit(place).path)
    return f"the PostgreSQL database {place.partition(':')[2]}"
