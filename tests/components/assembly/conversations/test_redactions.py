"""A redaction takes its clause, not the finding beside it; whom findings were told to is never learnt."""

import pytest

from components.assembly.conversations.redactions import REDACTED, sentences, without_redactions


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "In comparison with the study of ___, there is a new large right pneumothorax.",
            "There is a new large right pneumothorax.",
        ),
        ("As compared to the previous radiograph from ___, the tube has been removed.", "The tube has been removed."),
        ("Compared to ___ the effusion has increased.", "The effusion has increased."),
        ("The effusion has increased since the prior study of ___.", "The effusion has increased."),
        ("The heart, compared to ___, is enlarged.", "The heart is enlarged."),
        ("1. No acute process. 2. Stable cardiomegaly since ___.", "1. No acute process. 2. Stable cardiomegaly."),
        ("There is a small effusion (see report of ___), new since ___.", "There is a small effusion."),
        ("The tube was placed by ___; the lungs are clear.", "The lungs are clear."),
        ("The lungs are clear; the tube was placed by ___.", "The lungs are clear."),
        ("The lungs are clear, but the catheter of ___ is in place.", "The lungs are clear."),
        ("Heart size normal, XXXX XXXX.", "Heart size normal."),
        ("The XXXX are clear. No effusion.", "No effusion."),
        ("Clear lungs. Compared to XXXX, stable. No effusion.", "Clear lungs. No effusion."),
        ("Seen by [**Known lastname**] today. Lungs clear.", "Lungs clear."),
        ("The patient was seen on ___ for cough.", ""),
        ("Unchanged from ___ to ___.", ""),
    ],
)
def test_a_redaction_takes_its_clause_where_the_rest_is_a_sentence_and_else_its_sentence(text: str, kept: str) -> None:
    assert without_redactions(text, is_told=True) == kept
    assert not REDACTED.search(kept)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Impression: Normal chest x-XXXX", "Impression: Normal chest"),
        ("Impression: Normal chest x-XXXX.", "Impression: Normal chest."),
        ("Impression: Normal chest XXXX.", "Impression: Normal chest."),
        ("Impression: 1. Normal 2 view chest x-XXXX.", "Impression: 1. Normal 2 view chest."),
        ("Impression: Negative XXXX chest x-XXXX.", "Impression: Negative chest."),
        ("Impression: The chest x-XXXX is normal.", "Impression: The chest is normal."),
        ("Impression: No active disease on chest x-XXXX.", "Impression: No active disease."),
        ("Impression: Normal chest x-XXXX without effusion.", "Impression: Normal chest without effusion."),
        ("Impression: Pneumonia. A followup chest x-XXXX is recommended.", "Impression: Pneumonia."),
        ("Impression: Normal XXXX chest tube XXXX.", ""),
        ("Impression: Stable chest XXXX.", ""),
    ],
)
def test_a_redacted_name_of_the_examination_takes_no_normal_report_along(text: str, kept: str) -> None:
    assert without_redactions(text, is_told=True) == kept


@pytest.mark.parametrize(
    "told",
    [
        "These findings were discussed with Dr. ___ at 3:45 p.m. by telephone.",
        "Dr. ___ was notified by phone at 10:45.",
        "Results were telephoned to the ordering physician at the time of dictation.",
        "The findings were communicated to J. Smith, M.D. by Dr. A. Jones.",
    ],
)
def test_a_notification_goes_whole_from_reports_and_captions_alone(told: str) -> None:
    assert without_redactions(f"No effusion. {told} Clear lungs.", is_told=True) == "No effusion. Clear lungs."
    plain = "The findings were discussed with the surgical team."
    assert without_redactions(plain, is_told=False) == plain


def test_heads_and_lines_stay_where_something_is_left_below_them() -> None:
    report = "Findings: On ___ a film was taken. No effusion.\nWet read: Seen by ___ again.\nAddendum: Clear."
    assert without_redactions(report, is_told=True) == "Findings: No effusion.\nAddendum: Clear."


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The heart is normal. Right aortic XXXX. This is a normal variant.", "The heart is normal."),
        (
            "The cardiac contour is normal. Left XXXX. It may be the aorta. No effusion.",
            "The cardiac contour is normal. No effusion.",
        ),
        ("No effusion. Tip of the XXXX. Otherwise, clear.", "No effusion."),
        ("No effusion. The XXXX in the mid lung. The lungs are otherwise clear.", "No effusion."),
        ("No effusion. Seen on XXXX. However, additional foci are questioned. They are small.", "No effusion."),
        ("1. XXXX of the left base. 2. The latter is old. 3. Clear lungs.", "3. Clear lungs."),
        ("The tube of XXXX is low. There is also a line. Clear lungs.", "Clear lungs."),
        ("The heart is normal. This is expected. XXXX are intact.", "The heart is normal. This is expected."),
    ],
)
def test_a_sentence_that_leans_on_one_that_fell_falls_with_it(text: str, kept: str) -> None:
    assert without_redactions(text, is_told=True) == kept


@pytest.mark.parametrize(
    "text",
    [
        "If there is concern for the bones, XXXX.",
        "Stable appearing right-sided XXXX the lungs.",
        "XXXX, disc spaces, and alignment are normal.",
        "The XXXX silhouette, lungs, and bones are normal.",
        "The tube, ___.",
        "Seen on XXXX. .",
    ],
)
def test_no_half_sentence_and_no_bare_full_stop_stays(text: str) -> None:
    assert without_redactions(text, is_told=True) == ""


@pytest.mark.parametrize(
    "report",
    [
        "Findings: Heart size normal. No effusion.\nImpression: XXXX bilateral.",
        "Findings: Heart size normal. No effusion.\nImpression: XXXX are low. .",
        "Findings: The tip is XXXX.\nImpression: Otherwise, clear.",
        "Impression: No acute disease. 8 mm nodule in the left base, XXXX calcified.",
        "Findings: Mild blunting of the right costophrenic XXXX. No effusion.\nImpression: No acute disease.",
        "Findings: Clear lungs. XXXX opacities.",
        "Findings: Right costophrenic XXXX is blunted.\nImpression: No acute disease. Small nodule.",
        "Findings: Right costophrenic XXXX is blunted.\nImpression: Lungs are low.",
        "Findings: Clear lungs, XXXX COPD.",
        "Findings: Right costophrenic XXXX is blunted.\nImpression: Nodule. Lungs free of infiltrate.",
    ],
)
def test_a_report_that_lost_its_impression_or_a_finding_is_no_target(report: str) -> None:
    assert without_redactions(report, is_told=True) == ""


@pytest.mark.parametrize(
    ("report", "kept"),
    [
        (
            "Findings: XXXX basilar atelectasis.\nImpression: Basilar atelectasis. No effusion.",
            "Impression: Basilar atelectasis. No effusion.",
        ),
        ("Findings: No XXXX effusion or opacities. Clear lungs.", "Findings: Clear lungs."),
        ("Findings: Sternotomy XXXX. Clear lungs.", "Findings: Clear lungs."),
        # An attribute that can have denied nothing.
        (
            "Findings: Mild XXXX opacities in the left base. There is a small right XXXX effusion.",
            "Findings: Mild opacities in the left base. There is a small right effusion.",
        ),
        ("Findings: No pneumothorax or large XXXX effusion.", "Findings: No pneumothorax or large effusion."),
        ("Findings: There is an XXXX nodule. A XXXX opacity.", "Findings: There is a nodule. An opacity."),
        ("Findings: Mild XXXX opacities have resolved.", "Findings: Mild opacities have resolved."),
        # The impression is whole and says what is ill.
        (
            "Findings: Right costophrenic XXXX is blunted. Heart enlarged.\nImpression: Large right pleural effusion.",
            "Findings: Heart enlarged.\nImpression: Large right pleural effusion.",
        ),
    ],
)
def test_a_finding_that_is_denied_or_named_elsewhere_is_not_lost(report: str, kept: str) -> None:
    assert without_redactions(report, is_told=True) == kept


@pytest.mark.parametrize(
    "said",
    [
        # No, not, without, but, no longer: what is gone can have denied the finding, or ended what denies it.
        "XXXX pneumothorax.",
        "XXXX of effusion.",
        "There is XXXX effusion.",
        "The heart is stable XXXX effusion.",
        "Stable XXXX effusion.",
        "Cardiomegaly is mild XXXX effusion.",
        "The opacities are scattered XXXX consolidation.",
        "Lung volumes have increased XXXX infiltrate.",
        "Aeration improved on the right XXXX effusion.",
        "There is wedge compression XXXX nodules.",
        "Mild XXXX XXXX effusion.",
        "No effusion on the left XXXX right basilar opacity.",
        "No effusion XXXX small nodule.",
        "No effusion on the right XXXX XXXX nodule.",
        "The right effusion XXXX resolved.",
        "Sin derrame basal XXXX atelectasia.",
        "Sin cambios, comparado a XXXX nodulo.",
        "Kein Erguss basal XXXX Infiltrat.",
    ],
)
@pytest.mark.parametrize("beside", ["", " The heart is normal.", "\nImpression: No acute disease."])
def test_no_finding_and_no_normal_report_comes_out_of_a_word_that_is_gone(said: str, beside: str) -> None:
    assert without_redactions(f"Findings: {said}{beside}", is_told=True) == ""


def test_findings_that_are_reported_nowhere_stay() -> None:
    text = "No fracture was reported on the earlier film, approx. 5 mm apart.  A second  line."
    assert without_redactions(text, is_told=True) == text, "what holds nothing to take out stays to the letter"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Discussed with Dr. Lee. No effusion.", ["Discussed with Dr. Lee.", "No effusion."]),
        ("1. Small, approx. 5 mm. 2. E.g. a cyst.", ["1. Small, approx. 5 mm.", "2. E.g. a cyst."]),
        ("It measures 3.5 cm. Clear.", ["It measures 3.5 cm.", "Clear."]),
        ("Told to J. Smith at 3 p.m. by phone. Clear.", ["Told to J. Smith at 3 p.m. by phone.", "Clear."]),
        ("Read at 3 p.m. Clear.", ["Read at 3 p.m.", "Clear."]),
        ("pulmon clar. no derram pleural", ["pulmon clar.", "no derram pleural"]),
    ],
)
def test_an_abbreviation_an_initial_or_a_decimal_ends_no_sentence(text: str, found: list[str]) -> None:
    assert sentences(text) == found
