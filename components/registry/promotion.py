"""Who is champion: decided under one lease, written to the log first, then carried out in MLflow.

MLflow's alias has no compare-and-set. A promotion killed between log and alias is finished by the next command,
wherever the alias points by then; an alias moved by hand at any other time is reported and not overwritten.
"""

from typing import Any, Literal

from components.recipes.recipe import read_recipe
from components.registry.carrying_out import Drift, carry_out, check_anchors, finish_interrupted
from components.registry.catalogue import CHAMPION, Version, all_versions, record_folder, reference_of, resolve
from components.registry.database import Impossible
from components.registry.decisions import Action, Decision, Ruling, append, champion_of, decision_about, read_log
from components.registry.evidence import read_evidence
from components.registry.gate import judge
from components.registry.lease import hold_lease
from components.registry.summary import champion_summary, remember_decision
from components.registry.tracking import Tracking, connect
from components.registry.verdict import Verdict
from components.registry.weights_reference import find_verified
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace

Promote = Literal["gate", "approve", "never"]
LEASE_SECONDS = 60
"""How long a flow waits for the lease beside SQLite; on PostgreSQL it asks once. A person does not wait."""


def decide(workspace: Workspace, version: Version, promote: Promote) -> Decision:
    """The decision about a version: the gate's, carried out. The same question is not judged twice.

    `gate` promotes what passes; `approve` leaves what passes waiting for a person; `never` only judges. What fails is
    refused; what cannot be decided (inconclusive, incomparable) waits for a person. None of these is an error.
    """
    recipe = read_recipe(workspace.params)
    evidence = read_evidence(workspace, recipe)
    tracking = connect(workspace)
    with hold_lease(workspace, f"decide {version.number}", wait_seconds=LEASE_SECONDS):
        log = _settled_log(workspace, tracking)
    champion = _champion(tracking)
    standing = decision_about(log, version.number)
    if standing is None or not _still_stands(standing, version, champion, promote, evidence.gate_sha256):
        verdict = judge(workspace, recipe, tracking, version, champion)
        action, why = _action(verdict, promote)
        numbers = {
            "gate": verdict.to_json(),
            "gate_sha256": evidence.gate_sha256,
            "asked": promote,
            "champion": champion.number if champion else None,
        }
        with hold_lease(workspace, f"decide {version.number}", wait_seconds=LEASE_SECONDS):
            log = _settled_log(workspace, tracking)
            now = _champion(tracking)
            if (now.number if now else None) != (champion.number if champion else None):
                raise ValueError(
                    f"the champion became version {now.number if now else 'none'} while version {version.number} was "
                    "judged against the one before; the same command judges it again"
                )
            ruling = Ruling(action=action, **_about(version), who="gate", why=why, evidence=numbers)
            standing = _write(workspace, tracking, log, ruling)
    remember_decision(workspace, evidence.key, standing)
    return standing


def promote(workspace: Workspace, name: str, *, who: str, why: str) -> Decision:
    """Make the version (number or alias) champion on a person's word.

    Raises Impossible when the champion is not the one last seen here, or the version does not exist; Held when somebody
    else decides at this moment; Drift when the alias was moved by hand and `name` is neither of the two candidates.
    """
    seen = champion_summary(workspace)["champion"]
    return _promote(workspace, name, seen["version"] if seen else None, who=who, why=why, only_held=False)


def approve(workspace: Workspace, name: str, *, who: str, why: str) -> Decision:
    """Make a version champion that the gate left waiting for a person; raises Impossible for any other."""
    seen = champion_summary(workspace)["champion"]
    return _promote(workspace, name, seen["version"] if seen else None, who=who, why=why, only_held=True)


def rollback(workspace: Workspace, *, who: str, why: str) -> Decision:
    """Give the title back to the champion before this one; repeated, it goes further back. Raises Impossible at the first."""
    _named(who, why)
    with hold_lease(workspace, "rollback"):
        tracking = connect(workspace)
        log = _settled_log(workspace, tracking)
        present = {version.number for version in all_versions(tracking)}
        line = [number for number in champions_in_line(log) if number in present]
        if len(line) < 2:
            holder = f"version {line[-1]} is the first champion" if line else "no version is champion"
            raise Impossible(f"nothing to roll back to: {holder}")
        version = resolve(workspace, str(line[-2]), tracking)
        _check_whole(tracking, version)
        ruling = Ruling(action="rollback", **_about(version), who=who, why=why, evidence={"from": line[-1]})
        return _write(workspace, tracking, log, ruling)


def champions_in_line(log: list[Decision]) -> list[int]:
    """Champions as a stack: a promotion adds one, a rollback takes one away; the last is champion."""
    line: list[int] = []
    for entry in log:
        if entry.action == "promote":
            line.append(entry.version)
        elif entry.action == "rollback" and line:
            line.pop()
        elif entry.action == "withdraw":
            line = [number for number in line if number != entry.version]
    return line


def _promote(workspace: Workspace, name: str, seen: int | None, *, who: str, why: str, only_held: bool) -> Decision:
    _named(who, why)
    with hold_lease(workspace, f"promote {name}"):
        tracking = connect(workspace)
        version = resolve(workspace, name, tracking)
        log = _settled_log(workspace, tracking, healing=version.number)
        champion = _champion(tracking)
        now = champion.number if champion else None
        if champion_of(log) == version.number == now:
            raise Impossible(f"version {version.number} is champion already")
        if now != seen:
            raise Impossible(
                f"the champion is {_spoken(now)} now, this workspace last saw {_spoken(seen)}: somebody decided "
                f"meanwhile; look at `unimed models`, then decide again"
            )
        standing = decision_about(log, version.number)
        if only_held and (standing is None or standing.action != "hold"):
            state = f"the gate's word is {standing.action!r}: {standing.why}" if standing else "it was never judged"
            raise Impossible(
                f"version {version.number} is not waiting for approval ({state}); `unimed promote {version.number}` "
                "overrides the gate in your name"
            )
        _check_whole(tracking, version)
        evidence = {"after": standing.sequence if standing else None, "gate": standing.action if standing else "never"}
        ruling = Ruling(action="promote", **_about(version), who=who, why=why, evidence=evidence)
        return _write(workspace, tracking, log, ruling)


def _write(workspace: Workspace, tracking: Tracking, log: list[Decision], ruling: Ruling) -> Decision:
    decision = append(workspace, log, ruling)
    carry_out(workspace, tracking, decision)
    return decision


def _about(version: Version) -> dict[str, Any]:
    return {"version": version.number, "weights_sha256": version.weights_sha256}


def _settled_log(workspace: Workspace, tracking: Tracking, healing: int | None = None) -> list[Decision]:
    """The log, checked against anchors and alias, with an interrupted promotion finished. Call under the lease.

    A champion that somebody deleted in MLflow is withdrawn in the log, so that there can be another.
    """
    log = read_log(workspace)
    check_anchors(tracking, log)
    finish_interrupted(workspace, tracking, log)
    versions = {version.number: version for version in all_versions(tracking)}
    logged = champion_of(log)
    if logged is not None and logged not in versions:
        log = [*log, _withdraw(workspace, tracking, log, logged)]
        logged = None
    actual = next((number for number, version in versions.items() if CHAMPION in version.aliases), None)
    if actual != logged and healing not in (actual, logged):
        ways = " or ".join(f"`unimed promote {number}`" for number in (actual, logged) if number is not None)
        raise Drift(
            f"the alias champion points to {_spoken(actual)}, the decision log says {_spoken(logged)}: it was moved by "
            f"hand; {ways} settles it, in your name"
        )
    return log


def _withdraw(workspace: Workspace, tracking: Tracking, log: list[Decision], version: int) -> Decision:
    last = next(entry for entry in reversed(log) if entry.version == version)
    why = f"version {version} is gone from the registry: somebody deleted it there"
    ruling = Ruling(
        action="withdraw",
        version=version,
        weights_sha256=last.weights_sha256,
        who="registry",
        why=why,
        evidence={"after": last.sequence},
    )
    return _write(workspace, tracking, log, ruling)


def _still_stands(
    standing: Decision, version: Version, champion: Version | None, promote: Promote, gate_sha256: str
) -> bool:
    """Whether an earlier decision answers the present question."""
    if champion is not None and champion.number == version.number:
        return True
    if standing.withdraws == version.number:
        return True  # only a person brings back what a person took away
    if standing.promoted:
        return False
    same_rule = standing.evidence.get("gate_sha256") == gate_sha256
    same_champion = standing.champion_before == (champion.number if champion else None)
    answered = standing.action == "refuse" or standing.evidence.get("asked") == promote
    return same_rule and same_champion and answered


def _action(verdict: Verdict, promote: Promote) -> tuple[Action, str]:
    """What follows from the gate's verdict and from what was asked."""
    text = "; ".join(verdict.reasons)
    if verdict.outcome == "refuse":
        return "refuse", text
    if verdict.outcome == "promote" and promote == "gate":
        return "promote", text
    if verdict.outcome == "promote":
        asked = "waits for approval as asked" if promote == "approve" else "not promoted as asked"
        return "hold", f"{asked}; {text}"
    return "hold", f"{verdict.code}, waits for a person; {text}"


def _check_whole(tracking: Tracking, version: Version) -> None:
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


def _champion(tracking: Tracking) -> Version | None:
    return next((version for version in all_versions(tracking) if CHAMPION in version.aliases), None)


def _named(who: str, why: str) -> None:
    if not who.strip() or not why.strip():
        raise Impossible('a decision needs a name and a reason; give --why "…"')


def _spoken(number: int | None) -> str:
    return "no version" if number is None else f"version {number}"
