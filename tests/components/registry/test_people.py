"""What people decide: two voices, losses that are accepted, what is taken back."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from components.registry import carrying_out, deciding, promotion
from components.registry.catalogue import resolve
from components.registry.database import Impossible
from components.registry.decisions import read_log
from components.registry.people import approve, approvers_of, promote, rollback, set_approvers, withdraw
from components.registry.promotion import decide
from components.registry.summary import champion_summary
from components.registry.verdict import Verdict
from components.registry.versions import models, register


def state(workspace, number) -> str:
    return next(row["state"] for row in models(workspace) if row["version"] == number)


def test_two_people_are_needed_where_the_log_says_so_and_one_is_not_two(workspace):
    decide(workspace, register(workspace), "approve")
    set_approvers(workspace, 2, who="ada", why="release board")
    first = approve(workspace, "challenger", who="ada", why="looked at it")
    assert first.action == "approve" and champion_summary(workspace)["champion"] is None
    assert champion_summary(workspace)["challenger"]["version"] == 1
    with pytest.raises(Impossible, match="ada spoke for version 1 already; somebody else must, too"):
        approve(workspace, "1", who="ada", why="again")
    last = approve(workspace, "1", who="eve", why="so do I")
    assert last.promoted and last.evidence["approved_by"] == ["ada", "eve"]
    assert [entry.action for entry in read_log(workspace)] == ["hold", "approvers", "approve", "promote"]


def test_a_word_is_void_when_the_version_is_judged_again_on_other_evidence(workspace, monkeypatch):
    version = register(workspace)
    decide(workspace, version, "approve")
    set_approvers(workspace, 2, who="ada", why="release board")
    approve(workspace, "1", who="ada", why="looked at it")
    monkeypatch.setattr(promotion, "judge", lambda *_: Verdict(outcome="hold", code="inconclusive", reasons=("few",)))
    decide(workspace, version, "gate")
    assert approve(workspace, "1", who="eve", why="so do I").action == "approve", "ada's word was about other evidence"
    assert champion_summary(workspace)["champion"] is None
    assert approve(workspace, "1", who="ada", why="looked again").promoted


def test_a_person_alone_does_not_override_the_gate_where_two_are_needed(workspace, retrain):
    retrain(workspace, "weights 1", accuracy=0.4)
    decide(workspace, register(workspace), "gate")
    set_approvers(workspace, 2, who="ada", why="release board")
    assert promote(workspace, "1", who="ada", why="a demonstration").action == "approve"
    assert state(workspace, 1) == "refused"
    assert promote(workspace, "1", who="eve", why="yes").promoted


def test_two_people_may_speak_for_a_version_that_nobody_judged(three):
    set_approvers(three, 2, who="ada", why="release board")
    assert promote(three, "2", who="ada", why="a demonstration").action == "approve"
    assert state(three, 2) == "registered"
    assert promote(three, "2", who="eve", why="so do I").promoted


def test_how_many_people_is_an_entry_of_the_log(workspace):
    assert approvers_of(read_log(workspace)) == 1
    set_approvers(workspace, 2, who="ada", why="release board")
    assert approvers_of(read_log(workspace)) == 2
    for count, reason in ((2, "needs 2 people already"), (3, "must be 1 or 2, got 3")):
        with pytest.raises(Impossible, match=reason):
            set_approvers(workspace, count, who="ada", why="more")


def test_what_the_gate_found_lost_is_accepted_by_name_or_not_at_all(workspace, monkeypatch):
    lost = Verdict(outcome="hold", code="lost", reasons=("both are taught no longer",), lost=("ultrasound", "fundus"))
    monkeypatch.setattr(promotion, "judge", lambda *_: lost)
    decide(workspace, register(workspace), "gate")
    assert next(row["state_code"] for row in models(workspace)) == "lost"
    with pytest.raises(
        Impossible, match=r"version 1 has lost:fundus; .* --accept lost:fundus --accept lost:ultrasound"
    ):
        approve(workspace, "1", who="ada", why="known", accepts=["lost:ultrasound"])
    both = ["lost:ultrasound", "lost:fundus"]
    with pytest.raises(Impossible, match="version 1 has not lost:mri"):
        approve(workspace, "1", who="ada", why="known", accepts=[*both, "lost:mri"])
    assert approve(workspace, "1", who="ada", why="known", accepts=both).evidence["accepts"] == sorted(both)


def test_an_approval_is_of_the_evidence_that_was_seen(workspace):
    held = decide(workspace, register(workspace), "approve")
    with pytest.raises(Impossible, match="it was judged again meanwhile"):
        approve(workspace, "1", who="ada", why="looked", evidence="0" * 12)
    assert approve(workspace, "1", who="ada", why="looked", evidence=held.evidence_sha256[:12]).promoted


def test_new_versions_of_withdrawn_weights_are_born_withdrawn_and_only_a_person_brings_them_back(three, monkeypatch):
    promote(three, "3", who="ada", why="try")
    rollback(three, who="ada", why="complaints about ultrasound")
    found = resolve(three, "3")
    again = replace(found, number=9, aliases=())
    decision = decide(three, again, "gate")
    assert decision.action == "withdraw" and decision.who == "gate" and decision.version == 9
    assert "taken back as version 3 by ada (decision 3): complaints about ultrasound" in decision.why
    assert decide(three, again, "gate") == decision, "said once"
    assert promote(three, "3", who="ada", why="it was the probe").promoted


@pytest.mark.parametrize(("exam", "judged"), [("1", 1), ("2", 2)])
def test_a_refusal_holds_for_the_weights_until_the_exam_is_another(three, monkeypatch, exam, judged):
    asked = []

    def judge(*_):
        asked.append(exam)
        return Verdict(outcome="refuse", reasons=("worse",), numbers={"exam": "1"})

    monkeypatch.setattr(promotion, "judge", judge)
    monkeypatch.setattr(promotion, "freeze_exam", lambda *_: SimpleNamespace(id=exam))
    found = register(three)
    assert decide(three, found, "gate").action == "refuse"
    later = replace(found, number=9, aliases=())
    decision = decide(three, later, "gate")
    assert (decision.action, decision.version, len(asked)) == ("refuse", 9, judged)
    assert ("refused as version 3 by gate" in decision.why) == (judged == 1)
    assert decide(three, later, "gate") == decision and len(asked) == judged, "said once"


def test_a_rollback_passes_over_what_was_withdrawn(three):
    promote(three, "2", who="ada", why="try")
    promote(three, "3", who="ada", why="try")
    withdraw(three, "2", who="ada", why="trained on a wrong delivery")
    assert rollback(three, who="ada", why="complaints").version == 1
    assert [state(three, number) for number in (1, 2, 3)] == ["promoted", "withdrawn", "withdrawn"]


def test_the_champion_is_not_withdrawn_but_rolled_back(three):
    with pytest.raises(Impossible, match="version 1 is champion; `unimed rollback`"):
        withdraw(three, "1", who="ada", why="no")
    withdraw(three, "2", who="ada", why="no")
    with pytest.raises(Impossible, match="version 2 is withdrawn already"):
        withdraw(three, "2", who="ada", why="no")


def test_a_version_judged_against_another_champion_is_not_approved(workspace, retrain, monkeypatch):
    monkeypatch.setattr(promotion, "judge", lambda *_: Verdict(outcome="promote", reasons=("not worse",)))
    decide(workspace, register(workspace), "gate")
    retrain(workspace, "weights 2")
    decide(workspace, register(workspace), "approve")
    retrain(workspace, "weights 3")
    promote(workspace, str(register(workspace).number), who="ada", why="urgent")
    with pytest.raises(Impossible, match="version 2 was judged against version 1, the champion is version 3 now"):
        approve(workspace, "2", who="ada", why="looked at it")


def test_what_was_judged_while_the_champion_changed_is_not_approved_on_that(three, monkeypatch):
    former, third = resolve(three, "1"), resolve(three, "3")
    promote(three, "2", who="ada", why="first")
    passed = Verdict(outcome="promote", reasons=("better than the former champion",))
    monkeypatch.setattr(promotion, "TURNS", 1)
    monkeypatch.setattr(promotion, "judge", lambda *_: passed)
    monkeypatch.setattr(promotion, "_decided_before", lambda *_: None)
    monkeypatch.setattr(promotion, "find", lambda *_: former)
    held = decide(three, third, "gate")
    assert (held.action, held.code, held.judged_against, held.champion_before) == ("hold", "champion moved", 1, 2)
    with pytest.raises(Impossible, match="version 3 was judged against version 1, the champion is version 2 now"):
        approve(three, "3", who="ada", why="looked at it")


@pytest.mark.parametrize("word", [promote, withdraw])
def test_what_a_person_says_of_a_version_while_it_is_judged_stands(three, monkeypatch, word):
    third, spoken = resolve(three, "3"), []

    def judge(*_):
        spoken.append(word(three, "3", who="ada", why="I looked at it"))
        return Verdict(outcome="hold", reasons=("inconclusive",))

    monkeypatch.setattr(promotion, "judge", judge)
    assert [decide(three, third, "gate")] == spoken
    assert state(three, 3) == ("promoted" if word is promote else "withdrawn")


def test_a_lost_cache_changes_nothing(three):
    promote(three, "2", who="ada", why="try")
    before = champion_summary(three)
    (three.private / "registration.json").unlink()
    assert champion_summary(three) == before
    assert rollback(three, who="ada", why="back").version == 1


def test_two_who_take_back_the_same_version_take_one_back(three):
    promote(three, "2", who="ada", why="try")
    promote(three, "3", who="ada", why="try")
    seen = (three.private / "registration.json").read_text()
    assert rollback(three, who="ada", why="complaints").version == 2
    (three.private / "registration.json").write_text(seen)  # of another workspace, which has not looked since
    told = r"the champion is version 2 now, this workspace last saw version 3: .*\(rollback by ada, decision 4: complaints\)"
    with pytest.raises(Impossible, match=told):
        rollback(three, who="eve", why="complaints")
    models(three)
    assert rollback(three, who="eve", why="version 2 is no better").version == 1


@pytest.mark.parametrize("stopped", ["carry_out", "remember_aliases"])
def test_a_call_that_was_killed_is_finished_by_the_same_call_and_not_repeated(three, monkeypatch, stopped):
    """Killed before MLflow followed, and before this workspace noted the new champion."""

    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    def twice(call, **asked):
        with monkeypatch.context() as patch:
            patch.setattr(deciding if stopped == "carry_out" else carrying_out, stopped, killed)
            with pytest.raises(Killed):
                call(three, **asked)
        return call(three, **asked)

    promote(three, "2", who="ada", why="try")
    assert twice(promote, name="3", who="ada", why="better").sequence == 3
    assert twice(rollback, who="ada", why="complaints").version == 2
    assert champion_summary(three)["champion"]["version"] == 2
    assert [entry.version for entry in read_log(three)] == [1, 2, 3, 2]
    if stopped == "carry_out":
        promote(three, "1", who="ada", why="try")
        assert twice(withdraw, name="2", who="ada", why="wrong delivery").action == "withdraw"
        assert state(three, 2) == "withdrawn" and len(read_log(three)) == 6
