"""A paired image named for what it shows is an edit of its own, without a line of code for the set it came from."""

from dataclasses import replace

import pytest

from components.assembly.conversations.edits import EDITS, PAIRED, weighted_edits
from components.assembly.dataset import Dataset
from components.images.stored import decode_stored
from components.recipes.assembly import EDIT_WEIGHTS
from components.recipes.sources import SourceSettings
from components.records.record import Record
from components.records.sample import Image, Text
from components.records.targets import LABEL_TARGETS, OWN_TARGETS, SHOWN
from components.records.vocabulary import ImageRole, Modality, Split, TaskGroup
from components.sources.table import read_source


def test_every_target_that_a_record_may_have_is_drawn_by_some_edit():
    drawn = {edit.target for edit in EDITS.values()}
    assert drawn - {""} == {*SHOWN, *OWN_TARGETS} - {"output"}
    assert {edit.target for edit in EDITS.values() if edit.labels} == LABEL_TARGETS


@pytest.mark.parametrize(
    ("facts", "modality", "target", "name"),
    [
        ({"contrast": "T1"}, Modality.MRI, "t2", "translation-t1-to-t2"),
        ({"contrast": "T2"}, Modality.MRI, "t1", "translation-t2-to-t1"),
        ({"contrast": "T2"}, Modality.MRI, "pd", "translation-t2-to-pd"),
        ({"contrast": "contrast-enhanced T1"}, Modality.MRI, "t1", "translation-t1c-to-t1"),
        ({}, Modality.MRI, "ct", "translation-mri-to-ct"),
        ({"stain": "H&E"}, Modality.HISTOPATHOLOGY, "ihc", "staining-he-to-ihc"),
        ({"stain": "immunohistochemistry"}, Modality.HISTOPATHOLOGY, "marker", "staining-ihc-to-marker"),
        ({}, Modality.ENDOSCOPY, "polyp_map", "polyp-map"),
        ({"contrast": "FLAIR"}, Modality.MRI, "tumour_map", "tumour-map"),
        ({"contrast": "T1"}, Modality.MRI, "grey_matter", "translation-grey-matter"),
    ],
)
def test_what_a_record_shows_and_its_target_make_one_edit(make_entry, facts, modality, target, name):
    entry = make_entry("a", modality=modality, facts=facts, targets=(target,))
    assert {edit.name for edit in EDITS.values() if edit.applies(entry)} == {name, "super-resolution"}


def test_a_recipe_weighs_edits_by_name_and_all_others_together():
    weights = weighted_edits({"super-resolution": 4.0, "polyp-map": 0.5, PAIRED: 2.0})
    assert set(weights) == set(EDITS)
    assert (weights["super-resolution"], weights["polyp-map"], weights["translation-t1-to-t2"]) == (4.0, 0.5, 2.0)
    assert weighted_edits({"staining": 1.0}) == {"staining": 1.0}
    with pytest.raises(ValueError, match=r"unknown edit 'polyp_map'.*polyp-map"):
        weighted_edits({"polyp_map": 1.0})


def heads(make_record, picture, split: Split, subjects: int) -> list:
    return [
        make_record(
            "ixi",
            f"{split.value}-{subject}-{shows}-{k}",
            f"{split.value}-{subject}",
            Modality.MRI,
            "brain",
            facts={"plane": "axial", "contrast": shows.upper()},
            position=float(k),
            targets={other: picture(f"{split.value}-{subject}-{other}-{k}")},
            delivered_split=split,
        )
        for subject in range(subjects)
        for shows, other in (("t1", "t2"), ("t2", "t1"))
        for k in range(4)
    ]


def test_pairs_of_a_new_source_are_trained_on_and_asked_for(assemble_corpus, make_record, picture, settings, corpus):
    records = heads(make_record, picture, Split.TRAIN, 3) + heads(make_record, picture, Split.TEST, 2)
    assert settings.edits == EDIT_WEIGHTS
    dataset = Dataset(assemble_corpus({**corpus, "ixi": records}, settings, name="pairs"))
    edits = [sample for sample in dataset.samples("train") if "#translation-t1-to-t2-" in sample.id]
    assert edits and {sample.task for sample in edits} == {"translation"}
    for sample in edits:
        condition, text, target = sample.pieces
        assert isinstance(condition, Image) and isinstance(text, Text) and isinstance(target, Image)
        assert (condition.role, target.role) == (ImageRole.CONDITION, ImageRole.TARGET)
        assert "T1-weighted" in text.text and "T2-weighted" in text.text and condition.sha256 != target.sha256
    asked = [item for item in dataset.exam() if item.question_type == "translation-t2-to-t1"]
    assert asked and all(item.image and item.reference_image and item.split is Split.TEST for item in asked)


def test_without_paired_images_the_weight_of_the_others_changes_nothing(assemble_corpus, settings):
    without = replace(settings, edits={name: weight for name, weight in EDIT_WEIGHTS.items() if name != PAIRED})
    first, second = assemble_corpus(name="with"), assemble_corpus(settings=without, name="without")
    assert Dataset(first).dataset_id == Dataset(second).dataset_id


@pytest.mark.parametrize(
    ("target", "drawn"),
    [
        ("counterstain", "a haematoxylin counterstain"),
        ("marker", "a fluorescent protein marker"),
        ("dapi", "DAPI fluorescence"),
    ],
)
def test_a_stain_that_is_counted_has_its_article(target, drawn):
    assert EDITS[f"staining-ihc-to-{target}"].wordings == (
        f"Draw this tissue with {drawn} instead of immunohistochemistry.",
        f"Exchange this tissue's immunohistochemistry for {drawn}.",
        f"Show the same tissue with {drawn}.",
        f"How would this tissue look with {drawn}? Draw it.",
    )


def test_panels_become_stainings_and_a_map_of_exact_colours(assemble_corpus, settings, corpus, public):
    source = SourceSettings(path="data/raw/deepliif", format="deepliif")
    records = [item for item in read_source(public / "deepliif", "deepliif", source) if isinstance(item, Record)]
    dataset = Dataset(
        assemble_corpus({**corpus, "deepliif": records}, replace(settings, edit_samples=400), name="panels")
    )
    edits = [sample for sample in dataset.samples("train") if sample.source == "deepliif" and sample.task != "caption"]
    names = {sample.id.split("#")[1].rsplit("-", 1)[0] for sample in edits if sample.group is TaskGroup.INTERLEAVED}
    panels = ("counterstain", "dapi", "lap2", "marker")
    assert names == {*(f"staining-ihc-to-{panel}" for panel in panels), "cell-map", "super-resolution"}
    for sample in edits:
        if "#cell-map-" in sample.id:
            target = sample.pieces[-1]
            assert isinstance(target, Image)
            colours = {tuple(colour) for colour in decode_stored(target.data).reshape(-1, 3).tolist()}
            assert colours <= {(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)} and len(colours) > 1
