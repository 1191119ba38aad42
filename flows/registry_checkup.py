"""What `unimed doctor` says of the registry: which one it is, and whether the database of decisions can hold a lease."""

from collections.abc import Iterator
from typing import Any

from flows.checkup import Finding


def registry_findings(workspace: Any) -> Iterator[Finding]:
    """Findings about a database of decisions that is shared, and about the identity of the registry."""
    from components.registry.database import database_url, has_log, is_embedded
    from components.storage.addresses import shown

    try:
        where = shown(database_url(workspace))
    except ValueError as error:
        yield _bad("decisions", error)
        return
    if not has_log(workspace):
        return
    if not is_embedded(workspace):
        yield _sessions(workspace, where)
    yield _identity(workspace)


def _sessions(workspace: Any, where: str) -> Finding:
    from components.registry.database import engine_of
    from components.registry.sessions import require_sessions

    try:
        require_sessions(engine_of(workspace))
    except Exception as error:  # whatever a database or the way to it answers
        return _bad("decisions", error)
    return Finding("good", "decisions", f"{where}, each connection with a session of its own")


def _identity(workspace: Any) -> Finding:
    from components.registry.brief import briefly
    from components.registry.identity import find_registry
    from components.registry.places import spoken

    try:
        with briefly():
            found = find_registry(workspace)
    except Exception as error:
        return _bad("registry", error)
    if found is None:
        return Finding("good", "registry", "none yet; the first decision makes one")
    return Finding("good", "registry", f"{found.id} (model {found.model}), in {spoken(found.place)}")


def _bad(what: str, error: Exception) -> Finding:
    from components.storage.addresses import shown

    found, _, fix = " ".join(shown(str(error)).split()).partition("; ")
    return Finding("bad", what, found[:400], fix or "mend it, then ask again")
