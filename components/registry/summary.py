"""What the last registration left in `.unimed/registration.json`: answers in milliseconds, without MLflow's three seconds.

A cache: the registry and the decision log are the truth, and every change of theirs made here rewrites it.
"""

from pathlib import Path
from typing import Any

from components.recipes.recipe import read_recipe
from components.registry.catalogue import CHAMPION, MODEL
from components.registry.database import embedded_uri, tracking_uri
from components.registry.decisions import Decision, champion_of, read_log
from components.registry.evidence import read_evidence
from components.registry.presence import registered_now
from components.storage.atomic import read_object, write_json
from components.storage.workspace import Workspace

KEEP = 200


def already_judged(workspace: Workspace) -> Decision | None:
    """The decision about the present weights, data, evaluation and gate, or None when there is none yet.

    A version that waits for a person counts as judged. What was noted here stands only while the registry still holds
    the version, the log still holds the decision, and both name the same champion.
    """
    try:
        key = read_evidence(workspace, read_recipe(workspace.params)).key
    except ValueError:
        return None
    found = _read(workspace)["judged"].get(key)
    return _standing(workspace, Decision.from_body(found)) if found else None


def _standing(workspace: Workspace, noted: Decision) -> Decision | None:
    """The noted decision, if registry and log hold it now."""
    now, log = registered_now(workspace, MODEL), read_log(workspace)
    in_log = len(log) >= noted.sequence and log[noted.sequence - 1].hash == noted.hash
    agreed = champion_of(log) == now.aliases.get(CHAMPION)
    return noted if in_log and agreed and noted.version in now.versions else None


def champion_summary(workspace: Workspace) -> dict[str, Any]:
    """`{"champion": {version, weights_sha256} | None, "challenger": … | None}` as last seen from this workspace."""
    summary = _read(workspace)
    return {"champion": summary["champion"], "challenger": summary["challenger"]}


def remember_decision(workspace: Workspace, key: str, decision: Decision) -> None:
    """Note what was decided about this evidence."""
    summary = _read(workspace)
    summary["judged"].pop(key, None)
    summary["judged"][key] = decision.to_json()
    for old in sorted(summary["judged"], key=lambda name: summary["judged"][name]["sequence"])[:-KEEP]:
        del summary["judged"][old]
    write_json(_path(workspace), summary)


def remember_aliases(workspace: Workspace, champion: dict[str, Any] | None, challenger: dict[str, Any] | None) -> None:
    """Note who is champion and challenger."""
    write_json(_path(workspace), {**_read(workspace), "champion": champion, "challenger": challenger})


def _path(workspace: Workspace) -> Path:
    return workspace.private / "registration.json"


def _read(workspace: Workspace) -> dict[str, Any]:
    """The cache; empty when it is missing, unreadable, or about another registry."""
    uri = tracking_uri(workspace).split("@")[-1]
    empty = {"registry": uri, "judged": {}, "champion": None, "challenger": None}
    if uri == embedded_uri(workspace) and not (workspace.private / "mlflow.db").is_file():
        return empty
    if not _path(workspace).is_file():
        return empty
    try:
        summary = read_object(_path(workspace))
    except ValueError:
        return empty
    return summary if summary.get("registry") == uri else empty
