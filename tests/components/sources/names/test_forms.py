import pytest

from components.sources.names.forms import form_kinds, without_redactions


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, "number with a label") for text in ("MRN 4711", "Fall-Nr. 4711", "NHC: 55213", "case number 48213")),
        *((text, "number") for text in ("48839201", "A1234567", "12345678Z", "2019-00123", "1.2.840.113619.2.55")),
        *((text, "number") for text in ("47 11 083", "AB 4711 0831", "QQ 123 456 C", "A12B34C56", "756.1234.5678.97")),
        *((text, "address") for text in ("Ward 7B, Bed 12", "Station 3, Zimmer 4", "planta 4, habitación 12")),
        *(
            (text, "address")
            for text in ("planta 2.ª, habitación 12", "Marienkrankenhaus Ahlsdorf", "Klinikum am Sternberg")
        ),
        *(
            (text, "address")
            for text in ("Thornwick General Hospital", "Hospital de la Santa Espina", "Ashby Nursing Home")
        ),
        *(
            (text, "number with a label")
            for text in ("SN 7741-02K-93", "lot 22B91", "n.º de serie 4411-X", "Histo-Nr. E 4411/22", "donor 4410-22")
        ),
        *((text, "address") for text in ("Zimmer 412", "hab. 412", "bed 12")),
        *((text, "telephone number") for text in ("bleep 4417", "Funk 4417", "Durchwahl -4417")),
        *(
            (text, "number")
            for text in ("20/3391", "2231/19", "US20-114", "A-2231/19", "PX-0099-A", "20B2231", "19:SP2231")
        ),
        *(
            (text, "number with a label")
            for text in (
                "film 2231/20",
                "Vorgang 2231-20",
                "Nr. 20-441",
                "muestra n.º B-2231",
                "biopsia 19/233",
                "SSN ending 6789",
            )
        ),
        ("Kennzeichen S-AB 1234", "number with a label"),
        ("7741-02K-93", "number"),
        ("Hosp no 4471 9902", "number with a label"),
        ("skype: jdoe", "web address"),
        *((text, "telephone number") for text in ("(555) 123-4567", "ext. 4521", "Tel. 030 471108", "912 345 678")),
        *((text, "address") for text in ("12 Oak Street", "Hauptstraße 12", "Calle Mayor 12", "C/ Mayor, 3")),
        ("jane (at) clinic.org", "e-mail address"),
        ("www.x-klinik.de", "web address"),
        ("smith_john.dcm", "file name"),
        ("geb. 1950", "date of birth"),
        ("born in 1950", "date of birth"),
    ],
)
def test_what_names_a_person_by_its_form_is_found(text, kind):
    assert kind in form_kinds(f"See {text}, please.")


@pytest.mark.parametrize(
    "text",
    [
        "patient no. 3 (Patient No. 12), case 12, exam 12, room 3",
        "120-80 mmHg, 1000-1500 HU, 150,000 platelets, 25000 cells/µl, 0.12345",
        "T2-weighted 3D at 1.5T, TE 80 TR 4000, 500/20 ms, ICD J18.9, C3-C4-C5",
        "a lot of fluid, order of magnitude, ref. range 3-5, slide 12, charge of heparin, T10-T11-L1, 10-12-14 mm, b 0/500/1000",
        "TR 4000/80, TR/TE 500/20 ms, BP 120/80, visus 20/200, adrenaline 1/1000, film 12, probe 3, block 4, grade II/IV",
        "Vascular Surgery, Name: withheld, Nombre: no consta",
        "University Hospital, the Outside Hospital, Hospital de Día, Hospital General, MVZ und Klinikum, Day Surgery",
        "ID: ___, name: XXXX, Patient ID: [redacted], MRN: [**Known 12345**]",
    ],
)
def test_counts_measures_and_redactions_are_none(text):
    assert form_kinds(without_redactions(text)) == []
