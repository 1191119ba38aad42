"""From a decision in the log to aliases and tags in MLflow, and the checks that hold the two together."""

from components.registry.catalogue import CHALLENGER, CHAMPION, MODEL, Version, all_versions
from components.registry.decisions import BrokenLog, Decision
from components.registry.summary import remember_aliases
from components.registry.tracking import Tracking
from components.storage.workspace import Workspace

ANCHOR = "unimed.log_head"
"""Version tag `sequence:hash` of the newest decision about the version, written when all else is done."""


class Drift(ValueError):
    """The champion alias is not where the decision log put it."""


def carry_out(workspace: Workspace, tracking: Tracking, decision: Decision) -> None:
    """Move aliases, tag the version, store decision.json, anchor the log's head. Idempotent; the anchor comes last."""
    client, number = tracking.client, str(decision.version)
    versions = {version.number: version for version in all_versions(tracking)}
    version = versions.get(decision.version)
    if version is None:  # withdrawn because it is gone: there is nothing to tag
        refresh_aliases(workspace, tracking)
        return
    if decision.promoted:
        client.set_registered_model_alias(MODEL, CHAMPION, number)
    waits = decision.action == "hold" and decision.evidence.get("asked") != "never"
    if waits:
        client.set_registered_model_alias(MODEL, CHALLENGER, number)
    elif CHALLENGER in version.aliases:
        client.delete_registered_model_alias(MODEL, CHALLENGER)
    tags = {
        "unimed.decision": decision.action,
        "unimed.decision_why": decision.why[:5000],
        "unimed.decided_by": decision.who,
        "unimed.decided_at": decision.at,
    }
    for name, value in tags.items():
        client.set_model_version_tag(MODEL, number, name, value)
    if version.run_id:
        client.log_dict(version.run_id, decision.to_json(), f"decisions/{decision.sequence:04d}/decision.json")
    client.set_model_version_tag(MODEL, number, ANCHOR, f"{decision.sequence}:{decision.hash}")
    refresh_aliases(workspace, tracking)


def refresh_aliases(workspace: Workspace, tracking: Tracking) -> None:
    """Bring `.unimed/registration.json` up to the registry's aliases."""
    versions = all_versions(tracking)
    remember_aliases(workspace, _bearer(versions, CHAMPION), _bearer(versions, CHALLENGER))


def check_anchors(tracking: Tracking, log: list[Decision]) -> None:
    """Raise BrokenLog when a version is anchored to a decision that the log does not have, or has otherwise."""
    for version in all_versions(tracking):
        sequence, _, digest = version.tags.get(ANCHOR, "").partition(":")
        if not sequence:
            continue
        place = int(sequence)
        if place > len(log) or log[place - 1].hash != digest:
            raise BrokenLog(
                f"version {version.number} is anchored to decision {place} ({digest[:12]}), which the decision log "
                f"({len(log)} entries) does not have: it was rewritten or is another database; restore it first"
            )


def finish_interrupted(workspace: Workspace, tracking: Tracking, log: list[Decision]) -> None:
    """Carry out the newest decision if its writer was killed before it could: the version lacks its anchor."""
    if not log:
        return
    newest = log[-1]
    version = next((found for found in all_versions(tracking) if found.number == newest.version), None)
    if version is not None and version.tags.get(ANCHOR) != f"{newest.sequence}:{newest.hash}":
        carry_out(workspace, tracking, newest)


def _bearer(versions: list[Version], alias: str) -> dict[str, object] | None:
    found = next((version for version in versions if alias in version.aliases), None)
    return {"version": found.number, "weights_sha256": found.weights_sha256} if found else None
