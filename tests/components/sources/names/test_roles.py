import pytest

from components.sources.names.roles import has_name_beside_role, is_role, may_be_somebody


@pytest.mark.parametrize(
    ("language", "text"),
    [
        *(
            ("de", text)
            for text in (
                "Stationsschwester Okwuosa spülte den Zugang.",
                "Visite mit Doktor Anantapadmanaban.",
                "Die Oberärztin Vogel war dabei.",
                "Pflegerin Beckstein half.",
                "Hebamme Weinschott war dabei.",
                "Rettungssanitäter Liebreich brachte ihn.",
                "Vogel, Stationsschwester, rief an.",
                "Schwiegermutter Beckstein kam mit.",
            )
        ),
        *(
            ("es", text)
            for text in (
                "La enfermera Holgado cambió la cura.",
                "La matrona Amoroso atendió el parto.",
                "El internista Castaño lo vio.",
                "Avisa la trabajadora social Iribarne.",
            )
        ),
        *(
            ("en", text)
            for text in (
                "Seen by nurse practitioner Whitcombe.",
                "The charge nurse Carpenter took the call.",
                "RN Whitcombe was informed.",
                "Maureen Whitcombe, PA-C",
                "Maureen Okwuosa, PharmD",
                "Whitcombe (RN) called.",
                "Maureen Okwuosa, NP, saw her.",
            )
        ),
    ],
)
def test_any_word_for_what_somebody_does_announces_a_name(language, text):
    assert has_name_beside_role(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Beurteilung: Konstante Verhältnisse. Einleitung Kontrolle. Graf IIa links."),
        ("de", "Hausarzt Kontrolle. Oberarzt Chirurgie informiert. Facharzt Radiologie. Gebärmutter Befund."),
        (
            "en",
            "Nurse practitioner clinic. Attending Radiologist. Resident Physician. Surgeon Preference. Hemoglobin, PT",
        ),
        ("es", "Cirujano Plástico. Médico Adjunto. Enfermera Especialista. El residente de Radiología."),
    ],
)
def test_roles_and_departments_beside_a_role_are_nobody(language, text):
    assert not has_name_beside_role(text, language)


def test_a_german_noun_is_somebody_only_where_it_may_be():
    assert may_be_somebody("Vogel", "de") and not may_be_somebody("Vogel", "de", may_be_noun=False)
    assert may_be_somebody("Beckstein", "de", may_be_noun=False) and not may_be_somebody("Gallenstein", "de")


def test_a_heading_makes_a_listed_word_of_english_nobody():
    assert may_be_somebody("Buzz", "en") and not may_be_somebody("Buzz", "en", is_heading=True)


def test_a_compound_of_a_role_is_one():
    assert is_role("Stationsschwester") and is_role("patólogos") and not is_role("Okwuosa")
