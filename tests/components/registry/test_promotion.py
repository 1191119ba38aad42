"""Who is champion, by whom, and that nobody loses a decision."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from components.recipes.registry import MODEL
from components.registry import deciding, gate
from components.registry.carrying_out import Drift
from components.registry.catalogue import all_versions, record_folder, reference_of, resolve
from components.registry.database import Impossible
from components.registry.decisions import BrokenLog, read_log
from components.registry.exam import Incomparable
from components.registry.pairing import mismatch
from components.registry.people import approve, promote, rollback
from components.registry.promotion import decide
from components.registry.summary import already_judged, champion_summary
from components.registry.tracking import connect
from components.registry.versions import models, register
from components.registry.weights_reference import key
from tests.fixtures.registry_workspace import write_answers


@pytest.fixture
def compared(monkeypatch, tmp_path):
    """Stand for the champion's predictions and their scores: the accuracy that the test sets."""
    value = {"accuracy": 0.8}

    def exam_scores(workspace, *_, why):
        if "the champion" not in why:
            return workspace.evaluation / "scores"
        return write_answers(tmp_path / "champion", value["accuracy"], weights="the champion's")

    monkeypatch.setattr(gate, "exam_scores", exam_scores)
    return value


def test_the_first_good_version_becomes_champion_and_is_not_judged_twice(workspace):
    assert already_judged(workspace) is None
    version = register(workspace)
    decision = decide(workspace, version, "gate")
    assert decision.promoted and decision.who == "gate"
    assert decide(workspace, version, "gate") == decision
    assert len(read_log(workspace)) == 1
    assert already_judged(workspace) == decision
    assert champion_summary(workspace)["champion"] == {"version": 1, "weights_sha256": version.weights_sha256}
    row = models(workspace)[0]
    assert row["aliases"] == ["champion"] and row["decision"]["action"] == "promote"


def test_a_refused_challenger_is_a_finished_decision_with_its_numbers(workspace, retrain):
    retrain(workspace, "weights 1", accuracy=0.4)
    decision = decide(workspace, register(workspace), "gate")
    assert decision.action == "refuse"
    assert "control/majority -0.100" in decision.why
    assert decision.evidence["gate"]["numbers"]["rows"]["control/majority"]["challenger"] == -0.1
    assert decision.evidence["gate"]["changes"]
    assert champion_summary(workspace)["champion"] is None
    tracking = connect(workspace)
    version = resolve(workspace, "1", tracking)
    assert version.tags["unimed.decision"] == "refuse"
    assert version.tags["unimed.log_head"] == f"1:{decision.hash}"
    stored = tracking.client.download_artifacts(version.run_id, "decisions/0001/decision.json")
    assert json.loads(Path(stored).read_text())["hash"] == decision.hash


def test_a_decision_is_a_page_beside_the_run_that_the_versions_description_links(workspace, retrain, compared):
    decide(workspace, register(workspace), "approve")
    approve(workspace, "1", who="ada", why="looked at the page")
    tracking = connect(workspace)
    version = resolve(workspace, "1", tracking)
    stored = Path(tracking.client.download_artifacts(version.run_id, "decisions/1.html")).read_text()
    assert stored == (workspace.private / "decisions" / "1.html").read_text()
    assert "without a champion" in stored and "looked at the page" in stored and "ada (claimed)" in stored
    said = tracking.client.get_model_version(MODEL, "1").description
    assert f"/runs/{version.run_id}/artifacts/decisions/1.html" in said and "`.unimed/decisions/1.html`" in said


def test_a_challenger_that_is_worse_than_the_champion_is_refused(workspace, retrain, compared):
    decide(workspace, register(workspace), "gate")
    compared["accuracy"] = 1.0
    retrain(workspace, "weights 2")
    decision = decide(workspace, register(workspace), "gate")
    assert (decision.action, decision.champion_before) == ("refuse", 1)
    assert champion_summary(workspace)["champion"]["version"] == 1


def test_a_champion_that_todays_code_cannot_load_makes_the_challenger_wait(workspace, retrain, monkeypatch):
    decide(workspace, register(workspace), "gate")
    retrain(workspace, "weights 2")

    def broken(workspace, *_, why):
        if "the champion" not in why:
            return workspace.evaluation / "scores"
        raise Incomparable("config.json has another form")

    monkeypatch.setattr(gate, "exam_scores", broken)
    decision = decide(workspace, register(workspace), "gate")
    assert decision.action == "hold" and "incomparable" in decision.why and "another form" in decision.why
    assert champion_summary(workspace)["challenger"]["version"] == 2


def test_approve_waits_for_a_person_and_then_promotes(workspace):
    version = register(workspace)
    held = decide(workspace, version, "approve")
    assert held.action == "hold" and "waits for approval" in held.why
    assert champion_summary(workspace)["challenger"]["version"] == 1
    decision = approve(workspace, "challenger", who="ada", why="looked at the report")
    assert decision.promoted and decision.who == "ada"
    assert champion_summary(workspace) == {
        "champion": {"version": 1, "weights_sha256": version.weights_sha256},
        "challenger": None,
    }


def test_approving_what_does_not_wait_is_impossible(workspace, retrain):
    retrain(workspace, "weights 1", accuracy=0.4)
    decide(workspace, register(workspace), "gate")
    with pytest.raises(Impossible, match=r"refused: .*`unimed promote 1` overrides the gate in your name"):
        approve(workspace, "1", who="ada", why="because")
    assert promote(workspace, "1", who="ada", why="a demonstration").evidence["gate"] == "refuse"


def test_never_leaves_the_exam_closed_and_asking_again_differently_judges(workspace, monkeypatch):
    version = register(workspace)
    with monkeypatch.context() as closed:
        closed.delattr(gate, "exam_scores")
        held = decide(workspace, version, "never")
    assert held.action == "register" and "the exam stays closed" in held.why
    assert champion_summary(workspace) == {"champion": None, "challenger": None}
    assert decide(workspace, version, "gate").promoted


def test_a_recipe_whose_gate_is_never_opens_no_exam_and_is_not_asked_again(workspace, monkeypatch):
    monkeypatch.delattr(gate, "exam_scores")
    text = workspace.params.read_text()
    assert "kind: refresh" in text
    workspace.params.write_text(text.replace("kind: refresh", "kind: never"))
    decision = decide(workspace, register(workspace), "gate")
    assert decision.action == "register" and "the exam stays closed" in decision.why
    assert decide(workspace, register(workspace), "gate") == decision
    assert champion_summary(workspace)["champion"] is None


def test_rollback_goes_back_one_champion_at_a_time(three):
    promote(three, "2", who="ada", why="try")
    promote(three, "3", who="ada", why="try")
    assert rollback(three, who="ada", why="complaints").version == 2
    assert rollback(three, who="ada", why="complaints").version == 1
    with pytest.raises(Impossible, match="version 1 is the first champion"):
        rollback(three, who="ada", why="complaints")
    assert champion_summary(three)["champion"]["version"] == 1


def test_a_decision_needs_a_name_and_a_reason(workspace):
    with pytest.raises(Impossible, match="a name and a reason"):
        promote(workspace, "1", who="ada", why=" ")


def test_of_two_promotions_at_once_exactly_one_wins_and_the_loser_learns_why(three):
    code = (
        "import sys, pathlib\n"
        "from components.registry.people import promote\n"
        "from components.storage.workspace import Workspace\n"
        "try:\n"
        "    promote(Workspace(pathlib.Path.cwd()), sys.argv[1], who='p', why='race')\n"
        "    print('won')\n"
        "except ValueError as error:\n"
        "    print('lost:', error)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(gate.__file__).rpartition("/components/")[0]}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, v], stdout=subprocess.PIPE, text=True, env=environment, cwd=three.root
        )
        for v in ("2", "3")
    ]
    answers = sorted(racer.communicate(timeout=120)[0].strip() for racer in racers)
    assert answers[1] == "won"
    assert "held by pid" in answers[0] or "somebody decided meanwhile" in answers[0]
    assert len([entry for entry in read_log(three) if entry.who == "p"]) == 1


def test_a_stale_view_of_the_champion_does_not_promote(three):
    path = three.private / "registration.json"
    before = path.read_text()
    promote(three, "2", who="ada", why="better")
    path.write_text(before)
    with pytest.raises(Impossible, match="the champion is version 2 now, this workspace last saw version 1"):
        promote(three, "3", who="eve", why="better")


def test_a_promotion_killed_between_log_and_alias_is_finished_by_the_next_command(three, monkeypatch):

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(deciding, "carry_out", killed)
        with pytest.raises(Killed):
            promote(three, "2", who="ada", why="better")
    assert resolve(three, "champion").number == 1
    assert rollback(three, who="ada", why="no").version == 1
    assert [entry.version for entry in read_log(three)] == [1, 2, 1]
    assert resolve(three, "2").tags["unimed.decision"] == "promote"


def test_an_alias_moved_by_hand_is_reported_and_settled_only_by_name(three, compared):
    tracking = connect(three)
    tracking.client.set_registered_model_alias(MODEL, "champion", "3")
    with pytest.raises(
        Drift, match="champion points to version 3, the decision log says version 1: it was moved by hand"
    ):
        promote(three, "2", who="ada", why="better")
    with pytest.raises(Drift):
        decide(three, register(three), "gate")
    models(three)
    promote(three, "3", who="ada", why="it was me")
    assert rollback(three, who="ada", why="undo").version == 1


def test_a_log_that_was_rewritten_with_a_valid_chain_is_found_by_the_anchor(workspace):
    decide(workspace, register(workspace), "gate")
    with sqlite3.connect(workspace.private / "unimed.db") as database:
        database.execute("delete from unimed_decisions")
    with pytest.raises(BrokenLog, match="version 1 is anchored to decision 1"):
        promote(workspace, "1", who="eve", why="nothing happened")


def test_a_version_whose_record_was_edited_is_not_promoted(three):
    tracking = connect(three)
    evaluation = record_folder(tracking, resolve(three, "2", tracking)) / "evaluation.json"
    evaluation.write_text(evaluation.read_text().replace("0.8", "0.99"))
    with pytest.raises(ValueError, match=r"version 2 was judged on evaluation .* the record was edited"):
        promote(three, "2", who="eve", why="better")


def test_a_version_whose_weights_are_gone_is_not_promoted(three):
    promote(three, "2", who="ada", why="better")
    tracking = connect(three)
    reference = reference_of(tracking, resolve(three, "1", tracking))
    (Path(reference.cache) / key(reference.files[1].md5)).unlink()
    with pytest.raises(ValueError, match="is not in the DVC cache"):
        rollback(three, who="ada", why="back")
    assert champion_summary(three)["champion"]["version"] == 2


def test_what_a_person_rolled_back_no_rule_brings_back_and_a_person_may(workspace, retrain, compared):
    decide(workspace, register(workspace), "gate")
    retrain(workspace, "weights 2")
    compared["accuracy"] = 0.6
    second = register(workspace)
    assert decide(workspace, second, "gate").promoted
    taken = rollback(workspace, who="ada", why="complaints about ultrasound")
    assert taken.withdraws == 2 and champion_summary(workspace)["champion"]["version"] == 1
    assert already_judged(workspace) is not None, "the same evidence is not judged again"
    (workspace.private / "registration.json").unlink()
    assert register(workspace).number == 2
    assert decide(workspace, second, "gate") == taken
    assert champion_summary(workspace)["champion"]["version"] == 1
    assert len(read_log(workspace)) == 3
    models(workspace)
    assert promote(workspace, "2", who="ada", why="it was the probe").version == 2


def test_a_champion_that_was_deleted_on_mlflows_page_is_registered_again(workspace):
    decide(workspace, register(workspace), "gate")
    assert already_judged(workspace) is not None
    tracking = connect(workspace)
    tracking.client.delete_registered_model_alias(MODEL, "champion")
    tracking.client.delete_model_version(MODEL, "1")
    assert already_judged(workspace) is None, "what MLflow holds now is asked, not remembered"
    again = register(workspace)
    assert decide(workspace, again, "gate").promoted
    log = read_log(workspace)
    assert [(entry.action, entry.version) for entry in log] == [
        ("promote", 1),
        ("withdraw", 1),
        ("promote", again.number),
    ]
    assert log[1].who == "registry" and log[1].champion_after is None and log[2].champion_before is None
    assert already_judged(workspace) == log[2]
    with pytest.raises(Impossible, match="nothing to roll back to"):
        rollback(workspace, who="ada", why="there is none before it")


def test_another_version_that_got_a_champions_number_has_not_its_title(workspace, retrain, compared):
    """Somebody deleted the registered model on MLflow's page: its numbers begin again."""
    decide(workspace, register(workspace), "gate")
    connect(workspace).client.delete_registered_model(MODEL)
    retrain(workspace, "weights 2", 0.1)
    anew = register(workspace)
    decision = decide(workspace, anew, "gate")
    assert (anew.number, decision.action, decision.weights_sha256) == (1, "refuse", anew.weights_sha256)
    log = read_log(workspace)
    assert [(entry.action, entry.version, entry.who) for entry in log] == [
        ("promote", 1, "gate"),
        ("withdraw", 1, "registry"),
        ("refuse", 1, "gate"),
    ]
    (row,) = models(workspace)
    assert (row["aliases"], row["state"]) == ([], "refused") and champion_summary(workspace)["champion"] is None
    assert mismatch(log, all_versions(connect(workspace))) is None
    with pytest.raises(Impossible, match="nothing to roll back to"):
        rollback(workspace, who="ada", why="to the one before")


def test_a_person_can_promote_after_the_champion_was_deleted(three):
    tracking = connect(three)
    tracking.client.delete_registered_model_alias(MODEL, "champion")
    tracking.client.delete_model_version(MODEL, "1")
    with pytest.raises(Impossible, match="look at `unimed models`, then decide again"):
        promote(three, "2", who="ada", why="it is what we have")
    models(three)
    assert promote(three, "2", who="ada", why="it is what we have").promoted


def test_an_alias_that_was_moved_by_hand_is_not_nothing_to_do_and_the_advice_settles_it(workspace, retrain, compared):
    decide(workspace, register(workspace), "gate")
    retrain(workspace, "weights 2")
    compared["accuracy"] = 1.0
    second = register(workspace)
    decide(workspace, second, "gate")
    assert already_judged(workspace) is not None
    connect(workspace).client.set_registered_model_alias(MODEL, "champion", "2")
    assert already_judged(workspace) is None
    with pytest.raises(Drift, match=r"`unimed promote 2` or `unimed promote 1` settles it"):
        decide(workspace, second, "gate")
    models(workspace)
    promote(workspace, "1", who="ada", why="the alias was moved by mistake")
    assert champion_summary(workspace)["champion"]["version"] == 1
    assert already_judged(workspace) is not None


def test_a_decision_that_the_log_does_not_hold_any_more_does_not_count(workspace):
    decide(workspace, register(workspace), "gate")
    assert already_judged(workspace) is not None
    with sqlite3.connect(workspace.private / "unimed.db") as database:
        database.execute("delete from unimed_decisions")
    assert already_judged(workspace) is None
