"""What `unimed doctor` says of the registry: whether MLflow's store and the decision log can be read and belong together, which
registry it is, and whether the database of decisions can hold a lease."""

from collections.abc import Iterator
from typing import Any

from flows.checkup import Finding, is_up


def registry_findings(workspace: Any, *, at_home: bool = True) -> Iterator[Finding]:
    """Findings about MLflow's store and the decision log; of a workspace that was moved, whose records name another place, only
    whether their files are whole."""
    from components.storage.own_databases import Damaged, check_databases

    try:
        check_databases(workspace)
    except Damaged as error:
        yield _bad("databases", error)
        return
    if not at_home:
        return
    if (workspace.private / "mlflow.db").is_file():
        yield _database(workspace)
    yield from _pair(workspace)
    yield from _decisions(workspace)


def _decisions(workspace: Any) -> Iterator[Finding]:
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


def _database(workspace: Any) -> Finding:
    from components.registry.tracking import OtherRelease, connect

    try:
        connect(workspace)
    except OtherRelease as error:
        what, _, fix = str(error).partition("; ")
        return Finding("bad", "MLflow database", what, fix)
    return Finding("good", "MLflow database", "this release's")


def _pair(workspace: Any) -> Iterator[Finding]:
    """Whether decision log and MLflow's store are of one moment, where both can be asked."""
    from components.registry.catalogue import all_versions, none_registered
    from components.registry.database import has_log, has_store, tracking_uri
    from components.registry.decisions import read_log
    from components.registry.pairing import mismatch
    from components.registry.places import is_server
    from components.registry.tracking import connect

    uri = tracking_uri(workspace)
    if not has_store(workspace) or (is_server(uri) and not is_up(uri)):
        return
    try:
        log = read_log(workspace) if has_log(workspace) else []
        versions = all_versions(connect(workspace))
        reason = mismatch(log, versions)
    except ValueError as error:
        yield Finding(
            "bad", "decision log", str(error).splitlines()[0], "restore it from a backup: `unimed registry restore`"
        )
        return
    if log and not versions and not reason:
        reason = none_registered(workspace)
    found, _, fix = (reason or f"{len(log)} decisions, as MLflow knows them").partition("; ")
    yield Finding("bad" if reason else "good", "decision log", found, fix)


def _sessions(workspace: Any, where: str) -> Finding:
    from components.registry.database import engine_of
    from components.registry.sessions import require_sessions

    try:
        require_sessions(engine_of(workspace))
    except Exception as error:  # whatever a database or the way to it answers
        return _bad("decisions", error)
    return Finding("good", "decisions", f"{where}, each connection with a session of its own")


def _identity(workspace: Any) -> Finding:
    from components.registry.client_timeouts import briefly
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
