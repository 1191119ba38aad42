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
    "Ehepaar Sandbrink wünscht Beratung",
    "Mx Hill declined contrast.",
    "Sr. Iribarne refiere dolor.",
    "Dr.in Vogel zog 36.",
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
    # A surname in small letters behind an initial, or in capitals behind a cue in small letters.
    ("en", "final diagnosis rendered by h. sandoveri"),
    ("es", "diagnóstico emitido por h. sandoveri"),
    ("de", "Rücksprache mit KESSEL"),
    # An ordinary word of the language, and behind a signature one of medicine.
    ("en", "Signed by Hand"),
    ("en", "Please call Buzz with questions"),
    ("de", "gez. Lang"),
    ("de", "Besprochen mit Sommer"),
    ("de", "Termin bei Kessel, T."),
    ("de", "Mit freundlichen Grüßen Winter"),
    ("es", "Un saludo, Blanco"),
    # How somebody is called.
    ("en", "She likes to be called Buzz"),
    ("de", "Er möchte Kessel genannt werden"),
    ("es", "Prefiere que le llamen Chispa"),
    # Who is told, behind whom no cue stands.
    ("en", "Buzz was informed by phone"),
    ("de", "Kessel telefonisch verständigt"),
    ("es", "Calvo está al tanto"),
    # What else people do with a report, and who else is there.
    ("en", "Double read with Buzz"),
    ("en", "Midwife Buzz attended"),
    ("en", "Message left for Buzz"),
    ("de", "Auf Anregung von Kessel"),
    ("de", "Zweitmeinung von Kessel"),
    ("de", "Nachbarin Kessel fand sie"),
    ("es", "Lectura preliminar: Calvo"),
    ("es", "A instancias de Calvo"),
    ("es", "Matrona Calvo"),
    # Behind a preposition, a word that ends as words of reports do, or is made of words.
    ("de", "Bilder persönlich überbracht durch Liebreich."),
    ("de", "Lt. Weinschott bekannt."),
    ("es", "Según Holgado, sin cambios."),
    ("es", "Biopsia realizada por Amoroso."),
    ("en", "Will discuss with Carpenter tomorrow."),
    # Between a preposition and what is done, and where only somebody's name stands.
    ("de", "Telefonisch mit Okwuosa besprochen."),
    ("de", "Befund an Beckstein durchgegeben."),
    ("de", "Bitte Vogel anrufen."),
    ("de", "Beckstein mitgeteilt, dass keine Fraktur vorliegt."),
    ("es", "Respondió al busca Holgado, que bajará."),
    ("es", "Como indicó Holgado por teléfono."),
    ("es", "Se comunica el resultado a Amoroso."),
    # An initial and a surname where a clause ends, a dash, a typist's letters.
    ("de", "Eintrag geschlossen, F. Weinschott"),
    ("es", "Procedimiento realizado por R. Holgado."),
    ("en", "Fluoroscopy by J. Whitcombe."),
    ("en", "No acute finding. - Hill"),
    ("de", "A. Beckstein / sk"),
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
    (
        "en",
        "Discussed with Vascular Surgery. Patient informed. Ward made aware. Approved by Ethics Committee. CALLED TO FLOOR.",
    ),
    (
        "en",
        "Baby of 34 weeks. Signed consent is on file. Protocol: Liver triphasic. Hi resolution CT. Arranged with Theatre.",
    ),
    (
        "de",
        "Informiert über Risiken. Behandelt mit Antibiotika. Mitteilung an die Stationsschwester. Zwilling A in Schädellage.",
    ),
    (
        "de",
        "Buscopan 20 mg i.v. zur Darmruhigstellung. Hochachtungsvoll, Ihr Team der Bildgebung. Nachfrage bei Apotheke.",
    ),
    (
        "de",
        "Angehörige benachrichtigt. Operiert wegen Leistenhernie. Einwilligung bei Betreuungsgericht beantragt. Unterschrift: liegt vor",
    ),
    (
        "es",
        "Revisado por dos patólogos. Traído por SAMUR. Preguntar a Farmacia. Familia informada. En tratamiento con Sintrom.",
    ),
    ("en", "Replaced by TRANSPLANT. Results obtained with RapidArc. Correlate with clinical history."),
    ("de", "Laut Patient. Lt. Vorbefund. Mit Angehörigen besprochen. An Station übergeben. Bei Konferenz vorgestellt."),
    ("de", "Vestibularisschwannom mit Porusaufweitung. Vitamin D. Kontrolle. Hepatitis B. Gallenstein."),
    ("es", "Según protocolo. Hepatitis B. Control con Doppler. Avisar a Cirugía. Informe de Radiología."),
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
