"""The one way to a decision: under the lease, after the log was settled, by the table of states, to the log first.

MLflow's alias has no compare-and-set. A decision killed between log and alias is finished by the next command, wherever
the alias points by then; an alias moved by hand at any other time is reported and not overwritten.
"""

from typing import Any

from components.registry.carrying_out import Drift, carry_out, check_anchors, finish_interrupted
from components.registry.catalogue import CHAMPION, Version, all_versions
from components.registry.database import Impossible
from components.registry.decisions import Decision, Ruling, append, champion_of, next_entry, read_log
from components.registry.lease import Lease
from components.registry.states import forbidden
from components.registry.tracking import Tracking


def settled_log(lease: Lease, tracking: Tracking, healing: int | None = None) -> list[Decision]:
    """The log, checked against anchors and alias, with an interrupted decision finished.

    A champion that somebody deleted in MLflow is withdrawn in the log, so that there can be another. Raises Drift when
    the alias was moved by hand, unless `healing` is one of the two versions between which it stands.
    """
    log = read_log(lease.workspace)
    check_anchors(tracking, log)
    finish_interrupted(lease.workspace, tracking, log)
    versions = {version.number: version for version in all_versions(tracking)}
    logged = champion_of(log)
    if logged is not None and logged not in versions:
        log = [*log, _take_out(lease, tracking, log, logged)]
        logged = None
    actual = next((number for number, version in versions.items() if CHAMPION in version.aliases), None)
    if actual != logged and healing not in (actual, logged):
        ways = " or ".join(f"`unimed promote {number}`" for number in (actual, logged) if number is not None)
        raise Drift(
            f"the alias champion points to {spoken(actual)}, the decision log says {spoken(logged)}: it was moved by "
            f"hand; {ways} settles it, in your name"
        )
    return log


def write_decision(lease: Lease, tracking: Tracking, log: list[Decision], ruling: Ruling) -> Decision:
    """Append the ruling to the log and carry it out. Raises Impossible for what the table of states does not allow."""
    if reason := forbidden(log, next_entry(log, ruling)):
        raise Impossible(reason)
    decision = append(lease, log, ruling)
    carry_out(lease.workspace, tracking, [*log, decision])
    return decision


def about(version: Version) -> dict[str, Any]:
    """The fields of a ruling that say which version it is about."""
    return {"version": version.number, "weights_sha256": version.weights_sha256}


def champion_version(tracking: Tracking) -> Version | None:
    """The version that bears the alias."""
    return next((version for version in all_versions(tracking) if CHAMPION in version.aliases), None)


def spoken(number: int | None) -> str:
    """`version 7`, or `no version`."""
    return "no version" if number is None else f"version {number}"


def _take_out(lease: Lease, tracking: Tracking, log: list[Decision], version: int) -> Decision:
    last = next(entry for entry in reversed(log) if entry.version == version)
    ruling = Ruling(
        action="withdraw",
        version=version,
        weights_sha256=last.weights_sha256,
        who="registry",
        why=f"version {version} is gone from the registry: somebody deleted it there",
        evidence={"after": last.sequence, "gone": True},
    )
    return write_decision(lease, tracking, log, ruling)
