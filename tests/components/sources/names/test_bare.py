import pytest

from components.sources.names.bare import has_bare_name

NAMED = (
    ("en", "The film was compared for Kowalczyk."),
    ("en", "Findings were shown to Grace Young."),
    ("en", "Zhang returned for follow up."),
    ("en", "SMITH, JOHN: no fracture."),
    ("en", "kowalski, then john nguyen has pneumonia"),
    ("en", "No change for McAllister."),
    ("en", "Baker returned for review. Li Wei came too."),
    ("de", "Vogel kommt zur Kontrolle."),
    ("de", "Vergleich mit der Aufnahme von Fischer"),
    ("de", "Die Aufnahme von Jürgen Schmidtke zeigt einen Erguss."),
    ("de", "Kein Pneumothorax bei Oyelaran."),
    ("es", "Paloma Cruz presenta derrame."),
    ("es", "Nódulo estable en Quispe."),
    # What ends or begins as words of reports do, and compounds that end as names do.
    ("en", "Chesterly's wrist has healed."),
    ("en", "We saw Biddlington with her films."),
    ("es", "Se compara con la placa de Valduerna."),
    ("de", "Bierbrechers Hüfte ist gelockert."),
    ("de", "Glocksteiger ist fieberfrei."),
)
UNNAMED = (
    ("en", "Fontaine IIb. Weber B. Dandy-Walker. Bennett fracture. Swan-Ganz and Hickman lines. McDonald criteria."),
    ("en", "Xylotrast 20 mg and Iodovist 350; the Lumbarix score; a Fixomat stent; Syndesmophytes."),
    (
        "es",
        "Signo de Murphy, síndrome de Budd-Chiari y tumor de Klatskin; cálculos, costillas y vómitos. Escala Zubrod.",
    ),
    ("en", "The heart is normal in size. Mild hepatosplenomegaly. Cholelithiasis without cholecystitis."),
    ("en", "Foley catheter; Swan-Ganz catheter tip; Baker cyst; Hill-Sachs lesion; Smith fracture; Crohn's disease."),
    (
        "en",
        "CT Abdomen and Pelvis With Contrast on a Siemens scanner, Gadovist, 3 MHz; a 54-year-old African American.",
    ),
    (
        "de",
        "Kein Pleuraerguss. Zustand nach Cholezystektomie. Bandscheibenvorfall und Weichteilschwellung. Baker-Zyste.",
    ),
    ("de", "Verdacht auf Lungenrundherd. Die Femoroazetabulargelenke sind altersentsprechend. Morbus Crohn."),
    ("de", "Kein Nachweis eines Rezidivs. Tubusspitze oberhalb der Karina. Wabenmuster; Reiskörper; Malignität."),
    ("en", "Froment sign; Bielschowsky test; Hürthle cells; Tillaux fracture; Meyenburg complex; Subpleural sparing."),
    ("es", "Signo de Froment. Células de Hürthle. Anterolistesis grado I. Epiplón mayor. Paquimeninges engrosadas."),
    # An eponym behind how much was measured, or before a level; adjectives that begin a sentence; trials and their letters.
    ("es", "FEVI por Simpson 48 %. Haggitt nivel 2. Tendón de Aquiles engrosado. Nidos de Brunn en trígono."),
    ("en", "Ejection fraction 55 % by Simpson. Marsh grade 3 atrophy. Stenosis by NASCET."),
    (
        "de",
        "Azinäres Karzinom. Höckrige Oberfläche der Leber. Herd im Marklager. Laktat 2. Morton-Neurom. Zyste am Nierenpol.",
    ),
    ("es", "No se observan derrames pleurales. Hepatomegalia leve. Colelitiasis. Enfermedad de Crohn. Pinzamiento."),
)


@pytest.mark.parametrize(("language", "text"), NAMED)
def test_a_word_that_may_be_a_name_is_found_by_its_letters(language, text):
    assert has_bare_name(text, language)


@pytest.mark.parametrize(("language", "text"), UNNAMED)
def test_words_of_medicine_makers_and_eponyms_are_no_names(language, text):
    assert not has_bare_name(text, language)
