"""Captions: ROUGE-L against its vectors, sentences against stammering, facts against the reference."""

import json
from pathlib import Path

import pytest

from components.evaluation import captions
from components.evaluation.predictions import prediction_row
from tests.components.evaluation.material import caption

VECTORS = json.loads((Path(__file__).parent / "golden" / "report_text.json").read_text())


@pytest.mark.parametrize("case", VECTORS["items"], ids=lambda case: case["reference"][:25])
def test_rouge_l_agrees_with_the_vectors(case):
    found = captions.rouge_l(case["reference"], case["hypothesis"])
    assert found == pytest.approx(case["rouge_score_0.1.2"]["rougeL"][2], abs=1e-9)


@pytest.mark.parametrize(
    ("text", "is_formed"),
    [
        ("An axial CT slice of the brain.", True),
        ("An MRI image of the brain. No tumour is visible.", True),
        ("An axial CT slice of the brain", False),
        ("an axial CT slice of the brain.", False),
        ("An axial slice of the brain.", False),
        ("A CT or MRI slice of the brain.", False),
        ("CT.", False),
        ("", False),
        ("A CT slice of the br\ufffd.", False),
    ],
)
def test_well_formed_means_whole_sentences_that_name_one_modality(text, is_formed):
    assert captions.is_well_formed(text, finished=True) is is_formed


def test_a_caption_cut_by_the_token_limit_is_not_well_formed():
    assert not captions.is_well_formed("An axial CT slice of the brain.", finished=False)


def scores(said: str, reference: str = "An axial CT slice of the brain.") -> dict[str, tuple]:
    row = prediction_row(
        caption(1, reference=reference), variant="plain", seed=0, image=b"", response_raw=said, finish_reason="stop"
    )
    return {score.scorer_id: (score.correct, score.value) for score in captions.score_caption(row)}


def test_each_fact_is_scored_by_itself():
    found = scores("A coronal CT slice of the abdomen.")
    assert [found[f"caption.{name}@1"][0] for name in ("modality", "plane", "anatomy")] == [1, 0, 0]


def test_a_fact_that_the_reference_does_not_name_is_not_scored():
    assert "caption.plane@1" not in scores("An axial CT slice.", reference="A CT image of the brain.")


def test_a_caption_that_names_no_modality_is_wrong_about_it():
    assert scores("A slice of the brain.")["caption.modality@1"][0] == 0


def test_an_equal_caption_scores_full_marks():
    found = scores("An axial CT slice of the brain.")
    assert found[captions.EXACT][0] == 1 and found[captions.ROUGE][1] == 1.0


def test_a_reference_without_a_modality_is_an_error():
    with pytest.raises(ValueError, match="names no modality"):
        scores("A CT slice.", reference="A picture.")


def test_a_source_s_own_report_need_not_name_a_modality():
    own = caption(1, reference="The heart size is normal. No effusion.", question_type="clinic")
    row = prediction_row(own, variant="plain", seed=0, image=b"", response_raw="No effusion.", finish_reason="stop")
    found = {score.scorer_id: score for score in captions.score_caption(row)}
    assert found[captions.ROUGE].number > 0 and "caption.modality@1" not in found
