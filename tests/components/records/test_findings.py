"""Labels of chest X-ray sets become facts in one vocabulary."""

import pytest

from components.images.limits import ImageError
from components.records.findings import FINDINGS, finding, finding_facts, label_facts, view_facts
from components.sources.published.nihcxr import LABELS
from components.validation.vocabulary import unknown_words


def test_sets_word_one_finding_in_many_ways():
    assert {finding(label) for label in ("Effusion", "Pleural Effusion", " pleural_effusion ")} == {"pleural effusion"}
    assert [finding(name) for name in FINDINGS if name != "any abnormality"] == [
        name for name in FINDINGS if name != "any abnormality"
    ], "our own words stay as they are"
    assert all(finding(label) for label in LABELS) and finding("unchanged") == ""


def test_what_is_said_both_ways_is_said_neither_way():
    assert finding_facts(["Edema", "Mass"], ["edema"]) == {"findings": "any abnormality;lung mass"}
    assert finding_facts(["Normal", "Mass"]) == {"findings": "lung mass"}
    assert finding_facts(["Support Devices", "normal"]) == {
        "findings": "support devices",
        "absent_findings": "any abnormality",
    }, "a tube is no illness"
    assert finding_facts(["unchanged"]) == {}


def test_no_finding_is_none_of_the_set_s_labels_and_not_a_normal_image():
    assert finding_facts(["No Finding"]) == {}
    row = {"No Finding": "1.0", "Edema": "", "Pneumonia": "-1.0", "Support Devices": "1.0"}
    assert label_facts(row) == {"findings": "support devices", "absent_findings": "pulmonary oedema"}
    assert label_facts({"No Finding": "", "Edema": ""}) == {} == label_facts({"No Finding": "0"})


def test_every_fact_is_one_that_validation_knows():
    facts = finding_facts(FINDINGS[::2], FINDINGS[1::2])
    for view in ("AP erect", "AP_horizontal", "LATERAL", "LL", "Frontal", "PA", "COSTAL", ""):
        assert unknown_words({**facts, **view_facts(view)}) == ""
    assert unknown_words({"findings": "a cold"}) == "findings 'a cold'"


def test_a_label_is_one_zero_minus_one_or_empty():
    row = {"Path": "x", "Edema": "1.0", "Mass": 0, "Nodule": "-1.0", "Pneumonia": "", "Hernia": None}
    assert label_facts(row) == {"findings": "any abnormality;pulmonary oedema", "absent_findings": "lung mass"}
    with pytest.raises(ImageError, match="bad label: Edema is 'maybe'"):
        label_facts({"Edema": "maybe"})


def test_no_finding_means_none_of_the_sets_own_labels_and_nothing_more():
    assert finding_facts(["No Finding"]) == {}
    row = {"No Finding": "1.0", "Edema": "", "Pneumonia": "", "Fracture": "-1", "Support Devices": ""}
    assert label_facts(row) == {"absent_findings": "pneumonia;pulmonary oedema"}
    tube = label_facts({**row, "Support Devices": "1"})
    assert tube == {"findings": "support devices", "absent_findings": "pneumonia;pulmonary oedema"}


def test_labels_that_sets_use_often_have_a_word():
    names = ("laminar atelectasis", "costophrenic angle blunting", "air trapping", "alveolar pattern")
    names += ("interstitial pattern", "vertebral degenerative changes", "Infiltrate")
    assert all(finding(name) in FINDINGS for name in names) and finding("Infiltrate") == "infiltration"
