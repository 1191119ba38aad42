"""What people decide: promote, approve, roll back, take back, and how many of them a promotion needs."""

from collections.abc import Collection

from components.registry.carrying_out import refresh_aliases
from components.registry.catalogue import Version, resolve
from components.registry.database import Impossible
from components.registry.deciding import CLAIMED, Settled, about, check_named, settle, spoken, write_decision
from components.registry.decisions import Decision, Ruling, champion_of, decision_about, read_log
from components.registry.going_back import rollback
from components.registry.lease import hold_lease
from components.registry.seen import check_seen, done_already, seen_champion
from components.registry.states import Standing, standing_of
from components.registry.tracking import connect
from components.registry.wholeness import made_ready
from components.storage.keys import digest
from components.storage.workspace import Workspace

__all__ = ["approve", "approvers_of", "promote", "rollback", "set_approvers", "withdraw"]

MOST_APPROVERS = 2


def promote(workspace: Workspace, name: str, *, who: str, why: str) -> Decision:
    """Make the version (number or alias) champion on a person's word, whatever the gate said.

    Where two people are needed, the first one's word is an `approve` entry and changes nothing else. Raises Impossible
    when the champion is not the one last seen here, or the version does not exist; Held when somebody else decides at
    this moment; Drift when the alias was moved by hand and `name` is neither of the two candidates.
    """
    return _speak_for(workspace, name, who=who, why=why, only_held=False)


def approve(
    workspace: Workspace, name: str, *, who: str, why: str, accepts: Collection[str] = (), evidence: str = ""
) -> Decision:
    """Make a version champion that the gate left waiting for a person.

    `accepts` names the losses (`lost:NAME`) that the gate found, all of them; `evidence` begins the hash of what the
    person has seen. Raises Impossible for any other version, for a loss that is not accepted, and when the evidence is
    another or about another champion than now's.
    """
    return _speak_for(workspace, name, who=who, why=why, only_held=True, accepts=accepts, seen_evidence=evidence)


def withdraw(workspace: Workspace, name: str, *, who: str, why: str) -> Decision:
    """Take a version back that is not champion: no rule promotes its weights any more, under whatever number.

    Raises Impossible for the champion, which a rollback takes back.
    """
    check_named(who, why)
    with hold_lease(workspace, f"withdraw {name}") as lease:
        tracking = connect(workspace)
        settled = settle(lease, tracking)
        log, version = settled.log, resolve(workspace, name, tracking, list(settled.versions.values()))
        done = done_already(settled, champion_of(log), action="withdraw", version=version.number, who=who)
        if done is not None:
            return done
        if champion_of(log) == version.number:
            raise Impossible(
                f"version {version.number} is champion; `unimed rollback` takes it back and names the next"
            )
        if standing_of(log, version.number, version.weights_sha256).state == "withdrawn":
            raise Impossible(f"version {version.number} is withdrawn already")
        ruling = Ruling(action="withdraw", **about(version), who=who, why=why, evidence=dict(CLAIMED))
        return write_decision(lease, tracking, settled, ruling)


def set_approvers(workspace: Workspace, count: int, *, who: str, why: str) -> Decision:
    """Say how many people a promotion by a person's word needs from now on: one or two. Raises Impossible for others."""
    check_named(who, why)
    if not 1 <= count <= MOST_APPROVERS:
        raise Impossible(f"approvers must be 1 or {MOST_APPROVERS}, got {count}")
    with hold_lease(workspace, "approvers") as lease:
        tracking = connect(workspace)
        settled = settle(lease, tracking)
        if approvers_of(settled.log) == count:
            raise Impossible(f"a promotion needs {_people(count)} already")
        evidence = {"needed": count, **CLAIMED}
        ruling = Ruling(action="approvers", version=None, weights_sha256="", who=who, why=why, evidence=evidence)
        return write_decision(lease, tracking, settled, ruling)


def approvers_of(log: list[Decision]) -> int:
    """How many people a promotion needs; one where nobody said so."""
    said = (int(entry.evidence["needed"]) for entry in reversed(log) if entry.action == "approvers")
    return next(said, 1)


def _speak_for(
    workspace: Workspace,
    name: str,
    *,
    who: str,
    why: str,
    only_held: bool,
    accepts: Collection[str] = (),
    seen_evidence: str = "",
) -> Decision:
    """One person's word for a version: the promotion where it is the last that is needed, else an `approve` entry."""
    check_named(who, why)
    seen = seen_champion(workspace)
    tracking = connect(workspace)
    version = resolve(workspace, name, tracking)
    if only_held:
        log = read_log(workspace)
        if not log or (log[-1].version, log[-1].who) != (version.number, who):  # perhaps this very call, killed
            _check_waits(log, version, champion_of(log), accepts, seen_evidence)
    hashed = made_ready(tracking, version)  # before the lease is taken: large weights take minutes
    with hold_lease(workspace, f"promote {name}") as lease:
        settled = settle(lease, tracking, healing=version.number)
        log, champion = settled.log, settled.champion
        _check_same(settled, version, name)
        for action in ("promote", "approve"):
            done = done_already(settled, seen, action=action, version=version.number, who=who)
            if done is not None:
                refresh_aliases(workspace, settled.versions)
                return done
        if champion is not None and champion_of(log) == version.number == champion.number:
            raise Impossible(f"version {version.number} is champion already")
        check_seen(settled, seen, who)
        standing = standing_of(log, version.number, version.weights_sha256)
        if only_held:
            _check_waits(log, version, champion.number if champion else None, accepts, seen_evidence)
        subject = _subject(version, standing, champion, accepts)
        others = _voices(log, version.number, subject)
        if who in others:
            raise Impossible(f"{who} spoke for version {version.number} already; somebody else must, too")
        evidence = {
            "after": standing.entry.sequence if standing.entry else None,
            "gate": standing.entry.action if standing.entry else "never",
            "state": standing.spoken,
            "subject": subject,
            "accepts": sorted(accepts),
            **hashed,
            **CLAIMED,
        }
        needed = approvers_of(log)
        is_last = len(others) + 1 >= needed
        if is_last and others:
            evidence["approved_by"] = [*others, who]
        action = "promote" if is_last else "approve"
        return write_decision(
            lease, tracking, settled, Ruling(action=action, **about(version), who=who, why=why, evidence=evidence)
        )


def _check_same(settled: Settled, version: Version, name: str) -> None:
    """Raise Impossible where the name is another version's now, or nobody's: what was hashed is not what it calls."""
    now = next((found for found in settled.versions.values() if found.is_called(name)), None)
    if now is None or now.number != version.number:
        raise Impossible(
            f"{name} was version {version.number} when its weights were checked and is {spoken(now.number if now else None)} "
            "now: somebody decided meanwhile; look at `unimed models`, then decide again"
        )


def _check_waits(
    log: list[Decision], version: Version, champion: int | None, accepts: Collection[str], seen_evidence: str
) -> None:
    """Raise Impossible unless the version waits for exactly this word."""
    standing = standing_of(log, version.number, version.weights_sha256)
    number, entry = version.number, standing.entry
    if standing.state != "held" or entry is None:
        state = f"{standing.state}: {entry.why}" if entry else "it was never judged"
        raise Impossible(
            f"version {number} is not waiting for approval ({state}); `unimed promote {number}` overrides the gate in "
            "your name"
        )
    against = entry.judged_against
    if against != champion:
        raise Impossible(
            f"version {number} was judged against {spoken(against)}, the champion is "
            f"{spoken(champion)} now: what was seen does not hold any more; "
            "`unimed retrain` judges it again"
        )
    if not entry.evidence_sha256.startswith(seen_evidence):
        raise Impossible(
            f"the evidence about version {number} is {entry.evidence_sha256[:12]}, not {seen_evidence}: it was judged "
            "again meanwhile; look at its decision page, then approve that"
        )
    found = set(entry.losses)
    if open_losses := sorted(found - set(accepts)):
        ways = " ".join(f"--accept {loss}" for loss in sorted(found))
        raise Impossible(f"version {number} has {', '.join(open_losses)}; whoever approves it says so: {ways}")
    if unknown := sorted(set(accepts) - found):
        raise Impossible(f"version {number} has not {', '.join(unknown)}; the gate found {sorted(found) or 'no loss'}")


def _subject(version: Version, standing: Standing, champion: Version | None, accepts: Collection[str]) -> str:
    """Hash of what a person speaks about: another verdict, champion or loss makes earlier words void."""
    verdict = standing.entry.evidence_sha256 if standing.entry else None
    return digest([version.weights_sha256, verdict, champion.weights_sha256 if champion else None, sorted(accepts)])


def _voices(log: list[Decision], version: int, subject: str) -> list[str]:
    """Who spoke for the version on just this evidence since the newest other decision about it."""
    last = decision_about(log, version)
    since = last.sequence if last else 0
    return [
        entry.who
        for entry in log[since:]
        if entry.action == "approve" and entry.version == version and entry.evidence.get("subject") == subject
    ]


def _people(count: int) -> str:
    return "one person" if count == 1 else f"{count} people"
