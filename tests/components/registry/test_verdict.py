"""The verdict: what each rule asks of a row, and what follows from all of them."""

from dataclasses import replace

import pytest

from components.evaluation.decision_table import cost_rows
from components.evaluation.endpoints import BLANK, FRESH, NORMAL, READABLE, UNCONTAMINATED
from components.recipes.gate import SAFETY, GateSettings, Rule
from components.registry.rules import read_rules
from components.registry.trained import IMPORTED
from components.registry.verdict import Facts, verdict
from tests.components.registry.tables import row, table

REFRESH = GateSettings(kind="refresh", margin=0.1, cluster="patient", demonstrative=False)
IMPROVE = replace(REFRESH, kind="improve")
TAUGHT = Facts(challenger_taught={"sources": frozenset({"fundus"})}, champion_taught={"sources": frozenset({"fundus"})})


def said(found) -> str:
    return "; ".join(found.reasons)


@pytest.mark.parametrize(
    ("difference", "outcome", "code"),
    [(0.0, "promote", ""), (-0.05, "promote", ""), (-0.1, "hold", "inconclusive"), (-0.2, "refuse", "")],
)
def test_a_capability_must_be_shown_not_worse_by_the_margin(difference, outcome, code):
    found = verdict(table(row("answers/closed", difference=difference)), REFRESH, TAUGHT)
    assert (found.outcome, found.code) == (outcome, code)


def test_one_capability_that_collapsed_refuses_whatever_the_others_gained():
    found = verdict(table(row("answers/closed", difference=0.2), row("drawing", difference=-0.6)), REFRESH, TAUGHT)
    assert found.outcome == "refuse"
    assert "drawing -0.600 on 400 items of 400 patients" in said(found) and "worse" in said(found)
    assert any("drawing 0.5" in change for change in found.changes), "says how much higher it would have to be"


def test_a_row_of_nine_patients_neither_passes_nor_fails():
    for difference in (0.0, -0.6):
        found = verdict(table(row("drawing", patients=9, difference=difference)), REFRESH, TAUGHT)
        assert (found.outcome, found.code) == ("hold", "inconclusive")
        assert "drawing: 9 patients, fewer than 10, can neither pass nor fail" in said(found)


def test_nine_patients_of_a_subgroup_do_not_harm_nor_stand_in_the_way():
    rows = row("answers/closed"), row("answers modality=CT", patients=9, difference=-0.7)
    assert verdict(table(*rows), REFRESH, TAUGHT).outcome == "promote"


def test_a_demonstrative_recipe_counts_images_and_is_not_held_up_by_what_has_too_few():
    few = row("edit/sr", patients=2, units=5), replace(row("answers/closed", patients=60), patients=4)
    settings = replace(REFRESH, demonstrative=True, cluster="image", margin=0.3)
    found = verdict(table(*few, demonstrative=True, cluster="image"), settings, TAUGHT)
    assert found.outcome == "promote" and found.reasons[0].startswith("demonstrative")


def test_a_subgroup_shown_worse_refuses_and_many_small_ones_are_counted_together():
    harmed = row("answers source=ward-3", patients=60, difference=-0.3)
    assert "harmed" in said(verdict(table(row("answers/closed"), harmed), REFRESH, TAUGHT))
    # 4 of 60 lost: p .06 alone; among twenty subgroups that is no finding.
    noise = [row(f"answers source=s{n}", patients=60) for n in range(20)]
    slight = row("answers source=ward-3", patients=60, difference=-0.07)
    assert verdict(table(row("answers/closed"), slight, *noise), REFRESH, TAUGHT).outcome == "promote"


def test_a_subgroup_that_lost_twice_the_margin_waits_for_a_person_even_if_it_is_not_shown():
    settings = replace(REFRESH, margin=0.01)
    rows = row("answers/closed", patients=90_000), row("answers source=ward-3", patients=100, difference=-0.03)
    found = verdict(table(*rows), settings, TAUGHT)
    assert (found.outcome, found.code) == ("hold", "inconclusive") and "twice the margin" in said(found)


@pytest.mark.parametrize(("difference", "outcome"), [(0.1, "promote"), (0.0, "refuse"), (-0.15, "refuse")])
def test_improve_asks_for_better_answers(difference, outcome):
    found = verdict(table(row("answers", difference=difference), row("answers/closed")), IMPROVE, TAUGHT)
    assert found.outcome == outcome


def test_without_a_champion_floors_alone_are_asked():
    alone = table(champion_weights="", rows=(row("control/majority", champion=0.3), row("control/image", champion=0.2)))
    assert verdict(alone, REFRESH, Facts()).outcome == "promote"
    below = table(
        champion_weights="", rows=(row("control/majority", champion=-0.2), row("control/image", champion=0.2))
    )
    found = verdict(below, IMPROVE, Facts())
    assert found.outcome == "refuse" and "control/majority" in said(found)
    barely = table(champion_weights="", rows=(row("control/majority", champion=0.01), row("control/image")))
    assert verdict(barely, REFRESH, Facts()).code == "inconclusive"


def test_an_exam_that_asks_nothing_is_inconclusive():
    found = verdict(table(rows=()), REFRESH, TAUGHT)
    assert (found.outcome, found.code) == ("hold", "inconclusive")
    assert "control/majority: no such row in the table" in said(found)


def test_what_training_no_longer_shows_is_held_by_name_until_a_person_or_the_recipe_lets_it_go():
    facts = Facts(
        challenger_taught={"sources": frozenset({"fundus"}), "classes": frozenset()},
        champion_taught={"sources": frozenset({"fundus", "ultrasound"}), "classes": frozenset({"Doppler"})},
    )
    rows = table(row("answers/closed"))
    found = verdict(rows, REFRESH, facts)
    assert (found.outcome, found.code, found.lost) == ("hold", "lost", ("Doppler", "ultrasound"))
    assert "lost: ultrasound (source that the champion was taught)" in said(found)
    accepted = replace(facts, accepted=frozenset({"lost:ultrasound"}))
    assert verdict(rows, REFRESH, accepted).lost == ("Doppler",)
    assert verdict(rows, replace(REFRESH, retired={"Doppler": "no longer made"}), accepted).outcome == "promote"


def test_a_lost_source_whose_rows_fail_is_refused():
    facts = replace(TAUGHT, challenger_taught={"sources": frozenset()})
    found = verdict(table(row("answers/closed", difference=-0.4)), REFRESH, facts)
    assert found.outcome == "refuse" and "lost: fundus" in said(found)


def test_the_same_weights_are_not_worse_however_few_the_patients():
    same = table(row("drawing", patients=3), champion_weights="a")
    assert verdict(same, REFRESH, TAUGHT).outcome == "promote"


def test_rules_of_the_recipe_replace_the_default_ones_and_name_rows_by_pattern():
    settings = replace(
        REFRESH, rules=(Rule(not_worse="edit/*", margin=0.02), Rule(floor="safety/readable", at_least=0.9))
    )
    rows = table(
        row("edit/sr", patients=2000), row("answers/closed", difference=-0.5), row("safety/readable", champion=0.99)
    )
    assert verdict(rows, settings, TAUGHT).outcome == "promote", "nothing is asked of answers"
    unknown = replace(REFRESH, rules=(Rule(better="reports"),))
    assert "reports: no such row in the table" in said(verdict(rows, unknown, TAUGHT))


def test_a_row_that_the_champions_scores_do_not_have_holds_nothing_up_unless_a_rule_names_it():
    """They are kept from one release to the next, and a later one asks more."""
    unknown = {"champion": None, "difference": None, "low": None, "high": None, "p_value": None}
    alone = [replace(row(name), **unknown) for name in ("drawing/plane", "drawing/plane modality=MRI", "safety/blank")]
    rows = table(row("answers/closed"), *alone)
    assert verdict(rows, REFRESH, TAUGHT).outcome == "promote"
    found = verdict(rows, replace(REFRESH, rules=(Rule(not_worse="drawing/plane"),)), TAUGHT)
    assert found.outcome == "hold"
    assert "drawing/plane: the champion's scores, of an earlier release, do not have it" in said(found)


@pytest.mark.parametrize("champion_weights", ["b", None])
@pytest.mark.parametrize(
    ("share", "patients", "outcome"),
    [(0.99, 400, "promote"), (0.9, 400, "hold"), (0.5, 400, "refuse"), (1.0, 9, "hold")],
)
def test_a_limit_on_safety_is_asked_with_and_without_a_champion(champion_weights, share, patients, outcome):
    settings = replace(REFRESH, safety={"blank": 0.9, "readable": 0.9})
    rows = table(row("safety/blank", champion=share, patients=patients), champion_weights=champion_weights)
    found = verdict(rows, settings, TAUGHT)
    assert found.outcome == outcome
    assert "safety/blank" in said(found)


def test_a_demonstrative_recipe_is_not_held_up_by_a_safety_row_of_few_images():
    few = table(row("safety/blank", champion=0.2, patients=9), demonstrative=True)
    assert verdict(few, replace(REFRESH, demonstrative=True, safety={"blank": 0.9}), TAUGHT).outcome == "promote"


def test_every_safety_row_may_have_a_limit_and_nothing_else():
    named = {READABLE, NORMAL, BLANK, FRESH, UNCONTAMINATED}
    assert {f"safety/{name}" for name in SAFETY} == named
    with pytest.raises(ValueError, match=r"gate\.safety\.blanks is no row of safety; there are blank, fresh, normal"):
        replace(REFRESH, safety={"blanks": 0.5})
    with pytest.raises(ValueError, match=r"gate\.safety\.blank is a share from 0 to 1, got 90"):
        replace(REFRESH, safety={"blank": 90})


def test_a_rule_on_costs_compares_what_was_measured():
    costs = cost_rows({"answer_seconds": 1.3}, {"answer_seconds": 1.0})
    rows = table(row("answers/closed"), *costs)
    for margin, outcome in ((0.5, "promote"), (0.2, "refuse")):
        settings = replace(REFRESH, rules=(Rule(not_worse="cost/*", margin=margin),))
        assert verdict(rows, settings, TAUGHT).outcome == outcome


def test_weights_from_elsewhere_are_said_in_the_first_line():
    found = verdict(table(row("answers/closed")), REFRESH, replace(TAUGHT, unknown_patients={"champion": IMPORTED}))
    assert found.reasons[0] == (
        "the champion's training patients are unknown: its weights were imported, and may have seen the exam's"
    )


def test_facts_survive_json_and_those_of_an_older_release_are_read():
    facts = replace(TAUGHT, unknown_patients={"champion": "not in the cache"}, accepted=frozenset({"lost:a"}))
    assert Facts.from_json(facts.to_json()) == facts
    older = {**facts.to_json(), "unknown_patients": ["champion"]}
    assert Facts.from_json(older).unknown_patients == {"champion": IMPORTED}


def test_what_costs_more_than_twice_as_much_waits_for_a_person_by_default():
    def outcome(seconds: float, **more) -> tuple[str, str]:
        costs = cost_rows({"drawing_seconds": seconds, **more}, {"drawing_seconds": 1.0, "machine": "a"})
        found = verdict(table(row("answers/closed"), *costs), REFRESH, TAUGHT)
        return found.outcome, found.code

    assert outcome(1.9, machine="a") == ("promote", "")
    assert outcome(2.1, machine="a") == ("hold", "inconclusive")
    assert outcome(9.0, machine="b") == ("promote", ""), "two machines are not compared"
    assert outcome(9.0) == ("promote", "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "a rule asks for one of better, not_worse, floor, no_harm, got none"),
        ({"better": "answers", "floor": "answers"}, "got better and floor"),
        ({"better": "answers", "margin": 0.1}, "margin belongs to not_worse"),
        ({"no_harm": "answers", "at_least": 0.1}, "at_least belongs to floor"),
        ({"not_worse": "answers", "margin": float("nan")}, "margin belongs to not_worse and is a number above 0"),
        ({"not_worse": "answers", "margin": float("inf")}, "is a number above 0, got inf"),
        ({"floor": "answers", "at_least": float("nan")}, "at_least must be a number, got nan"),
        ({"no_harm": " "}, "no_harm names no row"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Rule(**given)


@pytest.mark.parametrize("margin", [float("nan"), -0.1, 1.0, float("inf")])
def test_a_margin_that_asks_for_nothing_is_refused(margin):
    with pytest.raises(ValueError, match=r"gate.margin must be in \[0, 1\)"):
        replace(REFRESH, margin=margin)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "wants keys of gate or a list of rules, got NoneType"),
        ("just words", "wants keys of gate or a list of rules, got str"),
        ("1: 2\n", "got keys that are no words"),
        ("- 5\n", "rules.0"),
        ("- {not_worse: answers, margin: .nan}\n", "a number above 0"),
        ("- {floor: [answers]}\n", "rules.0.floor"),
        ("margin: a lot\n", "margin"),
        ("retired: {fundus: ''}\n", "gate.retired.fundus says no reason"),
        ("- &a {not_worse: *a}\n", "rules"),
    ],
)
def test_a_file_of_rules_that_cannot_be_meant_is_one_error_and_no_traceback(tmp_path, text, message):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_rules(path, REFRESH)


def test_rules_that_name_one_row_several_times_decide_once_each_and_a_pattern_of_nothing_is_said():
    rules = (Rule(better="answers*"), Rule(better="answers"), Rule(not_worse="*"), Rule(no_harm="[x"))
    found = verdict(table(row("answers", difference=0.3)), replace(REFRESH, rules=rules), TAUGHT)
    assert found.code == "inconclusive" and "[x: no such row in the table" in said(found)
    assert [(one.ask, one.answer) for one in found.ruled if one.row == "answers"] == [
        ("better", "pass"),
        ("better", "pass"),
        ("not_worse", "pass"),
    ]


def test_an_exam_whose_every_item_left_promotes_nothing():
    alone = table(rows=(row("safety/uncontaminated", champion=1.0),), left_out={"its patient trained the champion": 9})
    found = verdict(alone, REFRESH, TAUGHT)
    assert (found.outcome, found.code) == ("hold", "inconclusive")
