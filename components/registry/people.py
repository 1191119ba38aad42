"""What people decide: promote, approve, roll back, take back, and how many of them a promotion needs."""

from collections.abc import Collection

from components.registry.catalogue import Version, all_versions, record_folder, reference_of, resolve
from components.registry.database import Impossible
from components.registry.deciding import about, champion_version, settled_log, spoken, write_decision
from components.registry.decisions import Decision, Ruling, champion_of, decision_about
from components.registry.lease import hold_lease
from components.registry.states import Standing, standing_of, standings
from components.registry.summary import champion_summary
from components.registry.tracking import Tracking, connect
from components.registry.weights_reference import find_verified
from components.storage.file_hashes import file_sha256
from components.storage.keys import digest
from components.storage.workspace import Workspace

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


def rollback(workspace: Workspace, *, who: str, why: str) -> Decision:
    """Give the title back to the champion before this one, and withdraw the weights that are left.

    Repeated, it goes further back; withdrawn versions are passed over. One person is enough, however many a promotion
    needs. Raises Impossible at the first champion.
    """
    _named(who, why)
    with hold_lease(workspace, "rollback") as lease:
        tracking = connect(workspace)
        log = settled_log(lease, tracking)
        present = {version.number: version for version in all_versions(tracking)}
        states = standings(log)
        champion = champion_of(log)
        line = [n for n in champions_in_line(log) if n in present and (n == champion or states[n].state != "withdrawn")]
        if len(line) < 2:
            holder = f"version {line[-1]} is the first champion" if line else "no version is champion"
            raise Impossible(f"nothing to roll back to: {holder}")
        version = present[line[-2]]
        check_whole(tracking, version)
        ruling = Ruling(action="rollback", **about(version), who=who, why=why, evidence={"from": line[-1], **CLAIMED})
        return write_decision(lease, tracking, log, ruling)


def withdraw(workspace: Workspace, name: str, *, who: str, why: str) -> Decision:
    """Take a version back that is not champion: no rule promotes its weights any more, under whatever number.

    Raises Impossible for the champion, which a rollback takes back.
    """
    _named(who, why)
    with hold_lease(workspace, f"withdraw {name}") as lease:
        tracking = connect(workspace)
        version = resolve(workspace, name, tracking)
        log = settled_log(lease, tracking)
        if champion_of(log) == version.number:
            raise Impossible(
                f"version {version.number} is champion; `unimed rollback` takes it back and names the next"
            )
        if standing_of(log, version.number, version.weights_sha256).state == "withdrawn":
            raise Impossible(f"version {version.number} is withdrawn already")
        ruling = Ruling(action="withdraw", **about(version), who=who, why=why, evidence=dict(CLAIMED))
        return write_decision(lease, tracking, log, ruling)


def set_approvers(workspace: Workspace, count: int, *, who: str, why: str) -> Decision:
    """Say how many people a promotion by a person's word needs from now on: one or two. Raises Impossible for others."""
    _named(who, why)
    if not 1 <= count <= MOST_APPROVERS:
        raise Impossible(f"approvers must be 1 or {MOST_APPROVERS}, got {count}")
    with hold_lease(workspace, "approvers") as lease:
        tracking = connect(workspace)
        log = settled_log(lease, tracking)
        if approvers_of(log) == count:
            raise Impossible(f"a promotion needs {_people(count)} already")
        evidence = {"needed": count, **CLAIMED}
        ruling = Ruling(action="approvers", version=None, weights_sha256="", who=who, why=why, evidence=evidence)
        return write_decision(lease, tracking, log, ruling)


def approvers_of(log: list[Decision]) -> int:
    """How many people a promotion needs; one where nobody said so."""
    said = (int(entry.evidence["needed"]) for entry in reversed(log) if entry.action == "approvers")
    return next(said, 1)


def champions_in_line(log: list[Decision]) -> list[int]:
    """Champions as a stack: a promotion adds one, a rollback takes one away; the last is champion."""
    line: list[int] = []
    for entry in log:
        if entry.action == "promote" and entry.version is not None:
            line.append(entry.version)
        elif entry.action == "rollback":
            while line and line[-1] != entry.version:
                line.pop()
        elif entry.action == "withdraw":
            line = [number for number in line if number != entry.version]
    return line


def check_whole(tracking: Tracking, version: Version) -> None:
    """Raise ValueError unless the version's record and weights are what its tags say."""
    found = file_sha256(record_folder(tracking, version) / "evaluation.json")
    if found != version.evaluation_sha256:
        raise ValueError(
            f"version {version.number} was judged on evaluation {version.evaluation_sha256[:12]}, its record holds "
            f"{found[:12]}: the record was edited"
        )
    reference = reference_of(tracking, version)
    for file in reference.files:
        find_verified(reference, file)


CLAIMED = {"identity": "claimed"}
"""Nothing proves the name of a person here: it is what UNIMED_USER or the system says."""


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
    _named(who, why)
    seen = champion_summary(workspace)["champion"]
    with hold_lease(workspace, f"promote {name}") as lease:
        tracking = connect(workspace)
        version = resolve(workspace, name, tracking)
        log = settled_log(lease, tracking, healing=version.number)
        champion = champion_version(tracking)
        _check_champion(log, version, champion, seen["version"] if seen else None)
        standing = standing_of(log, version.number, version.weights_sha256)
        if only_held:
            _check_waits(version, standing, champion, accepts, seen_evidence)
        subject = _subject(version, standing, champion, accepts)
        others = _voices(log, version.number, subject)
        if who in others:
            raise Impossible(f"{who} spoke for version {version.number} already; somebody else must, too")
        check_whole(tracking, version)
        evidence = {
            "after": standing.entry.sequence if standing.entry else None,
            "gate": standing.entry.action if standing.entry else "never",
            "state": standing.spoken,
            "subject": subject,
            "accepts": sorted(accepts),
            **CLAIMED,
        }
        needed = approvers_of(log)
        is_last = len(others) + 1 >= needed
        if is_last and others:
            evidence["approved_by"] = [*others, who]
        action = "promote" if is_last else "approve"
        return write_decision(
            lease, tracking, log, Ruling(action=action, **about(version), who=who, why=why, evidence=evidence)
        )


def _check_champion(log: list[Decision], version: Version, champion: Version | None, seen: int | None) -> None:
    """Raise Impossible where the version is champion, or the champion is not who this workspace last saw."""
    now = champion.number if champion else None
    if champion_of(log) == version.number == now:
        raise Impossible(f"version {version.number} is champion already")
    if now != seen:
        raise Impossible(
            f"the champion is {spoken(now)} now, this workspace last saw {spoken(seen)}: somebody decided meanwhile; "
            "look at `unimed models`, then decide again"
        )


def _check_waits(
    version: Version, standing: Standing, champion: Version | None, accepts: Collection[str], seen_evidence: str
) -> None:
    """Raise Impossible unless the version waits for exactly this word."""
    number, entry = version.number, standing.entry
    if standing.state != "held" or entry is None:
        state = f"{standing.state}: {entry.why}" if entry else "it was never judged"
        raise Impossible(
            f"version {number} is not waiting for approval ({state}); `unimed promote {number}` overrides the gate in "
            "your name"
        )
    if entry.champion_before != (champion.number if champion else None):
        raise Impossible(
            f"version {number} was judged against {spoken(entry.champion_before)}, the champion is "
            f"{spoken(champion.number if champion else None)} now: what was seen does not hold any more; "
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


def _named(who: str, why: str) -> None:
    if not who.strip() or not why.strip():
        raise Impossible('a decision needs a name and a reason; give --why "…"')
