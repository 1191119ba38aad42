"""Captions say what the labels say, no more, in many ways, and can be read back."""

import pytest

from components.assembly.conversations.questions.captions import caption, caption_facts
from components.evaluation.captions import is_well_formed
from components.records.vocabulary import Modality

CASES = [
    (Modality.MRI, "brain", {"plane": "axial", "contrast": "T1"}, "An axial T1-weighted MRI slice of the brain."),
    (Modality.MRI, "brain", {"plane": "coronal", "map": "grey matter"}, "A coronal MRI grey matter map of the brain."),
    (Modality.MRI, "shoulder", {}, "An MRI image of the shoulder."),
    (
        Modality.MRI,
        "brain",
        {"plane": "axial", "tumour": "yes", "laterality": "left"},
        "An axial MRI slice of the brain. A tumour is visible on the left side.",
    ),
    (
        Modality.CT,
        "chest",
        {"plane": "axial", "nodule": "no"},
        "An axial CT slice of the chest. No lung nodule is visible.",
    ),
    (Modality.CT, "abdomen", {"plane": "axial", "organs": "liver;ribs"}, "An axial CT slice of the abdomen."),
    (Modality.XRAY, "leg", {"laterality": "right"}, "An X-ray image of the right leg."),
    (
        Modality.XRAY,
        "chest",
        {"findings": "any abnormality;cardiomegaly;rib fracture", "absent_findings": "pneumonia", "view": "AP"},
        "An AP X-ray image of the chest. It shows cardiomegaly and a rib fracture.",
    ),
    (
        Modality.XRAY,
        "chest",
        {"absent_findings": "any abnormality", "view": "lateral"},
        "A lateral X-ray image of the chest. No abnormality is visible.",
    ),
    (Modality.ULTRASOUND, "heart", {"doppler": "yes"}, "A colour Doppler ultrasound image of the heart."),
    (Modality.ULTRASOUND, "lymph node", {"doppler": "no"}, "An ultrasound image of a lymph node."),
    (
        Modality.FUNDUS,
        "eye",
        {"laterality": "left", "retinopathy": "no", "description": "eye with glaucoma."},
        "A fundus photograph of the left eye. There are no signs of diabetic retinopathy. "
        "Its labels say: eye with glaucoma.",
    ),
    (Modality.HISTOPATHOLOGY, "tissue", {"stain": "H&E"}, "A histopathology image of tissue stained with H&E."),
    (
        Modality.HISTOPATHOLOGY,
        "colon",
        {"stain": "immunohistochemistry"},
        "A histopathology image of the colon stained by immunohistochemistry.",
    ),
    (Modality.NUCLEAR, "whole body", {}, "A nuclear medicine image of the whole body."),
]


@pytest.mark.parametrize(("modality", "anatomy", "facts", "text"), CASES)
def test_a_caption_names_modality_region_and_findings(make_entry, modality, anatomy, facts, text: str) -> None:
    entry = make_entry("a", "p", modality, anatomy=anatomy, facts=facts)
    assert caption(entry) == text
    expected = {"modality": modality.value} | ({"anatomy": anatomy} if anatomy != "tissue" else {})
    for wording in range(40):
        said = caption(entry, wording)
        assert caption_facts(said) == expected | ({"plane": facts["plane"]} if "plane" in facts else {}), said
        assert is_well_formed(said, finished=True), said
        assert said.split(".")[0].lower().count("image") < 2, said


def test_captions_of_one_image_are_worded_in_many_ways_by_key(make_entry) -> None:
    entry = make_entry("a", facts={"plane": "axial", "contrast": "T1", "organs": "brain;skull", "level": "upper"})
    said = [caption(entry, wording) for wording in range(60)]
    assert len(set(said)) > 30 and said == [caption(entry, wording) for wording in range(60)]
    assert any("the skull" in text for text in said) and any("upper" in text for text in said)


def test_no_finding_is_claimed_that_no_label_supports(make_entry) -> None:
    assert caption(make_entry("a", facts={"plane": "axial"})) == "An axial MRI slice of the brain."


def test_a_text_that_names_two_modalities_names_none() -> None:
    assert caption_facts("A CT slice and an MRI slice of the brain.") == {"anatomy": "brain"}
