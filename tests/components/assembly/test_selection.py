"""Every record in one bin; the test side never moves; equal pixels never stand on both sides."""

from dataclasses import replace

from components.assembly.selection import Decision, select
from components.assembly.settings import AssemblySettings, SplitSettings
from components.records.vocabulary import Bin, Split


def decide(entries, settings: AssemblySettings, **test: tuple[str, ...]) -> dict[str, Decision]:
    splits = SplitSettings(test=test, slabs=(), val_share=0.0)
    return {d.entry.id: d for d in select(entries, replace(settings, splits=splits))}


def test_the_smallest_id_of_equal_images_is_kept_whatever_the_order(make_entry, settings) -> None:
    same = [make_entry(name, subject, pixels="x") for name, subject in (("b", "p1"), ("a", "p2"), ("c", "p3"))]
    for order in (same, same[::-1]):
        found = decide(order, settings)
        assert found["mri/a"].bin is Bin.KEPT
        assert (found["mri/b"].bin, found["mri/b"].other) == (Bin.DUPLICATE, "mri/a")
        assert (found["mri/c"].bin, found["mri/c"].reason) == (Bin.DUPLICATE, "same pixels")


def test_a_training_image_that_equals_a_held_out_one_is_contaminating_across_sources(make_entry, settings) -> None:
    found = decide(
        [make_entry("z", "held", pixels="x"), make_entry("a", "p", pixels="x", source="web"), make_entry("b", "p")],
        settings,
        mri=("held",),
    )
    assert found["mri/z"].bin is Bin.HELDOUT
    assert (found["web/a"].bin, found["web/a"].other) == (Bin.CONTAMINATING, "mri/z")
    assert found["mri/b"].bin is Bin.KEPT


def test_a_patient_with_delivered_test_images_does_not_train(make_entry, settings) -> None:
    entries = [make_entry("a", "p", delivered_split=Split.TEST), make_entry("b", "p", delivered_split=Split.TRAIN)]
    found = decide(entries, settings)
    assert found["mri/b"].bin is Bin.CONTAMINATING
    assert found["mri/b"].reason == "patient has held-out images"


def test_a_removed_patient_is_filtered_under_any_name_and_contaminates_nothing(make_entry, settings) -> None:
    gone = make_entry("a", "held", pixels="x")
    entries = [gone, make_entry("b", "p", pixels="x"), make_entry("c", "p")]
    found = decide(entries, replace(settings, excluded_patients=(gone.patient_key,)), mri=("held",))
    assert (found["mri/a"].bin, found["mri/a"].reason) == (Bin.FILTERED, "excluded-patient")
    same = found["mri/b"]
    assert (same.bin, same.reason, same.other) == (Bin.FILTERED, "same pixels as an excluded image", "mri/a")
    assert found["mri/c"].bin is Bin.KEPT


def test_captions_outside_the_recipe_s_length_are_filtered(make_entry, settings) -> None:
    found = decide([make_entry("a", anatomy="x" * 90)], replace(settings, caption_characters=(10, 60)))
    assert found["mri/a"].reason == "caption-length"
