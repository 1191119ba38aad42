"""No answer wins by being frequent, no question gives its answer away, nothing depends on input order."""

from collections import Counter
from dataclasses import replace

import pytest

from components.assembly.conversations.balance import Caps
from components.assembly.conversations.plan import plan_samples, plan_turns, question_form
from components.assembly.conversations.questions.asking import conversations, draw_turns
from components.assembly.conversations.questions.knowledge import Knowledge
from components.assembly.conversations.questions.types import QUESTION_TYPES
from components.assembly.corpus import first_of_image
from components.records.vocabulary import Modality, Split


@pytest.fixture
def training(entries):
    return tuple(entry for entry in entries if entry.split is Split.TRAIN)


def test_each_answer_is_asked_equally_often_although_images_are_not(training) -> None:
    assert Counter(e.modality for e in training).most_common()[0][1] > 5 * 8
    turns = draw_turns(Knowledge(QUESTION_TYPES["modality"], training), "open", 400, 1)
    assert set(Counter(turn.answer for turn in turns).values()) == {100}


def test_closed_questions_are_half_yes_half_no_and_neither_claim_nor_wording_tells(training) -> None:
    turns = draw_turns(Knowledge(QUESTION_TYPES["plane"], training), "closed", 1200, 1)
    assert Counter(turn.answer for turn in turns) == {"yes": 600, "no": 600}
    for prompt, asked in Counter(turn.prompt for turn in turns).items():
        yes = sum(turn.prompt == prompt and turn.answer == "yes" for turn in turns)
        assert 0.35 < yes / asked < 0.65, prompt
    assert all((turn.asserted == turn.value) == (turn.answer == "yes") for turn in turns)


def test_choice_options_hold_the_answer_once_at_no_favoured_place(training) -> None:
    turns = draw_turns(Knowledge(QUESTION_TYPES["map"], training), "choice", 600, 1)
    places = Counter(turn.options.index(turn.answer) for turn in turns)
    assert all(150 < count < 250 for count in places.values()), places
    assert all(turn.options.count(turn.answer) == 1 for turn in turns)
    assert turns[0].prompt.endswith("\n".join((" Options:", *turns[0].options)))


def test_an_organ_is_only_missing_where_the_patient_s_labels_know_it(make_entry) -> None:
    entries = [
        make_entry("a", "one", facts={"organs": "liver;spleen"}),
        make_entry("b", "one", facts={"organs": "liver"}),
        make_entry("c", "two", facts={"organs": "heart"}),
    ]
    known = Knowledge(QUESTION_TYPES["organ"], entries)
    found = {(fact.entry.id, fact.topic): fact.value for fact in known.facts}
    assert found == {
        ("mri/a", "liver"): "yes",
        ("mri/a", "spleen"): "yes",
        ("mri/b", "liver"): "yes",
        ("mri/b", "spleen"): "no",
        ("mri/c", "heart"): "yes",
    }


def test_an_organ_question_has_as_many_yes_as_no_for_each_organ(training) -> None:
    turns = draw_turns(Knowledge(QUESTION_TYPES["organ"], training), "closed", 120, 1)
    for organ in ("liver", "spleen", "left kidney"):
        asked = Counter(turn.answer for turn in turns if turn.asserted == organ)
        assert asked["yes"] == asked["no"] > 0


def test_a_finding_is_asked_about_where_labels_affirm_or_deny_it(make_entry) -> None:
    entries = [
        make_entry("a", "one", facts={"findings": "cardiomegaly;pneumonia", "absent_findings": "pneumothorax"}),
        make_entry("b", "two", facts={"absent_findings": "cardiomegaly"}),
        make_entry("c", "three"),
    ]
    known = Knowledge(QUESTION_TYPES["finding"], entries)
    assert {(fact.entry.id, fact.topic, fact.value) for fact in known.facts} == {
        ("mri/a", "cardiomegaly", "yes"),
        ("mri/a", "pneumonia", "yes"),
        ("mri/a", "pneumothorax", "no"),
        ("mri/b", "cardiomegaly", "no"),
    }
    turns = draw_turns(known, "closed", 20, 1)
    assert Counter(turn.answer for turn in turns) == {"yes": 10, "no": 10}
    assert {turn.asserted for turn in turns} == {"cardiomegaly"}, "what is never absent would be known without looking"
    assert all("cardiomegaly" in turn.prompt for turn in turns)


def test_overlapping_regions_are_never_wrong_answers_for_each_other(make_entry) -> None:
    entries = [
        make_entry(f"{where}-{k}", f"{where}{k}", Modality.CT, anatomy=where)
        for where in ("chest", "heart", "eye")
        for k in range(3)
    ]
    known = Knowledge(QUESTION_TYPES["region"], entries)
    for turn in draw_turns(known, "choice", 60, 1):
        assert turn.value == "eye" or not {"chest", "heart"} <= set(turn.options)
    for turn in draw_turns(known, "closed", 60, 1):
        assert {turn.value, turn.asserted} != {"chest", "heart"}


def test_a_type_with_one_answer_is_not_asked_and_its_share_goes_to_others(training, settings) -> None:
    heads = [entry for entry in training if entry.source == "mri"]
    turns = plan_turns(heads, settings, 1, 300)
    assert len(turns) == 300
    assert not {"modality", "region", "stain"} & {turn.type for turn in turns}


def test_no_conversation_asks_a_type_twice_or_has_too_many_turns(training, settings) -> None:
    turns = plan_turns(training, settings, 1, 500)
    talks = [talk for found in conversations(turns, 3, 1).values() for talk in found]
    assert sum(map(len, talks)) == 500
    assert all(len(talk) <= 3 and len({turn.type for turn in talk}) == len(talk) for talk in talks)
    assert max(map(len, talks)) == 3


def test_plans_do_not_depend_on_the_order_of_entries(training, settings) -> None:
    assert plan_samples(training, settings, 1, 1.0) == plan_samples(training[::-1], settings, 1, 1.0)
    assert plan_samples(training, settings, 1, 1.0) != plan_samples(training, settings, 2, 1.0)


def test_unknown_types_and_forms_are_refused_with_what_is_known(training, settings) -> None:
    with pytest.raises(ValueError, match=r"unknown question type 'modalty'.*did you mean 'modality'"):
        question_form("modalty", "open")
    with pytest.raises(ValueError, match=r"assembly\.questions\.colour: no open form; known: closed"):
        question_form("colour", "open")


def test_a_structure_cut_by_a_few_pixels_is_not_asked_about(make_entry) -> None:
    entries = [
        make_entry("a", "one", facts={"organs": "liver;spleen"}),
        make_entry("b", "one", facts={"organs": "liver", "unclear_organs": "spleen"}),
        make_entry("c", "one", facts={"organs": "liver"}),
    ]
    known = Knowledge(QUESTION_TYPES["organ"], entries)
    assert {fact.entry.id: fact.value for fact in known.facts if fact.topic == "spleen"} == {
        "mri/a": "yes",
        "mri/c": "no",
    }


def test_an_answer_of_few_images_is_asked_no_more_often_than_they_allow(make_entry) -> None:
    common = (Modality.MRI, Modality.CT, Modality.OCT, Modality.ENDOSCOPY, Modality.ULTRASOUND)
    entries = [make_entry(f"{m.value}{k}", f"{m.value}{k}", m) for m in common for k in range(40)]
    entries += [make_entry("x", "r", Modality.XRAY)]
    known, caps = Knowledge(QUESTION_TYPES["modality"], entries), Caps(image=6, patient=6)
    for form in ("open", "closed", "choice"):
        turns = draw_turns(known, form, 300, 1, caps)
        assert len(turns) == 300
        assert max(Counter(turn.record_id for turn in turns).values()) <= 6
        assert Counter(turn.value for turn in turns)["X-ray"] == 6
    closed = draw_turns(known, "closed", 300, 1, caps)
    claims = Counter((turn.asserted, turn.answer) for turn in closed)
    assert all(abs(claims[value, "yes"] - claims[value, "no"]) <= 1 for value in known.values), claims
    offered = Counter(option for turn in turns for option in turn.options)
    right = Counter(turn.answer for turn in turns)
    assert right["X-ray"] / offered["X-ray"] > 0.15, "a rare answer is not known to be wrong by being offered in vain"


def test_numbers_are_per_record_up_to_the_totals(training, settings) -> None:
    few = replace(settings, question_turns_per_record=2, captions_per_record=0.5, edits_per_record=1, most_per_image=3)
    plans = plan_samples(training, few, 1, 1.0)
    records = len(first_of_image(training))
    assert sum(len(talk) for plan in plans.values() for talk in plan.talks) == 2 * records
    assert sum(plan.captions for plan in plans.values()) == round(0.5 * records)
    assert max(plan.captions for plan in plans.values()) <= 3
    capped = plan_samples(training, replace(few, question_turns=20, edit_samples=7), 1, 1.0)
    assert sum(len(talk) for plan in capped.values() for talk in plan.talks) == 20
    assert sum(len(plan.edits) for plan in capped.values()) == 7


def test_whether_an_image_is_in_colour_is_not_asked_of_a_pale_one_that_a_colour_camera_made(make_entry) -> None:
    ask = QUESTION_TYPES["colour"].value
    pale = {"facts": {"colour": "no"}}
    assert ask(make_entry("a", modality=Modality.HISTOPATHOLOGY, **pale)) is None
    assert ask(make_entry("b", modality=Modality.ENDOSCOPY, **pale)) is None
    assert ask(make_entry("c", modality=Modality.ULTRASOUND, **pale)) == "no"
    assert ask(make_entry("d", modality=Modality.HISTOPATHOLOGY, facts={"colour": "yes"})) == "yes"
