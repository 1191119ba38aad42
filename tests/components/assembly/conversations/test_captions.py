"""Captions say what the labels say, no more, and can be read back."""

import pytest

from components.assembly.conversations.questions.captions import WORDINGS, caption, caption_facts
from components.records.vocabulary import Modality


@pytest.mark.parametrize(
    ("modality", "anatomy", "facts", "text"),
    [
        (Modality.MRI, "brain", {"plane": "axial", "contrast": "T1"}, "An axial T1-weighted MRI slice of the brain."),
        (
            Modality.MRI,
            "brain",
            {"plane": "coronal", "contrast": "grey matter"},
            "A coronal MRI grey matter map of the brain.",
        ),
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
        (Modality.XRAY, "leg", {}, "An X-ray image of the leg."),
        (
            Modality.XRAY,
            "chest",
            {"findings": "any abnormality;cardiomegaly;pleural effusion", "absent_findings": "pneumonia"},
            "An X-ray image of the chest. It shows cardiomegaly and pleural effusion.",
        ),
        (
            Modality.XRAY,
            "chest",
            {"absent_findings": "any abnormality"},
            "An X-ray image of the chest. No abnormality is visible.",
        ),
        (Modality.ULTRASOUND, "heart", {"doppler": "yes"}, "A colour Doppler ultrasound image of the heart."),
        (Modality.ULTRASOUND, "eye", {"doppler": "no"}, "An ultrasound image of the eye."),
        (
            Modality.FUNDUS,
            "eye",
            {"laterality": "left", "retinopathy": "no"},
            "A fundus photography image of the left eye. No signs of diabetic retinopathy.",
        ),
        (Modality.HISTOPATHOLOGY, "tissue", {"stain": "H&E"}, "A histopathology image stained with H&E."),
        (Modality.NUCLEAR, "whole body", {}, "A nuclear medicine image of the whole body."),
    ],
)
def test_a_caption_names_modality_region_and_findings(make_entry, modality, anatomy, facts, text: str) -> None:
    entry = make_entry("a", "p", modality, anatomy=anatomy, facts=facts)
    assert caption(entry) == text
    expected = {"modality": modality.value} | ({"anatomy": anatomy} if anatomy != "tissue" else {})
    for wording in range(WORDINGS):
        found = caption_facts(caption(entry, wording))
        assert found == expected | ({"plane": facts["plane"]} if "plane" in facts else {})


def test_no_finding_is_claimed_that_no_label_supports(make_entry) -> None:
    assert caption(make_entry("a", facts={"plane": "axial"})) == "An axial MRI slice of the brain."


def test_a_text_that_names_two_modalities_names_none() -> None:
    assert caption_facts("A CT slice and an MRI slice of the brain.") == {"anatomy": "brain"}
