"""Every question type in every form is put in six ways at least, each a sentence, whatever it asks about."""

import re

import pytest

from components.assembly.conversations.edits import EDITS
from components.assembly.conversations.questions.captions import CAPTION_PROMPTS
from components.assembly.conversations.questions.english import be, is_plural, some, the
from components.assembly.conversations.questions.types import QUESTION_TYPES, with_options
from components.records.findings import FINDINGS
from components.records.vocabulary import Modality
from components.sources.reading.structures import ORGANS
from components.weights.tokenizer import train_tokenizer

FEWEST = 6


@pytest.mark.parametrize("kind", QUESTION_TYPES.values(), ids=QUESTION_TYPES)
def test_each_form_has_six_different_wordings_of_whole_sentences(kind, make_entry) -> None:
    entry = make_entry("a", anatomy="eye", facts={"laterality": "left"})
    for wordings in (kind.wordings, *kind.others.values()):
        assert wordings.keys() == kind.wordings.keys()
        for form, texts in wordings.items():
            assert len(set(texts)) == len(texts) == len(kind.wordings[form]) >= FEWEST
            assert all(re.fullmatch(r"[A-Z{].*[?.]", text) for text in texts)
            asked = kind.prompt(form, 1, entry, "liver", ("a", "b"))
            assert "{" not in asked and (form != "choice" or asked.endswith(" Options:\na\nb"))


def test_structures_findings_and_regions_stand_in_the_right_number_and_with_their_article() -> None:
    plural = {name for name in ORGANS if is_plural(name)}
    assert {"ribs", "costal cartilages", "gluteal muscles", "iliac arteries", "intervertebral discs"} <= plural
    assert not {"pancreas", "oesophagus", "left kidney", "spine", "left humerus"} & plural
    assert (be("ribs"), be("pancreas"), the("lymph node"), the("liver")) == ("Are", "Is", "a lymph node", "the liver")
    found = {name: some(name) for name in FINDINGS}
    assert (found["rib fracture"], found["cardiomegaly"]) == ("a rib fracture", "cardiomegaly")
    assert found["support devices"] == "support devices"
    counted = ("alveolar pattern", "fibrotic band", "hyperinflated lung", "pseudonodule")
    assert [found[name] for name in counted] == [
        "an alveolar pattern", "a fibrotic band", "a hyperinflated lung", "a pseudonodule",
    ]  # fmt: skip


def test_plural_structures_are_asked_in_the_plural(make_entry) -> None:
    organ, entry = QUESTION_TYPES["organ"], make_entry("a")
    assert organ.prompt("closed", 0, entry, "ribs") == "Are the ribs visible?"
    assert organ.prompt("closed", 0, entry, "kidney cyst") == "Is a kidney cyst visible?"
    assert QUESTION_TYPES["region"].prompt("closed", 0, entry, "lymph node") == "Is this an image of a lymph node?"


@pytest.mark.parametrize(
    ("anatomy", "facts", "asked"),
    [
        ("eye", {"laterality": "left"}, "Is this the right eye?"),
        ("brain", {"laterality": "left", "tumour": "yes"}, "Is the tumour on the right side of the body?"),
        ("chest", {"laterality": "left"}, "Is the right side of the body shown?"),
    ],
)
def test_a_question_about_the_side_says_what_has_one(make_entry, anatomy: str, facts, asked: str) -> None:
    side, entry = QUESTION_TYPES["side"], make_entry("a", anatomy=anatomy, facts=facts)
    assert side.prompt("closed", 0, entry, "right") == asked


def test_a_map_is_no_contrast_and_an_image_beside_maps_is_none(make_entry) -> None:
    value = QUESTION_TYPES["map"].value
    assert value(make_entry("a", facts={"map": "grey matter"})) == "grey matter map"
    assert value(make_entry("b", facts={"map": "none", "contrast": "T1"})) == "T1-weighted image"
    assert value(make_entry("c", facts={"contrast": "T1"})) is None, "nobody has maps of it"


def test_the_view_is_asked_of_x_ray_images_and_a_pa_film_is_a_frontal_one(make_entry) -> None:
    view = QUESTION_TYPES["view"]
    assert view.value(make_entry("a", "p", Modality.XRAY, facts={"view": "PA"})) == "PA"
    assert view.value(make_entry("b", facts={"view": "PA"})) is None
    assert view.excludes("PA", "lateral") and view.excludes("PA", "AP") and not view.excludes("PA", "frontal")
    assert view.prompt("closed", 0, make_entry("a"), "AP") == "Is this an AP view?"


def test_options_are_put_in_the_question_s_language() -> None:
    assert with_options("¿Qué es?", ("a", "b"), "es") == "¿Qué es? Opciones:\na\nb"
    assert with_options("Что это?", ("a", "b"), "ru") == "Что это?\na\nb"


def test_an_option_has_the_tokens_that_it_has_as_an_answer() -> None:
    options = ("abdomen", "T1-weighted image", "X-ray")
    asked = with_options("Which is it?", options)
    tokenizer = train_tokenizer([asked, "Is it the abdomen, an X-ray or a T1-weighted image?"] * 20, vocabulary=400)
    ids = tokenizer.encode(asked)
    for option in options:
        own = tokenizer.encode(option)
        assert any(ids[at : at + len(own)] == own for at in range(len(ids)))
        assert tokenizer.encode(f" {option}") != own


def test_captions_are_asked_for_and_edits_ordered_in_several_ways() -> None:
    assert len(set(CAPTION_PROMPTS)) >= FEWEST
    assert all(len(set(edit.wordings)) == len(edit.wordings) >= 4 for edit in EDITS.values())
