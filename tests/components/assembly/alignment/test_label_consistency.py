"""The stand-in for image-text alignment: the share of a record's labels that its text names."""

from xml.etree import ElementTree

import pytest

from components.assembly.alignment.label_consistency import label_consistency
from components.records.findings import finding_facts
from components.records.record import Turn
from components.records.vocabulary import Modality, TurnKind


@pytest.fixture
def score(make_entry):
    def run(text: str, modality: Modality = Modality.CT, kind: TurnKind = TurnKind.CAPTION, **known):
        turns = (Turn(prompt="", answer=text, kind=kind),)
        return label_consistency(make_entry("a", modality=modality, turns=turns, **known))

    return run


def test_a_caption_scores_the_share_of_the_labels_that_it_names(score) -> None:
    labels = {"anatomy": "chest", "facts": {"findings": "any abnormality;pleural effusion;atelectasis"}}
    assert score("Axial CT of the thorax with a pleural effusion and atelectasis.", **labels) == 1.0
    assert score("Computed tomography shows bilateral pleural effusions.", **labels) == 0.75
    assert score("Fifty-year-old with cough.", **labels) == 0.0


@pytest.mark.parametrize(
    ("modality", "text"),
    [
        (Modality.MRI, "A T2-weighted image"),
        (Modality.XRAY, "Frontal radiographs"),
        (Modality.ULTRASOUND, "Sonography with colour Doppler"),
        (Modality.HISTOPATHOLOGY, "H&E, x40: glands"),
        (Modality.NUCLEAR, "PET/CT with FDG"),
        (Modality.OCT, "Optical coherence tomography"),
        (Modality.ENDOSCOPY, "Colonoscopic view"),
        (Modality.FUNDUS, "Retinal photograph"),
    ],
)
def test_synonyms_name_a_modality(score, modality, text) -> None:
    assert score(text, modality, anatomy="unknown") == 1.0


def test_a_caption_that_names_another_modality_and_not_its_own_scores_nothing(score) -> None:
    assert score("Chest radiograph of the brain tumour", anatomy="brain") == 0.0
    assert score("CT of the brain beside the earlier MRI", anatomy="brain") == 1.0
    assert score("Seen on Oct 12 in the brain", anatomy="brain") == 0.5, "a month is no modality"


def test_a_report_speaks_of_other_examinations_and_need_not_name_its_own(score) -> None:
    text = "The lungs are clear. CT is recommended."
    assert score(text, Modality.XRAY, TurnKind.REPORT, anatomy="chest") == 1.0
    assert score(text, Modality.XRAY, TurnKind.CAPTION, anatomy="chest") == 0.0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Large effusion on the left.", True),
        ("No pneumothorax or effusion.", False),
        ("No pneumothorax. Small effusions.", True),
        ("The effusion has resolved.", False),
        ("No significant change in the effusion.", True),
        ("No consolidation, but a pleural effusion.", True),
    ],
)
def test_a_denied_finding_is_not_named(score, text, named) -> None:
    facts = {"findings": "pleural effusion"}
    assert score(text, Modality.XRAY, TurnKind.REPORT, anatomy="unknown", facts=facts) == float(named)


def test_spelling_and_plural_do_not_count(score) -> None:
    for text in ("Pulmonary edema.", "Pulmonary oedema."):
        facts = {"findings": "pulmonary oedema"}
        assert score(text, Modality.XRAY, TurnKind.REPORT, anatomy="unknown", facts=facts) == 1.0
    facts = {"findings": "lung opacity;pneumothorax"}
    text = "Patchy lung opacities; pneumothoraces on both sides."
    assert score(text, Modality.XRAY, TurnKind.REPORT, anatomy="unknown", facts=facts) == 1.0


def test_an_organ_that_the_image_shows_stands_for_the_region(score) -> None:
    assert score("CT: the adrenal gland is thickened", anatomy="abdomen", facts={"organs": "left adrenal gland"}) == 1.0


def test_nothing_can_be_said_without_a_label_or_in_another_language(score) -> None:
    assert score("Some figure", Modality.UNKNOWN, anatomy="unknown") is None
    assert score("Radiografía de tórax", Modality.XRAY, anatomy="chest", language="es") is None
    assert score("Clear.", Modality.XRAY, TurnKind.REPORT, anatomy="unknown") is None


def test_real_reports_name_their_own_labels_rather_than_those_of_other_patients(score, published) -> None:
    reports = []
    for file in sorted((published / "iu-xray").rglob("*.xml")):
        root = ElementTree.parse(file).getroot()
        text = "\n".join(node.text or "" for node in root.iter("AbstractText") if node.get("Label") in _SECTIONS)
        facts = finding_facts([node.text.split("/")[0] for node in root.iterfind("MeSH/major") if node.text])
        if text and "findings" in facts:
            reports.append((text, facts))

    def of(text: str, facts: dict[str, str]) -> float:
        found = score(text, Modality.XRAY, TurnKind.REPORT, anatomy="chest", facts=facts)
        assert found is not None
        return found

    own = [of(text, facts) for text, facts in reports]
    foreign = [of(text, facts) for text, other in reports for _, facts in reports if facts != other]
    assert len(own) > 50
    beaten = sum((a > b) + 0.5 * (a == b) for a in own for b in foreign) / (len(own) * len(foreign))
    assert beaten > 0.85, f"a report's own labels beat another's in {beaten:.2f} of the pairs"


_SECTIONS = ("FINDINGS", "IMPRESSION")
