"""Which versions and aliases the registry holds at this moment, asked without MLflow's import: of our own file, or of a server."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from components.registry.database import TRACKING, has_store, tracking_uri
from components.registry.own_store import read_own, versions_in
from components.registry.places import is_server
from components.registry.version import Version
from components.storage.addresses import shown
from components.storage.workspace import Workspace

_SECONDS = 10.0
_PAGE = 1000


class Away(ValueError):
    """The registry does not answer now."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What is registered now."""

    versions: frozenset[int]
    aliases: Mapping[str, int]


def registered_now(workspace: Workspace, model: str) -> Presence:
    """What the registry holds of the model. An own SQLite file and a server are asked without MLflow, whose import takes two
    seconds and whose client tries for minutes; raises Away for a server that does not answer."""
    uri = tracking_uri(workspace)
    if is_server(uri):
        return _of_server(uri, model)
    if not has_store(workspace):
        return Presence(frozenset(), {})
    own = read_own(uri, lambda file: versions_in(file, model))
    return _asked(workspace) if own is None else _of(own)


def _of_server(uri: str, model: str) -> Presence:
    with _answering(uri):
        versions = frozenset(int(found["version"]) for found in _versions(uri, model))
        named = _get(uri, "registered-models/get", {"name": model}).get("registered_model", {})
        return Presence(versions, {found["alias"]: int(found["version"]) for found in named.get("aliases", [])})


def tags_on_server(uri: str, model: str) -> dict[str, str]:
    """The registered model's tags, none where there is no such model; raises Away for a server that does not answer."""
    with _answering(uri):
        found = _get(uri, "registered-models/search", {"filter": f"name = '{model}'", "max_results": 1})
        return {tag["key"]: tag["value"] for one in found.get("registered_models", []) for tag in one.get("tags", [])}


@contextmanager
def _answering(uri: str) -> Iterator[None]:
    import requests

    try:
        yield
    except (requests.RequestException, ValueError, KeyError) as error:
        reason = shown(" ".join(str(error).split())[:200])
        raise Away(
            f"MLflow at {shown(uri)} does not answer as MLflow does ({type(error).__name__}: {reason}); start it, or correct "
            f"{TRACKING}, then start the same command again"
        ) from None


def _versions(uri: str, model: str) -> Iterator[dict[str, Any]]:
    asked: dict[str, Any] = {"filter": f"name = '{model}'", "max_results": _PAGE}
    while True:
        page = _get(uri, "model-versions/search", asked)
        yield from page.get("model_versions", [])
        if not page.get("next_page_token"):
            return
        asked["page_token"] = page["next_page_token"]


def _get(uri: str, what: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One question to MLflow's REST interface, with the user, the token and the certificate that its client would show;
    empty for a model that there is not. Raises requests.RequestException or ValueError."""
    import requests

    parts = urlsplit(uri)
    user = unquote(parts.username or "") or os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    password = unquote(parts.password or "") or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    unverified = os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1")
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")
    answer = requests.get(
        f"{bare}/api/2.0/mlflow/{what}",
        params=asked,
        auth=(user, password) if user else None,
        headers={"Authorization": f"Bearer {token}"} if token and not user else {},
        verify=False if unverified else os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True,
        cert=os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH"),
        timeout=_SECONDS,
    )
    if answer.status_code == requests.codes.not_found and "RESOURCE_DOES_NOT_EXIST" in answer.text:
        return {}
    answer.raise_for_status()
    return answer.json()


def _asked(workspace: Workspace) -> Presence:
    from components.registry.catalogue import all_versions
    from components.registry.tracking import connect

    return _of(all_versions(connect(workspace)))


def _of(found: Sequence[Version]) -> Presence:
    aliases = {alias: version.number for version in found for alias in version.aliases}
    return Presence(frozenset(version.number for version in found), aliases)
