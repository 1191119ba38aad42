"""Every record in one bin; the test side never moves; equal pixels never stand on both sides."""

from dataclasses import replace

import pytest

from components.assembly.selection.bins import select
from components.assembly.selection.decision import Decision
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


INSTRUCTION = (
    "You are a helpful assistant that was made to tell a doctor in plain words what an image of a patient shows."
)
ASKED = "Please describe the findings that you see in this image of the patient in detail and say what they mean."
_WORDS = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in "lnrst"]


def captions(make_entry, count: int, *, prompt: str = "", start: str = "") -> list:
    """Images of as many patients, each with a caption of its own words; every tenth patient is `held`."""
    made = []
    for number in range(count):
        own = " ".join(_WORDS[(7 * number + 31 * k * k) % len(_WORDS)] for k in range(16))
        said = (turn(f"{start} {own} {number}".strip(), prompt=prompt),)
        made.append(make_entry(f"{number:04d}", "held" if number % 10 == 0 else f"p{number}", turns=said))
    return made


@pytest.mark.parametrize(
    "said",
    [
        {"prompt": f"{INSTRUCTION}\n{ASKED}"},
        {"prompt": ASKED},
        {"start": "The image is a CT scan of the chest in axial section which was taken of a patient and shows"},
    ],
    ids=["system message and prompt", "prompt", "first words of every answer"],
)
def test_wording_that_many_images_share_contaminates_nothing(make_entry, settings, said) -> None:
    found = decide(captions(make_entry, 60, **said), settings, mri=("held",))
    assert {decision.bin for decision in found.values()} == {Bin.KEPT, Bin.HELDOUT}


def test_a_leak_in_an_answer_is_found_under_a_shared_prompt_and_does_not_reach_over_its_border(
    make_entry, settings
) -> None:
    prompt = f"{INSTRUCTION}\n{ASKED}"
    entries = captions(make_entry, 60, prompt=prompt)
    answer = entries[10].turns[0].answer
    leak = make_entry("leak", "p999", turns=(turn(f"As was said before {answer} and so on", prompt=prompt),))
    asked = make_entry("asked", "p998", turns=(turn("nothing of it is shown in this one image here", prompt=answer),))
    border = " ".join([*ASKED.split()[-4:], *answer.split()[:10]])
    across = make_entry("across", "p997", turns=(turn(f"{border} ends here", prompt=prompt),))
    found = decide([*entries, leak, asked, across], settings, mri=("held",))
    assert (found["mri/leak"].bin, found["mri/leak"].other) == (Bin.CONTAMINATING, "mri/0010")
    assert {found["mri/asked"].bin, found["mri/across"].bin} == {Bin.KEPT}


def test_a_caption_that_many_images_nearly_share_gives_none_away(make_entry, settings) -> None:
    def said(count: int) -> list:
        same = "an axial slice of a scan of the chest that shows a large pale area {}"
        names = ("held", "p1", "p2", "p3", "p4", "p5", "p6", "p7")
        return [
            make_entry(name, name, turns=(turn(same.format(_WORDS[at]), prompt="Describe it."),))
            for at, name in enumerate(names[:count])
        ]

    few, many = decide(said(5), settings, mri=("held",)), decide(said(8), settings, mri=("held",))
    assert [few[f"mri/p{n}"].bin for n in range(1, 5)] == [Bin.CONTAMINATING] * 4
    assert [many[f"mri/p{n}"].bin for n in range(1, 8)] == [Bin.KEPT] * 7


def test_a_text_without_an_image_is_told_by_its_answer(make_entry, settings) -> None:
    def text(name: str, subject: str, prompt: str, answer: str):
        said = (turn(answer, TurnKind.OPEN, prompt),)
        return make_entry(name, subject, Modality.TEXT, pixels=f"text {name}", turns=said)

    other = "a pale and narrow bone which is often seen in the wrist of young men who fall"
    found = decide(
        [
            text("held", "h", ASKED, SAID),
            text("same prompt", "p1", ASKED, other),
            text("leak", "p2", "What is this?", f"We read that {SAID} in most cases"),
            text("short", "h", ASKED.replace("patient", "kidney"), "a cyst"),
            text("same question", "p3", ASKED.replace("patient", "kidney"), "a stone"),
        ],
        settings,
        mri=("h",),
    )
    assert found["mri/same prompt"].bin is Bin.KEPT
    assert (found["mri/leak"].bin, found["mri/leak"].other) == (Bin.CONTAMINATING, "mri/held")
    assert found["mri/same question"].bin is Bin.CONTAMINATING, "its answer is too short to tell it from others"


def test_questions_under_a_long_shared_instruction_are_not_repeats_of_each_other(make_entry, settings) -> None:
    questions = ("Is it a photograph?", "Is it a drawing?", "Is it wide?", "Is it a photo graph?")
    entries = [
        make_entry(f"{at}", pixels="x", turns=(turn("yes", TurnKind.CLOSED, f"{INSTRUCTION}\n{asked}"),))
        for at, asked in enumerate(questions)
    ]
    found = decide(entries, settings)
    assert [found[f"mri/{at}"].bin for at in range(3)] == [Bin.KEPT] * 3
    texts = [
        make_entry(f"t{at}", modality=Modality.TEXT, pixels=f"t{at}", turns=(turn(said, TurnKind.OPEN, ASKED),))
        for at, said in enumerate(("a stone", "a cyst"))
    ]
    assert {decision.bin for decision in decide(texts, settings).values()} == {Bin.KEPT}
