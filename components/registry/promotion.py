"""The gate's decision about a version: judged once for each question, written to the log, carried out."""

from typing import Any, Literal

from components.assembly.benchmark.freezing import freeze_exam
from components.recipes.recipe import read_recipe
from components.registry.catalogue import CHAMPION, Version, find
from components.registry.deciding import LEASE_SECONDS, Settled, about, settle, spoken, write_decision
from components.registry.decisions import Action, Decision, Ruling, decision_about
from components.registry.evidence import Evidence, read_evidence
from components.registry.gate import judge, unopened
from components.registry.lease import Lease, hold_lease
from components.registry.states import exam_of, refusal_of, standing_of
from components.registry.summary import remember_decision
from components.registry.tracking import Tracking, connect
from components.registry.verdict import Verdict
from components.registry.wholeness import made_ready
from components.storage.spans import spending
from components.storage.workspace import Workspace

Promote = Literal["gate", "approve", "never"]
TURNS = 3
"""How often a version is judged when each time the champion became another meanwhile."""


def decide(workspace: Workspace, version: Version, promote: Promote) -> Decision:
    """The decision about a version: the gate's, carried out. The same question is not judged twice.

    `gate` promotes what passes; `approve` leaves what passes waiting for a person; `never` leaves the exam closed, as
    an experiment must. What fails is refused; what cannot be decided waits for a person: none of these is an error. What a
    person took back stays so, under any number. An accident while judging (storage, memory, a stage that was killed) is raised and leaves no decision.
    """
    evidence = read_evidence(workspace, read_recipe(workspace.params))
    tracking = connect(workspace)
    decision, turn = _decided_before(workspace, tracking, version, promote, evidence), 0
    while decision is None:
        turn += 1
        decision = _judge(workspace, tracking, version, promote, evidence, last=turn >= TURNS) or _decided_before(
            workspace, tracking, version, promote, evidence
        )
    remember_decision(workspace, evidence.key, decision)
    return decision


def _decided_before(
    workspace: Workspace, tracking: Tracking, version: Version, promote: Promote, evidence: Evidence
) -> Decision | None:
    """The entry that answers the present question already, or one that says so of this version's weights."""
    with hold_lease(workspace, f"decide {version.number}", wait_seconds=LEASE_SECONDS) as lease:
        settled = settle(lease, tracking)
        log, champion = settled.log, settled.champion
        standing = standing_of(log, version.number, version.weights_sha256)
        own = decision_about(log, version.number)
        if champion is not None and champion.number == version.number:
            return own
        if standing.state == "withdrawn" and standing.entry is not None:
            return own or _as_before(lease, tracking, settled, version, standing.entry, "withdraw", evidence.key)
        if own is not None and _answers(own, champion, promote, evidence):
            return own
        refused = refusal_of(log, version.weights_sha256)
        if own is not None or refused is None or promote == "never":
            return None
        if not _answers(refused, champion, promote, evidence) or exam_of(refused) != _present_exam(workspace):
            return None
        return _as_before(lease, tracking, settled, version, refused, "refuse", evidence.key)


def _judge(
    workspace: Workspace, tracking: Tracking, version: Version, promote: Promote, evidence: Evidence, *, last: bool
) -> Decision | None:
    """The written decision; None when somebody promoted the version or took it back meanwhile, or when another became
    champion and there is another turn."""
    recipe = read_recipe(workspace.params)
    champion = find(tracking, CHAMPION)
    is_closed = promote == "never" or recipe.gate.kind == "never"
    with spending("work"):
        verdict = unopened() if is_closed else judge(workspace, recipe, tracking, version, champion)
    action, why = _action(verdict, "never" if is_closed else promote)
    hashed = made_ready(tracking, version) if action == "promote" else {}
    with hold_lease(workspace, f"decide {version.number}", wait_seconds=LEASE_SECONDS) as lease:
        settled = settle(lease, tracking)
        if standing_of(settled.log, version.number, version.weights_sha256).state in ("promoted", "withdrawn"):
            return None  # a person's word stands
        now = settled.champion
        moved = (now.number if now else None) != (champion.number if champion else None)
        if moved and not last:
            return None
        gate = verdict.to_json()
        if moved:
            action, gate["code"] = "hold", "champion moved"
            why = f"the champion became {spoken(now.number if now else None)} while this was judged; {why}"
        found = {
            "gate": gate,
            "gate_sha256": evidence.gate_sha256,
            "asked": promote,
            "champion": champion.number if champion else None,
            "champion_weights": champion.weights_sha256 if champion else None,
            "key": evidence.key,
            **hashed,
        }
        ruling = Ruling(action=action, **about(version), who="gate", why=why, evidence=found)
        return write_decision(lease, tracking, settled, ruling)


def _answers(entry: Decision, champion: Version | None, promote: Promote, evidence: Evidence) -> bool:
    """Whether an earlier verdict answers the present question: same rules, same champion, same wish."""
    if entry.action not in ("register", "hold", "refuse") or entry.code == "champion moved":
        return False
    same_rules = entry.evidence.get("gate_sha256") == evidence.gate_sha256
    same_champion = entry.champion_before == (champion.number if champion else None)
    return same_rules and same_champion and (entry.action == "refuse" or entry.evidence.get("asked") == promote)


def _as_before(
    lease: Lease,
    tracking: Tracking,
    settled: Settled,
    version: Version,
    before: Decision,
    action: Literal["refuse", "withdraw"],
    key: str,
) -> Decision:
    """The entry that carries a decision about the same weights over to a version with another number."""
    earlier = before.withdraws if action == "withdraw" else before.version
    said = "taken back" if action == "withdraw" else "refused"
    why = (
        f"these weights were {said} as {spoken(earlier)} by {before.who} (decision {before.sequence}): {before.why}; "
        f"`unimed promote {version.number}` brings them back, in your name"
    )
    kept: dict[str, Any] = {**(before.evidence if action == "refuse" else {}), "of": before.sequence, "key": key}
    return write_decision(
        lease, tracking, settled, Ruling(action=action, **about(version), who="gate", why=why, evidence=kept)
    )


def _present_exam(workspace: Workspace) -> str:
    """The id of the exam on which a version would be judged now."""
    return freeze_exam(workspace, read_recipe(workspace.params)).id


def _action(verdict: Verdict, promote: Promote) -> tuple[Action, str]:
    """What follows from the gate's verdict and from what was asked."""
    text = "; ".join(verdict.reasons)
    if promote == "never":
        return "register", text
    if verdict.outcome == "refuse":
        return "refuse", text
    if verdict.outcome == "hold":
        return "hold", f"{verdict.code}, waits for a person; {text}"
    if promote == "gate":
        return "promote", text
    return "hold", f"waits for approval as asked; {text}"
