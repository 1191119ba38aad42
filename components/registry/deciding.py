"""The one way to a decision: under the lease, after the log was settled, by the table of states, to the log first.

MLflow's alias has no compare-and-set. A decision killed between log and alias is finished by the next command, wherever
the alias points by then; an alias moved by hand at any other time is reported and not overwritten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from components.registry.carrying_out import Drift, carry_out, catch_up, finish_interrupted, listed
from components.registry.catalogue import CHAMPION, Version
from components.registry.database import Impossible
from components.registry.decisions import Decision, Ruling, append, champion_of, next_entry, read_log
from components.registry.lease import Lease, LeaseLost, hold_lease
from components.registry.pairing import OlderStore, check_anchors, check_pair, gone
from components.registry.states import forbidden
from components.registry.tracking import Tracking
from components.storage.locks import Held
from components.storage.workspace import Workspace

LEASE_SECONDS = 60
"""How long a flow waits for the lease. A person does not wait."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The registry as it stands under the lease: the log, and every version, listed once."""

    log: list[Decision]
    versions: Mapping[int, Version]
    finished: Decision | None = None
    """The newest decision, where its writer was killed before MLflow followed: that is done now."""

    @property
    def champion(self) -> Version | None:
        """The version that bears the alias."""
        return next((version for version in self.versions.values() if CHAMPION in version.aliases), None)


def settle(lease: Lease, tracking: Tracking, healing: int | None = None) -> Settled:
    """Log and versions, checked against anchors and alias, with an interrupted decision finished.

    A champion that somebody deleted in MLflow is withdrawn in the log, so that there can be another. Raises BrokenLog or
    OlderStore when the two are not of one moment (the latter without `healing`: a person's promotion brings an older store
    up to the log), Drift when the alias was moved by hand, unless `healing` is one of the two versions between which it stands.
    """
    settled = Settled(read_log(lease.workspace), listed(tracking))
    check_anchors(settled.log, settled.versions.values())
    try:
        check_pair(settled.log, settled.versions.values())
    except OlderStore:
        if healing is None:
            raise
        settled = Settled(settled.log, catch_up(lease, tracking, settled.log, settled.versions))
    if (finished := finish_interrupted(lease, tracking, settled.log, settled.versions)) is not None:
        settled = Settled(settled.log, listed(tracking), finished)
    for number in gone(settled.log, settled.versions):
        settled = replace(settled, log=[*settled.log, _take_out(lease, tracking, settled, number)])
    logged = champion_of(settled.log)
    actual = settled.champion.number if settled.champion else None
    if actual != logged and healing not in (actual, logged):
        ways = " or ".join(f"`unimed promote {number}`" for number in (actual, logged) if number is not None)
        raise Drift(
            f"the alias champion points to {spoken(actual)}, the decision log says {spoken(logged)}: it was moved by "
            f"hand; {ways} settles it, in your name"
        )
    return settled


def write_decision(lease: Lease, tracking: Tracking, settled: Settled, ruling: Ruling) -> Decision:
    """Append the ruling to the log and carry it out. Raises Impossible for what the table of states does not allow, and
    LeaseLost where the lease was lost before it was written, or cannot be had again to carry it out."""
    if reason := forbidden(settled.log, next_entry(settled.log, ruling)):
        raise Impossible(reason)
    decision = append(lease, settled.log, ruling)
    try:
        carry_out(lease, tracking, [*settled.log, decision], settled.versions)
        lease.check()
    except LeaseLost:
        _carry_out_late(lease.workspace, tracking, decision)
    return decision


def _carry_out_late(workspace: Workspace, tracking: Tracking, decision: Decision) -> None:
    """What was written stands. Others may have decided since: what they found is brought to the log's end once more."""
    try:
        with hold_lease(workspace, f"carry out {decision.sequence}", wait_seconds=LEASE_SECONDS) as lease:
            carry_out(lease, tracking, read_log(workspace), listed(tracking), since=decision.sequence)
    except (Held, LeaseLost) as error:
        raise LeaseLost(
            f"decision {decision.sequence} ({decision.action} of {spoken(decision.version)}) is written and stands, but the "
            f"lease was lost before it was carried out ({error}); the next command does it: `unimed models` shows it"
        ) from None


CLAIMED = {"identity": "claimed"}
"""Nothing proves the name of a person here: it is what UNIMED_USER or the system says."""


def check_named(who: str, why: str) -> None:
    """Raise Impossible for a decision without a name or a reason."""
    if not who.strip() or not why.strip():
        raise Impossible('a decision needs a name and a reason; give --why "…"')


def about(version: Version) -> dict[str, Any]:
    """The fields of a ruling that say which version it is about."""
    return {"version": version.number, "weights_sha256": version.weights_sha256}


def spoken(number: int | None) -> str:
    """`version 7`, or `no version`."""
    return "no version" if number is None else f"version {number}"


def _take_out(lease: Lease, tracking: Tracking, settled: Settled, version: int) -> Decision:
    last = next(entry for entry in reversed(settled.log) if entry.version == version)
    ruling = Ruling(
        action="withdraw",
        version=version,
        weights_sha256=last.weights_sha256,
        who="registry",
        why=f"version {version} is gone from the registry: somebody deleted it there",
        evidence={"after": last.sequence, "gone": True},
    )
    return write_decision(lease, tracking, settled, ruling)
