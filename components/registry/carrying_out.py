"""From a decision in the log to aliases and tags in MLflow, and the checks that hold the two together."""

from collections.abc import Mapping

from components.registry.catalogue import CHALLENGER, CHAMPION, Version, all_versions
from components.registry.decision_page.publishing import publish_page
from components.registry.decisions import Decision, champion_of
from components.registry.lease import Lease
from components.registry.pairing import ANCHOR, anchor_of, meant
from components.registry.states import State, events_of, standing_of
from components.registry.summary import remember_aliases
from components.registry.tracking import Tracking
from components.storage.workspace import Workspace

STATE = "unimed.state"
"""Version tag of the state that the log's newest entry brought the version to; the log alone is the truth."""


class Drift(ValueError):
    """The champion alias is not where the decision log put it."""


def carry_out(
    lease: Lease, tracking: Tracking, log: list[Decision], versions: Mapping[int, Version], *, since: int | None = None
) -> None:
    """Bring MLflow to the log's newest decision: aliases, tags, page, decision.json, and last the anchor. Idempotent.

    `versions`: all, as they were listed under the lease. With `since` to all decisions from that sequence on, of each version
    the newest. Raises LeaseLost before it would move the alias without the lease.
    """
    late, client = log[(since or len(log)) - 1 :], tracking.client
    bearers = {alias: number for number, version in versions.items() for alias in version.aliases}
    for number in {number for decision in late for number, _ in events_of(decision)} & set(versions):
        state = standing_of(
            log, number, versions[number].weights_sha256
        ).state  # one that the log does not name has one, too
        client.set_model_version_tag(tracking.model, str(number), STATE, state)
    for decision in {decision.version or 0: decision for decision in late}.values():
        version = meant(decision, versions)
        if version is not None:
            publish_page(lease.workspace, tracking, version, log)
            lease.check()
            if champion_of(log) == version.number:
                client.set_registered_model_alias(tracking.model, CHAMPION, str(version.number))
                bearers[CHAMPION] = version.number
            state = standing_of(log, version.number, version.weights_sha256).state
            _carry_out_for(tracking, version, decision, state, bearers)
    _remember(lease.workspace, versions, bearers)


def _carry_out_for(
    tracking: Tracking, version: Version, decision: Decision, state: State, bearers: dict[str, int]
) -> None:
    """All that is about the version itself; `bearers` (alias -> number) follows the aliases that move."""
    client, model, number = tracking.client, tracking.model, str(version.number)
    if state == "held":
        client.set_registered_model_alias(model, CHALLENGER, number)
        bearers[CHALLENGER] = version.number
    elif CHALLENGER in version.aliases:
        client.delete_registered_model_alias(model, CHALLENGER)
        del bearers[CHALLENGER]
    tags = {
        "unimed.decision": decision.action,
        "unimed.decision_why": decision.why[:5000],
        "unimed.decided_by": decision.who,
        "unimed.decided_at": decision.at,
    }
    for name, value in tags.items():
        client.set_model_version_tag(model, number, name, value)
    if version.run_id:
        client.log_dict(version.run_id, decision.to_json(), f"decisions/{decision.sequence:04d}/decision.json")
    client.set_model_version_tag(model, number, ANCHOR, f"{decision.sequence}:{decision.hash}")


def listed(tracking: Tracking) -> dict[int, Version]:
    """Every version by its number."""
    return {version.number: version for version in all_versions(tracking)}


def catch_up(
    lease: Lease, tracking: Tracking, log: list[Decision], versions: Mapping[int, Version]
) -> Mapping[int, Version]:
    """Carry out again, in their order, the decisions that a store of an earlier moment does not know; the versions as they
    are then."""
    for place, entry in enumerate(log, start=1):
        version = meant(entry, versions)
        if version is not None and anchor_of(version) < entry.sequence:
            carry_out(lease, tracking, log[:place], versions)
            versions = listed(tracking)
    return versions


def finish_interrupted(
    lease: Lease, tracking: Tracking, log: list[Decision], versions: Mapping[int, Version]
) -> Decision | None:
    """Carry out the newest decision if its writer was killed before it could: the version lacks its anchor. Returns it."""
    version = meant(log[-1], versions) if log else None
    if version is None or version.tags.get(ANCHOR) == f"{log[-1].sequence}:{log[-1].hash}":
        return None
    carry_out(lease, tracking, log, versions)
    return log[-1]


def refresh_aliases(workspace: Workspace, versions: Mapping[int, Version]) -> None:
    """Note for the workspace who bears the aliases now."""
    _remember(workspace, versions, {alias: number for number, one in versions.items() for alias in one.aliases})


def _remember(workspace: Workspace, versions: Mapping[int, Version], bearers: Mapping[str, int]) -> None:
    remember_aliases(workspace, *(_named(versions, bearers.get(alias)) for alias in (CHAMPION, CHALLENGER)))


def _named(versions: Mapping[int, Version], number: int | None) -> dict[str, object] | None:
    return None if number is None else {"version": number, "weights_sha256": versions[number].weights_sha256}
