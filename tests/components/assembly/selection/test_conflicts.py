"""Labels that contradict each other are both out; labels and maps that complete each other are one record."""

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import skimage.data

from components.assembly.selection.bins import select
from components.assembly.selection.decision import Decision
from components.images.looks import look_of
from components.recipes.assembly import AssemblySettings, SplitSettings
from components.records.record import Turn
from components.records.vocabulary import Bin, Modality, TurnKind

BENIGN = ("benign", "malignant", "normal")


def decide(entries, settings: AssemblySettings, **test: tuple[str, ...]) -> dict[str, Decision]:
    splits = SplitSettings(test=test, slabs=(), val_share=0.0)
    return {d.entry.id: d for d in select(entries, replace(settings, splits=splits))}


def asked(
    prompt: str, answer: str, kind: TurnKind = TurnKind.CLOSED, options: tuple[str, ...] = ()
) -> tuple[Turn, ...]:
    return (Turn(prompt=prompt, answer=answer, kind=kind, options=options),)


CONTRADICTIONS = {
    "a fact": ({"facts": {"tumour": "no"}}, {"facts": {"tumour": "yes"}}),
    "a finding": ({"facts": {"findings": "effusion;mass"}}, {"facts": {"absent_findings": "mass"}}),
    "a modality": ({"modality": Modality.CT}, {"modality": Modality.MRI}),
    "a closed question": (
        {"turns": asked("Is there a mass?", "Yes.")},
        {"turns": asked("is there a mass", "no, there is none")},
    ),
    "a choice": (
        {"turns": asked("What is it?", "benign", TurnKind.CHOICE, BENIGN)},
        {"turns": asked("What is it?", "malignant", TurnKind.CHOICE, BENIGN[::-1])},
    ),
    "a side": (
        {"turns": asked("Where is it?", "the left lung", TurnKind.OPEN)},
        {"turns": asked("Where is it?", "right lung", TurnKind.OPEN)},
    ),
}


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_labels_that_contradict_each_other_on_one_image_are_both_out(make_entry, settings, kind) -> None:
    one, other = CONTRADICTIONS[kind]
    entries = [
        make_entry("a", "p1", pixels="x", **one),
        make_entry("b", "p2", pixels="x", source="web", **other),
        make_entry("c", "p3"),
    ]
    found = decide(entries, settings)
    for identity, against in (("mri/a", "web/b"), ("web/b", "mri/a")):
        decision = found[identity]
        assert (decision.bin, decision.reason, decision.other) == (Bin.FILTERED, "label conflict", against)
        assert f"here, {decision.detail.rpartition('here, ')[2]}" in decision.detail and against in decision.detail
    assert found["mri/c"].bin is Bin.KEPT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"turns": asked("What is shown?", "the liver", TurnKind.OPEN)},
            {"turns": asked("What is shown?", "the spleen", TurnKind.OPEN)},
        ),
        ({"turns": asked("Is there a mass?", "yes")}, {"turns": asked("Is there a cyst?", "no")}),
        (
            {"turns": asked("Which is visible?", "liver", TurnKind.CHOICE, ("liver", "heart"))},
            {"turns": asked("Which is visible?", "spleen", TurnKind.CHOICE, ("spleen", "heart"))},
        ),
        ({"facts": {"level": "upper", "tumour": "no"}}, {"facts": {"level": "lower", "tumour": "no"}}),
        ({"facts": {"window": "lung"}}, {"facts": {"window": "bone"}}),
    ],
    ids=[
        "two true answers",
        "two questions",
        "other options",
        "derived of the scan's extent",
        "seen through another window",
    ],
)
def test_what_can_both_be_true_is_no_conflict(make_entry, settings, one, other) -> None:
    found = decide([make_entry("a", "p1", pixels="x", **one), make_entry("b", "p2", pixels="x", **other)], settings)
    assert all(decision.reason != "label conflict" for decision in found.values())


def picture(size: int) -> object:
    return look_of(np.asarray(PIL.Image.fromarray(skimage.data.retina()[200:1200, 200:1200]).resize((size, size))))


def test_a_lookalike_under_another_name_with_another_label_is_a_conflict_and_a_neighbouring_slice_is_none(
    make_entry, settings
) -> None:
    yes, no = {"facts": {"tumour": "yes"}}, {"facts": {"tumour": "no"}}
    entries = [
        make_entry("a", "p1", looks=(picture(320),), **yes),
        make_entry("b", "p2", looks=(picture(200),), **no),
    ]
    found = decide(entries, settings)
    assert {decision.reason for decision in found.values()} == {"label conflict"}
    same_patient = [entries[0], replace(entries[1], patient_key=entries[0].patient_key)]
    assert {decision.bin for decision in decide(same_patient, settings).values()} == {Bin.KEPT}


def test_a_third_record_that_says_nothing_of_it_stays(make_entry, settings) -> None:
    entries = [
        make_entry("a", "p1", pixels="x", facts={"tumour": "yes"}),
        make_entry("b", "p2", pixels="x", facts={"tumour": "no"}),
        make_entry("c", "p3", pixels="x", facts={"plane": "axial"}),
    ]
    found = decide(entries, settings)
    assert [found[f"mri/{name}"].reason for name in "abc"] == ["label conflict", "label conflict", ""]


def test_the_held_out_side_does_not_move_for_what_training_says(make_entry, settings) -> None:
    entries = [
        make_entry("a", "held", pixels="x", facts={"tumour": "yes"}),
        make_entry("b", "p", pixels="x", facts={"tumour": "no"}),
    ]
    found = decide(entries, settings, mri=("held",))
    assert (found["mri/a"].bin, found["mri/b"].bin) == (Bin.HELDOUT, Bin.CONTAMINATING)


def test_facts_and_maps_that_complete_each_other_are_merged_into_the_kept_record(make_entry, settings) -> None:
    entries = [
        make_entry("a", "p1", pixels="x", facts={"tumour": "yes", "organs": "liver"}, targets=("organ_map",)),
        make_entry(
            "b", "p2", pixels="x", facts={"plane": "axial", "organs": "spleen"}, targets=("lesion_map", "organ_map")
        ),
        make_entry("c", "p3", pixels="x", facts={"tumour": "yes", "organs": "liver"}),
    ]
    found = decide(entries, settings)
    kept = found["mri/a"].entry
    assert kept.facts == {"tumour": "yes", "plane": "axial", "organs": "liver;spleen"}
    assert (kept.targets, kept.borrowed) == (("lesion_map", "organ_map"), (("lesion_map", "mri/b"),))
    assert found["mri/b"].reason == "same pixels, what it adds is merged"
    assert found["mri/c"].reason == "same pixels"


def test_a_lookalike_gives_its_facts_and_keeps_its_maps_which_fit_its_own_pixels_alone(make_entry, settings) -> None:
    entries = [
        make_entry("a", "p1", looks=(picture(320),), facts={"tumour": "yes"}),
        make_entry(
            "b", "p2", looks=(picture(200),), facts={"laterality": "left", "window": "lung"}, targets=("lesion_map",)
        ),
    ]
    found = decide(entries, settings)
    assert found["mri/b"].reason == "looks the same, what it adds is merged"
    kept = found["mri/a"].entry
    assert (dict(kept.facts), kept.targets) == ({"tumour": "yes", "laterality": "left"}, ())


def test_a_map_of_a_head_s_tissue_is_no_copy_of_its_t1(make_entry, settings) -> None:
    def slices(contrasts: tuple[str, ...], **known: object) -> list:
        return [
            make_entry(f"{at}", f"p{at}", facts={"contrast": contrast} if contrast else {}, position=4.0, **known)
            for at, contrast in enumerate(contrasts)
        ]

    def bins(entries: list) -> list[Bin]:
        return [decision.bin for decision in decide(entries, settings).values()]

    other = {"looks": (picture(320),)}
    assert bins(slices(("T1", "grey matter"), **other)) == [Bin.KEPT, Bin.KEPT]
    assert bins(slices(("T1", "T1"), **other)) == [Bin.KEPT, Bin.DUPLICATE]
    assert bins(slices(("T1", ""), **other)) == [Bin.KEPT, Bin.DUPLICATE]
    one = [replace(entry, patient_key="one") for entry in slices(("T1", "grey matter", "T1"), pixels="x")]
    assert bins(one) == [Bin.KEPT, Bin.KEPT, Bin.DUPLICATE]
