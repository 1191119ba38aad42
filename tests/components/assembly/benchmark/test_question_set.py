"""Benchmark and exam are balanced, about their own side's images only, stable, and say what they cannot ask."""

from collections import Counter
from dataclasses import replace

import pytest

from components.assembly.benchmark.question_set import set_benchmark, set_exam
from components.assembly.dataset import Dataset
from components.images.stored import decode_stored
from components.records.vocabulary import HELD_OUT, VALIDATION, WITHIN, Split


@pytest.fixture
def sides(entries):
    """(training, validation side, held-out side)."""
    return tuple(
        tuple(entry for entry in entries if entry.split in side) for side in ((Split.TRAIN,), VALIDATION, HELD_OUT)
    )


@pytest.fixture
def sets(sides, settings):
    """{benchmark, exam}."""
    training, validation, held_out = sides
    return {"benchmark": set_benchmark(training, validation, settings), "exam": set_exam(held_out, settings)}


def test_every_item_is_about_a_record_of_its_side(sides, sets) -> None:
    for name, side in zip(("benchmark", "exam"), sides[1:], strict=True):
        assert {item.record_id for item in sets[name].items} <= {entry.id for entry in side}
        assert len({item.item_id for item in sets[name].items}) > 50


def test_answers_of_a_cell_are_as_even_as_the_images_allow(sets) -> None:
    for name, split in (("benchmark", Split.WITHIN_VAL), ("exam", Split.WITHIN_SUBJECT)):
        items = [item for item in sets[name].items if item.benchmark == "vqa"]
        cells = Counter((i.question_type, i.answer_type, i.split, i.reference) for i in items)
        within = {key[3]: n for key, n in cells.items() if key[:3] == ("map", "open", split)}
        assert within and max(within.values()) - min(within.values()) <= 1
        for kind, side in {(key[0], key[2]) for key in cells if key[1] == "closed"}:
            assert cells[kind, "closed", side, "yes"] == cells[kind, "closed", side, "no"]


def test_a_claim_is_false_about_as_often_as_it_is_true(sides, settings) -> None:
    items = set_exam(sides[2], replace(settings, benchmark_items=24)).items
    asked = Counter((i.prompt, i.reference) for i in items if (i.question_type, i.answer_type) == ("map", "closed"))
    for prompt in {prompt for prompt, _ in asked}:
        assert abs(asked[prompt, "yes"] - asked[prompt, "no"]) <= 1, prompt


def test_what_cannot_be_tested_is_listed_with_the_reason(sets) -> None:
    gaps = {
        (name, g.question_type, g.form, g.split): g.reason for name, asked in sets.items() for g in asked.not_testable
    }
    assert gaps["benchmark", "stain", "closed", "val"] == "no held-out image with it"
    assert gaps["benchmark", "plane", "open", "val"] == (
        "one answer only among held-out images that training knows: axial"
    )
    assert gaps["exam", "stain", "closed", "test"] == "the held-out side shows one answer only: H&E"
    assert gaps["exam", "map", "open", "test"] == "no held-out image with it"


def test_what_training_never_shows_is_no_item_to_choose_on_and_stays_in_the_exam(sides, settings) -> None:
    training, validation, held_out = sides
    fewer = [entry for entry in training if entry.modality.value != "ultrasound"]
    items = set_benchmark(fewer, validation, settings).items
    assert not [i for i in items if i.benchmark == "vqa" and "ultrasound" in (i.reference, *i.options)]
    assert not [i for i in items if i.benchmark in ("t2i", "caption") and i.modality.value == "ultrasound"]
    exam = set_exam(held_out, settings).items
    assert {i.answer_type for i in exam if "ultrasound" in (i.reference, *i.options)} >= {"open", "choice"}
    assert {i.benchmark for i in exam if i.modality.value == "ultrasound"} == {"vqa", "caption", "t2i", "sr"}


def test_options_and_false_claims_of_the_exam_are_the_held_out_side_s_own(sides, settings) -> None:
    held_out = [entry for entry in sides[2] if entry.modality.value != "histopathology"]
    known = {entry.modality.value for entry in held_out}
    items = [i for i in set_exam(held_out, settings).items if i.question_type == "modality"]
    assert {option for i in items if i.answer_type == "choice" for option in i.options} == known
    assert not [i for i in items if "histopathology" in i.prompt]


def test_sets_do_not_depend_on_order_and_prompts_use_the_first_wording(sides, sets, settings) -> None:
    training, validation, held_out = sides
    assert sets["exam"].items == set_exam(held_out[::-1], settings).items
    assert sets["benchmark"].items == set_benchmark(training[::-1], validation[::-1], settings).items
    for asked in sets.values():
        prompts = {i.prompt for i in asked.items if (i.question_type, i.answer_type) == ("modality", "open")}
        assert prompts == {"Which imaging modality is this?"}


def test_drawing_prompts_are_spread_over_modalities(sets, settings) -> None:
    items = [item for item in sets["exam"].items if item.benchmark == "t2i"]
    counts = Counter(item.modality for item in items)
    assert len(items) == settings.benchmark_drawings
    assert max(counts.values()) - min(counts.values()) <= 1


def test_wordings_of_one_image_that_come_out_equal_are_one_drawing(sides, settings) -> None:
    many = replace(settings, benchmark_drawings=10_000)
    for asked in (set_exam(sides[2], many), set_benchmark(sides[0], sides[1], many)):
        drawings = [(item.record_id, item.prompt) for item in asked.items if item.benchmark == "t2i"]
        assert len(drawings) == len(set(drawings)) > len({record for record, _ in drawings})
        assert len({item.item_id for item in asked.items}) == len(asked.items)


def test_items_carry_fitted_images_where_they_need_them(assemble_corpus, settings) -> None:
    side = (settings.image_side, settings.image_side)
    dataset = Dataset(assemble_corpus())
    for item in (*dataset.benchmark(), *dataset.exam()):
        assert (item.image is None) == (item.benchmark == "t2i")
        assert (item.reference_image is None) == (item.benchmark in ("vqa", "caption"))
        for png in (item.image, item.reference_image):
            if png:
                assert decode_stored(png).shape[:2] == side
        if item.benchmark == "sr":
            assert item.image != item.reference_image
            assert item.split not in WITHIN or item.split is Split.WITHIN_VAL


def test_the_exam_asks_every_patient_and_captions_every_image_however_few_the_recipe_s_numbers(
    sides, settings, monkeypatch
) -> None:
    few = replace(settings, benchmark_items=2, benchmark_drawings=2, benchmark_captions=2)
    held_out = [replace(entry, patient_key=f"p{number}") for number, entry in enumerate(sides[2])]
    items = set_exam(held_out, few).items
    captions = {item.record_id for item in items if item.benchmark == "caption"}
    assert captions == {entry.id for entry in held_out}
    for kind in ("modality", "region"):
        asked = {
            i.patient_key for i in items if (i.question_type, i.answer_type, i.split) == (kind, "open", Split.TEST)
        }
        assert asked == {entry.patient_key for entry in held_out if entry.split is Split.TEST}, kind
    chosen = set_benchmark(sides[0], sides[1], few).items
    assert sum(item.benchmark == "caption" for item in chosen) == 2, "what choices are made on is as the recipe says"
    monkeypatch.setattr("components.assembly.benchmark.question_set.MOST", 3)
    assert sum(item.benchmark == "caption" for item in set_exam(held_out, few).items) == 3


def test_every_editing_task_has_items_off_the_training_side(sets) -> None:
    found = {(item.question_type, item.split.value) for asked in sets.values() for item in asked.items}
    assert {("sr", "test"), ("organ-map", "test"), ("translation-grey-matter", "within-subject")} <= found
    assert {("sr", "val"), ("translation-white-matter", "within-val")} <= found
