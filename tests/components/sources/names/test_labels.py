import pytest

from components.sources.names.labels import has_labelled_name


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Ordering: Hill"),
        ("en", "Reader 1: Carpenter"),
        ("en", "Referring physician: J. Vogel, Reading: Hill"),
        ("de", "Diktat: Vogel"),
        ("de", "Vorabbefund Mirza"),
        ("de", "Konsil: Beckstein"),
        ("de", "Berichterstatter: Mackendries"),
        ("es", "Guardia: Holgado"),
        ("es", "Presentes: Amoroso, Pons"),
        ("es", "Dr/a: Castaño"),
    ],
)
def test_what_stands_alone_behind_a_persons_label_is_a_name(language, text):
    assert has_labelled_name(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Reading: normal. Consult: Cardiology. Protocol: Liver triphasic. Consent: Obtained. Contact: None."),
        ("de", "Befund: Pneumonie. Konsil: Chirurgie. Patient: männlich. Aufklärung: Erfolgt am Vortag."),
        ("es", "Anestesia: General. Consentimiento: Firmado. Paciente: Varón. Guardia: Cirugía."),
    ],
)
def test_values_that_are_words_of_reports_are_nobody(language, text):
    assert not has_labelled_name(text, language)
