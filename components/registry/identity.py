"""Which registry this is: one for all who reach the same model of the same MLflow store, however they spell its address.

A registry has an id, made once under a lock of the whole database of decisions and borne by MLflow's registered model.
A workspace's own MLflow needs no tag: its own database of decisions serves no other store.
"""

import os
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from components.recipes.registry import model_name
from components.registry import places
from components.registry.database import (
    Impossible,
    database_url,
    engine_of,
    is_embedded,
    tracking_uri,
)
from components.registry.database_lock import database_lock
from components.registry.presence import tags_on_server
from components.registry.registries import FORMER_EMBEDDED, Registry, add, former_chains, registries_table, rows
from components.registry.tracking import Tracking, connect
from components.storage.addresses import shown
from components.storage.user import user_name
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from sqlalchemy import Connection

TAG = "unimed.registry"
"""Of the registered model: the registry's id."""


class Copied(ValueError):
    """The database of decisions is not where it was: a copy, or moved."""


def chain_of(workspace: Workspace) -> str:
    """Key of the workspace's decisions in the log; empty where nothing can have been decided. Nothing is written.

    Raises Impossible where MLflow's model belongs to a registry that the database of decisions does not know.
    """
    found = _known(workspace)
    if found is not None:
        return found.chain
    with engine_of(workspace).connect() as connection:
        return _former_chain(workspace, connection) or ""


def registry_of(workspace: Workspace) -> Registry:
    """The workspace's registry, made where there is none. Raises Impossible as `chain_of` does, Copied where the database
    of decisions stands at another place than the registry was made at."""
    return find_registry(workspace) or _made(workspace)


def find_registry(workspace: Workspace) -> Registry | None:
    """The workspace's registry, None where there is none yet; raises as `registry_of` does."""
    found = _known(workspace)
    if found is not None and not is_embedded(workspace):
        with engine_of(workspace).connect() as connection:
            _check_place(workspace, connection, found)
    return found


def settle_place(workspace: Workspace, what: Literal["moved", "copy"], *, who: str, why: str) -> Registry:
    """Say of a database that stands elsewhere that it was moved, and is the registry; or that it is a copy, which gets an
    id of its own, for it and for the copy of MLflow's store that belongs to it. Raises Impossible where nothing is to say."""
    found = _known(workspace)
    if found is None or is_embedded(workspace):
        raise Impossible("nothing is to settle: the registry is the workspace's own (`unimed doctor --repair`), or new")
    with database_lock(engine_of(workspace), "identity") as connection:
        place = places.place_of(connection)
        if place == found.place:
            raise Impossible(f"nothing is to settle: registry {found.id} was made here, at {places.spoken(place)}")
        made = _row(workspace, connection, found.chain, identity=found.id if what == "moved" else "", who=who, why=why)
        add(connection, made)
        if what == "copy":
            _tag(connect(workspace), made.id)
    _shared.cache_clear()
    return made


def tag_model(tracking: Tracking, registry: Registry) -> None:
    """Let MLflow's registered model bear the id, if it does not yet."""
    if _tag_of(tracking) != registry.id:
        _tag(tracking, registry.id)


def _known(workspace: Workspace) -> Registry | None:
    """The newest row about the registry; None where there is none yet."""
    model = model_name(workspace.params)
    if is_embedded(workspace):
        with engine_of(workspace).connect() as connection:
            return next(reversed(rows(connection, registries_table().c.model == model)), None)
    try:
        return _shared(workspace, database_url(workspace), tracking_uri(workspace), model, os.getpid())
    except _Unknown:
        return None


class _Unknown(LookupError):
    """Nobody decided about it yet."""


@lru_cache
def _shared(workspace: Workspace, url: str, uri: str, model: str, process: int) -> Registry:
    """Asked once a process, since MLflow's server is asked. Raises _Unknown, which is not remembered."""
    # A server is asked without MLflow's client, which tries for minutes.
    on_server = places.is_server(uri)
    identity = tags_on_server(uri, model).get(TAG, "") if on_server else _tag_of(connect(workspace))
    with engine_of(workspace).connect() as connection:
        found = _row_of(workspace, connection, identity, model)
    if found is None:
        raise _Unknown
    return found


def _row_of(workspace: Workspace, connection: "Connection", identity: str, model: str) -> Registry | None:
    columns, uri = registries_table().c, tracking_uri(workspace)
    if not identity:  # the registered model was deleted, or is still to be made
        same = [row for row in rows(connection, columns.model == model) if _is_at(row, uri)]
        return same[-1] if same else None
    known = rows(connection, columns.id == identity)
    if not known:
        raise Impossible(
            f"the model {model} of MLflow at {shown(uri)} belongs to registry {identity}, which the database of decisions "
            f"{shown(database_url(workspace))} does not know: it is another one, or one restored from before the first "
            "decision; set UNIMED_DATABASE_URL to the one that holds them"
        )
    return known[-1]


def _made(workspace: Workspace) -> Registry:
    """The registry, made by whoever gets the database's lock first and read back by all."""
    if is_embedded(workspace):
        with database_lock(engine_of(workspace), "identity") as connection:
            known = rows(connection, registries_table().c.model == model_name(workspace.params))
            return known[-1] if known else _new(workspace, connection)
    tracking = connect(workspace)
    with database_lock(engine_of(workspace), "identity") as connection:
        found = _row_of(workspace, connection, _tag_of(tracking), tracking.model)
        made = found or _new(workspace, connection)
        tag_model(tracking, made)
        if (kept := _tag_of(tracking)) != made.id:
            raise ValueError(
                f"MLflow at {shown(tracking_uri(workspace))} was told that its model {tracking.model} belongs to registry "
                f"{made.id} and says {kept or 'nothing'}: does somebody change it at this moment? try again"
            )
    return made


def _new(workspace: Workspace, connection: "Connection") -> Registry:
    chain = _former_chain(workspace, connection)
    why = f"took over the decisions of {shown(chain)}" if chain else "first use"
    return add(connection, _row(workspace, connection, chain, who=user_name(), why=why))


def _row(
    workspace: Workspace, connection: "Connection", chain: str | None, *, who: str, why: str, identity: str = ""
) -> Registry:
    identity = identity or str(uuid.uuid4())
    return Registry(
        id=identity,
        model=model_name(workspace.params),
        chain=chain or identity,
        address=shown(tracking_uri(workspace)),
        place=places.place_of(connection),
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        who=who,
        why=why,
    )


def _former_chain(workspace: Workspace, connection: "Connection") -> str | None:
    """The chain that a release without ids kept for this store: by the present spelling of its address, else by another."""
    from components.recipes.registry import MODEL

    if model_name(workspace.params) != MODEL:
        return None
    left, uri = former_chains(connection), tracking_uri(workspace)
    if is_embedded(workspace):
        return FORMER_EMBEDDED if FORMER_EMBEDDED in left else None
    spelled = uri.split("@")[-1]
    same = [chain for chain in left if _bare(chain) == _bare(uri)]
    return spelled if spelled in left else same[0] if same else None


def _bare(address: str) -> str:
    """An address without its scheme, which earlier releases cut off where it held a user."""
    is_whole = address.startswith(("/", "file:")) or "://" in address
    return (places.plain_address(address) if is_whole else address.rstrip("/").lower()).split("://")[-1]


def _is_at(row: Registry, uri: str) -> bool:
    return places.plain_address(row.address) == places.plain_address(uri)


def _check_place(workspace: Workspace, connection: "Connection", registry: Registry) -> None:
    place = places.place_of(connection)
    if place == registry.place:
        return
    raise Copied(
        f"the database of decisions {shown(database_url(workspace))} says that registry {registry.id} lives in "
        f"{places.spoken(registry.place)}, and is {places.spoken(place)}: it is a copy, or was moved; moved or restored, "
        'and the former one is gone for good: `unimed registry settle moved --why "…"`. A copy, with an MLflow store of '
        'its own: `unimed registry settle copy --why "…"` gives both another id'
    )


def _tag_of(tracking: Tracking) -> str:
    """The id that MLflow's registered model bears; empty where there is none."""
    found = tracking.client.search_registered_models(f"name = '{tracking.model}'")  # the other call loads every version
    return found[0].tags.get(TAG, "") if found else ""


def _tag(tracking: Tracking, identity: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        tracking.client.create_registered_model(
            tracking.model, description="UniMed: unified medical vision-language model"
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tracking.client.set_registered_model_tag(tracking.model, TAG, identity)
