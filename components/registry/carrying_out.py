"""From a decision in the log to aliases and tags in MLflow, and the checks that hold the two together."""

from collections.abc import Sequence

from components.registry.catalogue import CHALLENGER, CHAMPION, MODEL, Version, all_versions
from components.registry.decision_page.publishing import publish_page
from components.registry.decisions import BrokenLog, Decision
from components.registry.states import State, events_of, standing_of, standings
from components.registry.summary import remember_aliases
from components.registry.tracking import Tracking
from components.storage.workspace import Workspace

ANCHOR = "unimed.log_head"
"""Version tag `sequence:hash` of the newest decision about the version, written when all else is done."""
STATE = "unimed.state"
"""Version tag of the state that the log's newest entry brought the version to; the log alone is the truth."""


class Drift(ValueError):
    """The champion alias is not where the decision log put it."""


def carry_out(workspace: Workspace, tracking: Tracking, log: list[Decision]) -> None:
    """Bring MLflow to the log's newest decision: aliases, tags, page, decision.json, and last the anchor. Idempotent."""
    decision, states = log[-1], standings(log)
    client = tracking.client
    versions = {version.number: version for version in all_versions(tracking)}
    for number in {number for number, _ in events_of(decision)} & set(versions):
        client.set_model_version_tag(MODEL, str(number), STATE, states[number].state)
    version = versions.get(decision.version or 0)
    if version is not None:  # None: gone from the registry, or a decision about no version
        publish_page(workspace, tracking, version, log)
        state = standing_of(log, version.number, version.weights_sha256).state
        _carry_out_for(tracking, version, decision, state)
    refresh_aliases(workspace, tracking)


def _carry_out_for(tracking: Tracking, version: Version, decision: Decision, state: State) -> None:
    client, number = tracking.client, str(version.number)
    if decision.promoted:
        client.set_registered_model_alias(MODEL, CHAMPION, number)
    if state == "held":
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


def refresh_aliases(workspace: Workspace, tracking: Tracking) -> None:
    """Bring `.unimed/registration.json` up to the registry's aliases."""
    versions = all_versions(tracking)
    remember_aliases(workspace, _bearer(versions, CHAMPION), _bearer(versions, CHALLENGER))


def check_anchors(tracking: Tracking, log: list[Decision], known: Sequence[Version] | None = None) -> None:
    """Raise BrokenLog when a version, of those that are `known`, else of all, is anchored to a decision that the log does not
    have, or has otherwise."""
    for version in all_versions(tracking) if known is None else known:
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
        carry_out(workspace, tracking, log)


def _bearer(versions: list[Version], alias: str) -> dict[str, object] | None:
    found = next((version for version in versions if alias in version.aliases), None)
    return {"version": found.number, "weights_sha256": found.weights_sha256} if found else None
