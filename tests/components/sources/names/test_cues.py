import pytest

from components.sources.names.cues import has_cued_name, has_titled_name

TITLED = (
    "Discussed with Dr. Smith at 5 pm.",
    "Mr. Young has a nodule",
    "dr. brown notified",
    "Sarah Connor, MD",
    "Frau Vogel kommt zur Kontrolle",
    "Herrn Dr. med. von Stein",
    "Mrs. K. called; Dr. A. knows",
    "dra. pérez informada",
    "Doña Carmen acude",
    "Comentado con el Dr. de la Cruz",
    "Freifrau zu Ahlsdorf lehnt ab",
    "MRS DRUMGOOLE supine",
    "Fr. Kupferhagen wurde entlassen",
    "OA Vogel sah mit",
    "Sres. Ibarguren, adjunto el informe",
    "Dipl.-Psych. Sandbrink bat darum",
)
CUED = (
    ("en", "Electronically signed: Jane Doe"),
    ("en", "signed JT"),
    ("en", "discussed with the neurosurgery resident, Kowalski."),
    ("en", "Patient: Hill, Grace"),
    ("en", "J. Miller reviewed the images"),
    ("de", "gez. Müller"),
    ("de", "gez. KM"),
    ("de", "Rücksprache mit dem Hausarzt Koch"),
    ("de", "Befunder: Schmidt-Rottluff"),
    ("en", "Attending: Farmer"),
    ("en", "discussed with jane okonkwo"),
    ("en", "signed by WAGNER, B"),
    ("en", "Mason (radiologist) was told"),
    ("es", "Fdo. J. García"),
    ("es", "informado por Etxeberria"),
    # Names that are made of words, or end like words: behind a cue they are names all the same.
    ("de", "Die Tochter Sieglindis war dabei"),
    ("de", "Sohn Bierbrecher dolmetschte"),
    ("de", "Operateur: Rosenschleifer"),
    ("de", "i. V. Sternhagen"),
    ("de", "z. Hd. Wiesenkamp"),
    ("de", "Lieber Dornacher, anbei der Befund"),
    ("en", "Kind regards, Biddling"),
    ("en", "Interpreter: Harding"),
    ("es", "Atentamente, Salado"),
    ("en", "Best, Merriwether"),
    ("de", "Freundlichst, Anke Dornseif"),
    ("de", "Befund an Praxis Kieselbrecht"),
    ("es", "Informa: Otaegui"),
    ("es", "Responsable de la prueba: Iraizoz"),
    ("es", "Un abrazo, Gorka"),
    ("es", "P. O. Itziar Zugasti"),
    ("es", "Médico: Calvo"),
    ("es", "Querida Amparo, te mando las placas"),
)
NONE = (
    ("en", "Discussed with the ED team at 5 pm. Read by Radiology. Dr. was notified"),
    ("en", "Patient Name: ___. MR Angiography; a 16 Fr. Foley catheter; Wilson disease in sister"),
    ("en", "By Doppler; by Hodgkin criteria; according to Fleischner guidelines; Child-Pugh B. read by two readers"),
    ("de", "Besprochen mit der Chirurgie. Patientin in Rückenlage. Frau mit Mammakarzinom"),
    ("es", "Comentado con el servicio de Urgencias. Realizado por vía femoral."),
    ("en", "Dear colleague, OA changes. Kind regards, Radiology Department. Ibuprofen 400 p.o. Paracetamol."),
    ("de", "Sehr geehrte Kolleginnen, Mutter Brustkrebs, Vater Kolonkarzinom. Operiert. Randwinkelerguss links."),
    ("de", "Liebe Eltern. Untersucht. Weichteilschwellung dorsal. Drainage 14 Fr. Wandverdickung."),
    ("en", "Reviewed with the on-call consultant. Best seen on the lateral view."),
    ("de", "Ihre Zuweisung vom Hausarzt; in der Praxis kontrolliert"),
    ("es", "Paciente: Varón de 54 años. Atentamente, Servicio de Radiología. Fr. de Colles."),
)


@pytest.mark.parametrize("text", TITLED)
def test_a_title_or_a_degree_announces_a_name(text):
    assert has_titled_name(text)


@pytest.mark.parametrize(("language", "text"), CUED)
def test_a_cue_announces_a_name_or_initials(language, text):
    assert has_cued_name(text, language)


@pytest.mark.parametrize(("language", "text"), NONE)
def test_roles_and_redactions_behind_a_cue_are_nobody(language, text):
    assert not has_titled_name(text) and not has_cued_name(text, language)
