"""What the last registration left in `.unimed/registration.json`: answers in milliseconds, without MLflow's three seconds.

A cache: the registry and the decision log are the truth, and every change of theirs made here rewrites it.
"""

from pathlib import Path
from typing import Any

from components.recipes.recipe import read_recipe
from components.recipes.registry import MODEL, model_name
from components.registry.catalogue import CHAMPION
from components.registry.database import has_log, has_store, tracking_uri
from components.registry.decisions import Decision, champion_of, decision_about, read_log
from components.registry.evidence import read_evidence
from components.registry.presence import registered_now
from components.registry.states import standings
from components.storage.atomic import read_object, write_json
from components.storage.full_disk import is_full
from components.storage.read_only import unless_read_only
from components.storage.workspace import Workspace

KEEP = 200


def already_judged(workspace: Workspace) -> Decision | None:
    """The decision about the present weights, data, evaluation and gate, or None when there is none yet.

    A version that waits for a person counts as judged. It stands only while the registry still holds the version, both
    name the same champion, and that is still the one against which the gate judged.
    """
    try:
        key = read_evidence(workspace, read_recipe(workspace.params)).key
    except ValueError:
        return None
    log, now = read_log(workspace), registered_now(workspace, model_name(workspace.params))
    about = _version_of(workspace, log, key)
    decision = decision_about(log, about) if about is not None else None
    if decision is None or about not in now.versions or champion_of(log) != now.aliases.get(CHAMPION):
        return None
    is_verdict = decision.action in ("register", "hold", "refuse")
    return None if is_verdict and decision.champion_before != champion_of(log) else decision


def _version_of(workspace: Workspace, log: list[Decision], key: str) -> int | None:
    """The version that the gate judged on this evidence: as the log says, else as was noted when an older release did."""
    found = next((entry.version for entry in reversed(log) if entry.evidence.get("key") == key), None)
    noted = _read(workspace)["judged"].get(key)
    return found if found is not None or noted is None else noted["version"]


def champion_summary(workspace: Workspace) -> dict[str, Any]:
    """`{"champion": {version, weights_sha256} | None, "challenger": … | None}` as last seen from this workspace; as the
    decision log has them where nothing was noted."""
    summary = _read(workspace)
    if "champion" not in summary:
        return _of_log(workspace)
    return {"champion": summary["champion"], "challenger": summary["challenger"]}


def _of_log(workspace: Workspace) -> dict[str, Any]:
    log = read_log(workspace) if has_log(workspace) else []
    held = [number for number, standing in standings(log).items() if standing.state == "held"]
    found: dict[str, Any] = {}
    for name, number in (("champion", champion_of(log)), ("challenger", max(held, default=None))):
        entry = next((entry for entry in reversed(log) if number is not None and entry.version == number), None)
        found[name] = {"version": number, "weights_sha256": entry.weights_sha256} if entry else None
    return found


def remember_decision(workspace: Workspace, key: str, decision: Decision) -> None:
    """Note what was decided about this evidence."""
    summary = _read(workspace)
    summary["judged"].pop(key, None)
    summary["judged"][key] = decision.to_json()
    for old in sorted(summary["judged"], key=lambda name: summary["judged"][name]["sequence"])[:-KEEP]:
        del summary["judged"][old]
    _write(workspace, summary)


def remember_aliases(workspace: Workspace, champion: dict[str, Any] | None, challenger: dict[str, Any] | None) -> None:
    """Note who is champion and challenger."""
    _write(workspace, {**_read(workspace), "champion": champion, "challenger": challenger})


def _write(workspace: Workspace, summary: dict[str, Any]) -> None:
    """Keep the cache. On a full disk there is none, not yesterday's, and on one that is only read the old one stays: whoever
    only looks may go on."""
    try:
        with unless_read_only():
            write_json(_path(workspace), summary)
    except OSError as error:
        if not is_full(error):
            raise
        _path(workspace).unlink(missing_ok=True)


def _path(workspace: Workspace) -> Path:
    return workspace.private / "registration.json"


def _read(workspace: Workspace) -> dict[str, Any]:
    """The cache; empty when it is missing, unreadable, or about another registry."""
    uri = tracking_uri(workspace).split("@")[-1]
    empty = {"registry": uri, "model": model_name(workspace.params), "judged": {}}
    if not has_store(workspace):
        return empty
    if not _path(workspace).is_file():
        return empty
    try:
        summary = read_object(_path(workspace))
    except ValueError:
        return empty
    about = (summary.get("registry"), summary.get("model", MODEL))  # earlier releases had one name
    return summary if about == (uri, empty["model"]) else empty
