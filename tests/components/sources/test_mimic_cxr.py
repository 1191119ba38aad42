"""MIMIC-CXR in the layout of its documentation (the set is lent, no copy lies with the samples): studies, reports, remotes."""

import gzip

import pytest

from components.images.stored import StoredImage
from components.records.vocabulary import Split, TurnKind
from components.sources.reading.reports import comparison_facts, report_turn, sections

FINAL = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___ year old woman with ?pleural effusion  // ?pleural effusion

 TECHNIQUE:  Chest PA and lateral

 COMPARISON:  ___

 FINDINGS:

 Cardiac size cannot be evaluated.  Large left pleural effusion is new.
 LUNGS: Small right effusion is new.
 Upper limit of normal: 5 cm.

 IMPRESSION:

 Large left pleural effusion

 NOTIFICATION:  Telephoned to Dr. ___.
"""
ADDENDUM = """WET READ: ___ ___ ___ 10:08 PM
  Tube in place.
 ______________________________________________________________________________
                                 FINAL ADDENDUM
 ADDENDUM  The tube was moved later.
 ______________________________________________________________________________
                                 FINAL REPORT
 PORTABLE AP CHEST:  The tube ends above the carina.
 No effusion.
"""
WET = "WET READ: ___ ___ ___ 1:08 AM\n  No pneumothorax.\n ____________\n        FINAL REPORT\n HISTORY:  Fall.\n"


def test_sections_end_at_heads_and_not_at_colons_within():
    found = sections(FINAL)
    assert set(found) == {"findings", "impression"}
    assert found["findings"].endswith("LUNGS: Small right effusion is new. Upper limit of normal: 5 cm.")
    assert found["impression"] == "Large left pleural effusion"


def test_a_report_says_that_there_was_nothing_to_compare_with():
    assert comparison_facts(FINAL) == {}
    assert comparison_facts(FINAL.replace("COMPARISON:  ___", "COMPARISON:  None.")) == {"comparison": "none"}


def test_addenda_are_told_and_views_head_findings():
    turn = report_turn(sections(ADDENDUM))
    assert turn.answer == (
        "Findings: The tube ends above the carina. No effusion.\nAddendum: The tube was moved later."
    ), "the wet read gave way to the final report"


def test_a_wet_read_speaks_where_there_is_no_final_report():
    assert report_turn(sections(WET)).answer == "Wet read: No pneumothorax."
    assert sections("Impression: one.\n IMPRESSION:  two.\n") == {"impression": "one. two."}
    assert sections("FINDINGS AND IMPRESSION:\n Clear.") == {"findings": "Clear."}


@pytest.mark.parametrize(
    ("report", "found"),
    [
        (
            "FINDINGS: Lungs clear.\n\n IMPESSION: No pneumonia.\n",
            {"findings": "Lungs clear.", "impression": "No pneumonia."},
        ),
        ("FINDNGS: Lungs clear.\n IMPRESSSION: None.\n", {"findings": "Lungs clear.", "impression": "None."}),
        ("IMPRESSION\n No pneumonia.\n", {"impression": "No pneumonia."}),
        ("FINDINGS: HEART: Normal.\n LUNGS: Clear.\n", {"findings": "HEART: Normal. LUNGS: Clear."}),
    ],
)
def test_a_misspelt_head_is_a_head_and_a_structure_s_name_is_none(report, found):
    assert sections(report) == found


def test_a_report_without_heads_is_its_last_paragraph():
    bare = "FINAL REPORT\n HISTORY: Fall.\n\n COMPARISON: ___\n\n PA view was obtained.\n\n The lungs\n are clear.\n"
    assert sections(bare) == {"last paragraph": "The lungs are clear."}
    assert report_turn(sections(bare)).answer == "The lungs are clear."
    assert sections("The lungs are clear.\n") == {"last paragraph": "The lungs are clear."}
    assert sections("FINAL REPORT\n HISTORY:\n\n Fall from a ladder.\n") == {}, "what a head announces is its text"
    assert "last paragraph" not in sections(FINAL)


@pytest.fixture
def mimic(tmp_path, draw):
    """Five studies of three patients: two views, an addendum, no report, an empty report, a view that is missing."""
    views = [
        ("d1", "50", "10", "LATERAL", "train"),
        ("d2", "50", "10", "PA", "train"),
        ("d3", "51", "10", "AP", "train"),
        ("d4", "52", "11", "", "validate"),
        ("d5", "53", "12", "AP", "test"),
        ("d6", "54", "12", "PA", "test"),
        ("d7", "54", "12", "LL", "test"),
    ]

    def table(name: str, head: str, rows: list[str]) -> None:
        with gzip.open(tmp_path / f"mimic-cxr-2.0.0-{name}.csv.gz", "wt") as handle:
            handle.write("\n".join([head, *rows]) + "\n")

    table("split", "dicom_id,study_id,subject_id,split", [f"{d},{s},{p},{split}" for d, s, p, _, split in views])
    table(
        "metadata",
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows",
        [f'{d},{p},{s},"CHEST (PA AND LAT)",{view},60' for d, s, p, view, _ in views],
    )
    labels = "subject_id,study_id,Edema,No Finding,Pleural Effusion,Pneumonia"
    table("chexpert", labels, ["10,50,-1.0,,1.0,0.0", "11,52,,1.0,,"])
    table("negbio", labels, ["10,50,1.0,,1.0,0.0"])
    for number, (dicom, study, patient, _, _) in enumerate(views):
        if dicom != "d6":
            draw(tmp_path / "files" / f"p{patient}" / f"p{patient}" / f"s{study}" / f"{dicom}.jpg", number)
    for study, patient, report in (
        ("50", "10", FINAL),
        ("51", "10", ADDENDUM),
        ("53", "12", "FINAL REPORT\n HISTORY: ___\n"),
        ("99", "12", FINAL),
    ):
        (tmp_path / "files" / f"p{patient}" / f"p{patient}" / f"s{study}.txt").write_text(report)
    (tmp_path / "SHA256SUMS.txt").write_text("abc  files\n")
    return tmp_path


def test_a_study_is_one_record_with_all_its_views_frontal_first(mimic, read):
    records, unreadable = read(mimic, "mimic-cxr")
    assert set(records) == {"mimic-cxr/s50", "mimic-cxr/s51", "mimic-cxr/s52", "mimic-cxr/s54"}
    assert sorted(item.reason for item in unreadable) == ["empty text", "stray report"]
    (lateral,) = records["mimic-cxr/s54"].images
    assert lateral == StoredImage.of(mimic / "files" / "p12" / "p12" / "s54" / "d7.jpg"), (
        "what is there of a study stays"
    )
    assert records["mimic-cxr/s54"].facts["view"] == "lateral"
    study = records["mimic-cxr/s50"]
    assert (study.subject, study.delivered_split, len(study.more_images)) == ("10", Split.TRAIN, 1)
    front = StoredImage.of(mimic / "files" / "p10" / "p10" / "s50" / "d2.jpg")
    assert study.image == front, "PA stands before LATERAL"
    assert study.facts["view"] == "PA" and "no redistribution" in study.licence
    assert study.facts["findings"] == "any abnormality;pleural effusion", "an uncertain oedema is none"
    assert study.facts["absent_findings"] == "pneumonia"
    assert study.turns[0].kind is TurnKind.REPORT and "Impression: Large left" in study.turns[0].answer
    silent = records["mimic-cxr/s52"]
    assert not silent.turns and silent.facts["absent_findings"] == "pleural effusion;pneumonia;pulmonary oedema"
    assert silent.delivered_split is Split.VAL and "view" not in silent.facts


def test_a_view_that_cannot_be_read_and_a_silent_report_cost_a_study_neither_its_images_nor_its_labels(mimic, read):
    study = mimic / "files" / "p10" / "p10"
    (study / "s50" / "d2.jpg").write_bytes(b"torn")
    (study / "s50.txt").write_text("FINAL REPORT\n HISTORY: ___\n")
    for view in ("d5",):
        (mimic / "files" / "p12" / "p12" / "s53" / f"{view}.jpg").unlink()
    records, unreadable = read(mimic, "mimic-cxr")
    found = records["mimic-cxr/s50"]
    assert len(found.images) == 1 and not found.turns and "pleural effusion" in found.facts["findings"]
    assert found.facts["view"] == "lateral"
    assert sorted(item.reason for item in unreadable) == ["missing image", "not an image", "stray report"]


def test_broken_tables_and_a_study_of_two_patients_are_counted(mimic, read):
    whole = (mimic / "mimic-cxr-2.0.0-chexpert.csv.gz").read_bytes()
    (mimic / "mimic-cxr-2.0.0-chexpert.csv.gz").write_bytes(whole[:40])
    (mimic / "cxr-record-list.csv").write_text("subject_id,study_id,dicom_id,path\n77,50,d1,x\n")
    (mimic / "cxr-study-list.csv.gz").write_text("not gzip")
    records, unreadable = read(mimic, "mimic-cxr")
    reasons = [item.reason for item in unreadable]
    # The record list comes first by name, so that the other tables' rows of study 50 speak of another patient.
    assert reasons.count("two patients") == 4 and reasons.count("undecodable") == 2
    assert "mimic-cxr/s51" in records
