import pytest

from components.validation.identifiers import identifier_kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Patient name: Jane Doe", "patient's name or number"),
        ("MRN# 4711083", "patient's name or number"),
        ("DOB: 07/20/1969. No acute disease.", "patient's name or number"),
        ("Accession number: A12", "patient's name or number"),
        ("write to jane.doe@clinic.example.org", "e-mail address"),
        ("MRN 4711083, seen today", "patient's name or number"),
        ("Patient no. 4711", "patient's name or number"),
        ("Patient number: 12-345", "patient's name or number"),
        ("Patient ID: 0815", "patient's name or number"),
        ("Mrs. Abendroth has no fracture.", "name with a title"),
        ("Seen by Dr. A. Birnbaum", "name with a title"),
        ("The patient, born on 20 July 1969, fell.", "date of birth"),
        ("geb. 20.07.1969", "date of birth"),
        ("Call +49 30 4711-083", "telephone number"),
        ("or +493047110835", "telephone number"),
        ("078-05-1120", "social security number"),
        ("radiology consult line: (650) 555-1173", "telephone number"),
    ],
)
def test_a_text_that_names_a_person_is_found_and_not_repeated(text, kind):
    assert identifier_kinds(["no finding", text]) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "MRN: ___ DOB: [**2101-1-1**] Patient name: XXXX",
        "Comparison: XXXX, XXXX. The heart is 12-14 cm wide.",
        "Foley catheter; Hodgkin lymphoma; Kerley B lines at T4-T5, 120-80 mmHg.",
        "The nodule measures 3.4 x 2.1 cm @ level 4",
        "2008-03-12 follow-up of 123 456 cells",
        "Images courtesy of Dr. Abendroth, University",
        "Window +100-150 HU, gain +20/1000, +10000 counts",
        "+" + "1" * 500 + "a",
        "Axial CT of patient no. 3 and of another (Patient No. 12); patient number: 7",
        "A newborn, born at 38 weeks; Ms and Dr are titles; +3 mm",
    ],
)
def test_redactions_measures_and_names_of_diseases_are_none(text):
    assert identifier_kinds([text]) == []
