"""The scorer unimed.vqa@1 against its vectors, and the traps that public kits fell into."""

import json
from pathlib import Path

import pytest

from components.evaluation import answers

VECTORS = json.loads((Path(__file__).parent / "golden" / "unimed_vqa_v1.json").read_text())


def test_the_abstention_list_is_the_vectors_list():
    assert list(answers.ABSTENTIONS) == VECTORS["abstentions"]


@pytest.mark.parametrize("case", VECTORS["normalise"], ids=lambda case: case["in"])
def test_texts_normalise_as_the_vectors_say(case):
    assert answers.normalise(case["in"]) == case["out"]


def _check(verdict: answers.Verdict, case: dict) -> None:
    assert (verdict.status, verdict.parsed, verdict.correct) == (case["status"], case["parsed"], case["correct"])
    if case["value"]:
        assert dict(verdict.value or {}) == pytest.approx(case["value"], abs=1e-9)


@pytest.mark.parametrize("case", VECTORS["yesno"], ids=lambda case: case["response"] or "empty")
def test_yes_no_answers_are_judged_as_the_vectors_say(case):
    _check(answers.score_yes_no(case["response"], case["answer"]), case)


@pytest.mark.parametrize("case", VECTORS["choice"], ids=lambda case: case["response"] or "empty")
def test_choices_are_judged_as_the_vectors_say(case):
    _check(answers.score_choice(case["response"], VECTORS["options"], case["answer"]), case)


@pytest.mark.parametrize("case", VECTORS["open"], ids=lambda case: f"{case['answer']}<-{case['response'] or 'empty'}")
def test_open_answers_are_judged_as_the_vectors_say(case):
    _check(answers.score_open(case["response"], case["answer"]), case)


def test_a_choice_by_option_text_is_right_whatever_its_position():
    options = ["CT", "MRI", "ultrasound"]
    for reference in options:
        verdict = answers.score_answer(f"{reference}.", answer_type="choice", reference=reference, options=options)
        assert (verdict.status, verdict.correct) == ("ok", 1)


def test_the_letter_a_is_a_choice_although_it_is_also_an_article():
    assert answers.score_choice("A", {"A": "CT", "B": "MRI"}, "A").correct == 1


def test_two_options_in_one_answer_are_unparsed_not_drawn():
    verdict = answers.score_answer("CT or MRI", answer_type="choice", reference="CT", options=["CT", "MRI"])
    assert (verdict.status, verdict.correct) == ("unparsed", 0)


def test_a_closed_question_with_another_reference_than_yes_or_no_is_compared_as_text():
    verdict = answers.score_answer("The left eye", answer_type="closed", reference="left eye", options=())
    assert verdict.correct == 1


def test_a_choice_whose_reference_is_no_option_is_an_error_that_names_both():
    with pytest.raises(ValueError, match=r"'OCT' is not one of the options \['CT', 'MRI'\]"):
        answers.score_answer("CT", answer_type="choice", reference="OCT", options=["CT", "MRI"])


def test_the_last_balanced_box_wins():
    assert answers.extract(r"\boxed{no} then \boxed{a {b} c}") == "a {b} c"
