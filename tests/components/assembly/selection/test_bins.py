"""Every record in one bin; the test side never moves; equal pixels never stand on both sides."""

from dataclasses import replace

from components.assembly.selection.bins import Decision, select
from components.recipes.assembly import AssemblySettings, SplitSettings
from components.records.record import Turn
from components.records.vocabulary import Bin, Modality, Split, TurnKind


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


SAID = "the liver shows a lesion with a thin wall and no contrast uptake in the late phase"
NEARLY = SAID.replace("thin", "delicate")


def turn(answer: str, kind: TurnKind = TurnKind.CAPTION, prompt: str = "") -> Turn:
    return Turn(prompt=prompt, answer=answer, kind=kind)


def test_a_caption_that_nearly_repeats_a_held_out_one_is_contaminating(make_entry, settings) -> None:
    found = decide(
        [
            make_entry("held", "h", turns=(turn(SAID),)),
            make_entry("near", turns=(turn(NEARLY),)),
            make_entry("denial", turns=(turn(SAID.replace("no contrast", "contrast")),)),
            make_entry("report", turns=(turn(NEARLY, TurnKind.REPORT),)),
        ],
        settings,
        mri=("h",),
    )
    near = found["mri/near"]
    assert (near.bin, near.reason, near.other) == (
        Bin.CONTAMINATING,
        "nearly the text of a held-out record",
        "mri/held",
    )
    assert {found["mri/denial"].bin, found["mri/report"].bin} == {Bin.KEPT}, "another statement; alike by nature"


def test_a_text_that_holds_thirteen_words_of_a_held_out_one_is_contaminating(make_entry, settings) -> None:
    run = " ".join(SAID.split()[:13])
    text = {"modality": Modality.TEXT, "subject": "a"}
    found = decide(
        [
            make_entry("held", "h", turns=(turn(SAID),)),
            make_entry("book", **text, turns=(turn(f"as we read elsewhere {run} and so on and on", TurnKind.OPEN),)),
        ],
        settings,
        mri=("h",),
    )
    assert (found["mri/book"].bin, found["mri/book"].reason, found["mri/book"].other) == (
        Bin.CONTAMINATING,
        "13 words in a row of a held-out text",
        "mri/held",
    )


def test_a_paraphrased_question_about_one_image_is_a_duplicate_and_about_another_is_not(make_entry, settings) -> None:
    asked = "is there a lesion with a thin wall in the right lobe of the liver"
    turns = (turn("yes", TurnKind.CLOSED, asked),)
    again = (turn("yes", TurnKind.CLOSED, asked.replace("a thin", "some thin")),)
    found = decide(
        [
            make_entry("a", pixels="x", turns=turns),
            make_entry("b", pixels="x", turns=again),
            make_entry("c", turns=again),
        ],
        settings,
    )
    assert (found["mri/b"].bin, found["mri/b"].reason, found["mri/b"].other) == (
        Bin.DUPLICATE,
        "same image, nearly the same text",
        "mri/a",
    )
    assert found["mri/a"].bin is found["mri/c"].bin is Bin.KEPT
