"""The exam is balanced, about held-out images only, stable, and says what it cannot ask."""

from collections import Counter
from dataclasses import replace

import pytest

from components.assembly.benchmark.exam import set_exam
from components.assembly.dataset import Dataset
from components.images.stored import decode_stored
from components.records.vocabulary import Split


@pytest.fixture
def sides(entries):
    training = tuple(entry for entry in entries if entry.split is Split.TRAIN)
    return training, tuple(entry for entry in entries if entry.split is not Split.TRAIN)


def test_every_item_is_about_a_held_out_record(sides, settings) -> None:
    training, held_out = sides
    asked = {item.record_id for item in set_exam(training, held_out, settings).items}
    assert asked <= {entry.id for entry in held_out}
    assert len({item.item_id for item in set_exam(training, held_out, settings).items}) > 50


def test_answers_of_a_cell_are_as_even_as_the_images_allow(sides, settings) -> None:
    items = set_exam(*sides, settings).items
    cells = Counter((i.question_type, i.answer_type, i.split, i.reference) for i in items if i.benchmark == "vqa")
    within = {key[3]: n for key, n in cells.items() if key[:3] == ("map", "open", Split.WITHIN_SUBJECT)}
    assert within and max(within.values()) - min(within.values()) <= 1
    for kind, split in {(key[0], key[2]) for key in cells if key[1] == "closed"}:
        assert cells[kind, "closed", split, "yes"] == cells[kind, "closed", split, "no"]


def test_a_claim_is_false_about_as_often_as_it_is_true(sides, settings) -> None:
    items = set_exam(*sides, replace(settings, benchmark_items=24)).items
    asked = Counter((i.prompt, i.reference) for i in items if (i.question_type, i.answer_type) == ("map", "closed"))
    for prompt in {prompt for prompt, _ in asked}:
        assert abs(asked[prompt, "yes"] - asked[prompt, "no"]) <= 1, prompt


def test_what_cannot_be_tested_is_listed_with_the_reason(sides, settings) -> None:
    gaps = {(g.question_type, g.form, g.split): g.reason for g in set_exam(*sides, settings).not_testable}
    assert gaps["stain", "closed", "test"] == "one answer only among held-out images that training knows: H&E"
    assert gaps["map", "open", "test"] == "no held-out image with it"
    assert gaps["tumour", "closed", "test"] == "no held-out image with it"


def test_training_never_shown_answers_are_not_asked(sides, settings) -> None:
    training, held_out = sides
    fewer = [entry for entry in training if entry.modality.value != "ultrasound"]
    items = set_exam(fewer, held_out, settings).items
    assert not [i for i in items if i.benchmark == "vqa" and "ultrasound" in (i.reference, *i.options)]
    assert not [i for i in items if i.benchmark in ("t2i", "caption") and i.modality.value == "ultrasound"]


def test_the_exam_does_not_depend_on_order_and_prompts_use_the_first_wording(sides, settings) -> None:
    training, held_out = sides
    exam = set_exam(training, held_out, settings)
    assert exam.items == set_exam(training[::-1], held_out[::-1], settings).items
    prompts = {i.prompt for i in exam.items if (i.question_type, i.answer_type) == ("modality", "open")}
    assert prompts == {"Which imaging modality is this?"}


def test_drawing_prompts_are_spread_over_modalities(sides, settings) -> None:
    items = [item for item in set_exam(*sides, settings).items if item.benchmark == "t2i"]
    counts = Counter(item.modality for item in items)
    assert len(items) == settings.benchmark_drawings
    assert max(counts.values()) - min(counts.values()) <= 1


def test_items_carry_fitted_images_where_they_need_them(assemble_corpus, settings) -> None:
    side = (settings.image_side, settings.image_side)
    for item in Dataset(assemble_corpus()).benchmark():
        assert (item.image is None) == (item.benchmark == "t2i")
        assert (item.reference_image is None) == (item.benchmark in ("vqa", "caption"))
        for png in (item.image, item.reference_image):
            if png:
                assert decode_stored(png).shape[:2] == side
        if item.benchmark == "sr":
            assert item.image != item.reference_image
            assert item.split is Split.TEST


def test_every_editing_task_has_held_out_items(sides, settings) -> None:
    found = {(item.question_type, item.split.value) for item in set_exam(*sides, settings).items}
    assert {("sr", "test"), ("organ-map", "test"), ("translation-grey-matter", "within-subject")} <= found
