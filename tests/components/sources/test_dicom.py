"""A folder of DICOM files as a hospital exports it."""

import shutil

import numpy as np
import pytest
from pydicom.uid import generate_uid

from components.recipes.sources import SourceSettings
from components.records.record import LeftOut, Record
from components.records.vocabulary import Modality
from components.sources.table import read_source
from tests.fixtures.dicom_files import dicom_dataset, dicom_file

Y, X = np.mgrid[:64, :64]
VALUES = (Y * 13 + X * 7).astype(np.uint16)


def noise(seed):
    return np.random.default_rng(seed).integers(0, 1000, (64, 64)).astype(np.uint16)


def test_slices_without_a_patient_are_their_studys(tmp_path, read):
    for study in ("1.2.3", "1.2.4"):
        for n in range(3):
            tags = {"PatientID": "", "StudyInstanceUID": study, "SeriesInstanceUID": generate_uid()}
            dicom_file(tmp_path / study / str(n), noise(n), **tags)
    records, _ = read(tmp_path, "clinic", "dicom", public=True)
    subjects = {
        study: {r.subject for r in records.values() if study in r.provenance.file} for study in ("1.2.3", "1.2.4")
    }
    assert all(len(found) == 1 for found in subjects.values())
    assert subjects["1.2.3"] != subjects["1.2.4"]


def test_without_patient_and_study_the_frame_of_reference_tells(tmp_path, read):
    for n in range(3):
        tags = {"PatientID": "", "FrameOfReferenceUID": "1.2.9", "SeriesInstanceUID": generate_uid()}
        dicom_file(tmp_path / str(n), noise(n), **tags)
    records, _ = read(tmp_path, "clinic", "dicom", public=True)
    assert len({record.subject for record in records.values()}) == 1


def test_what_a_header_says_of_its_patient_leaves_as_hashes(tmp_path, read):
    tags = {"PatientName": "Doe^Jane", "PatientBirthDate": "19700102", "PatientSex": "F"}
    dicom_file(tmp_path / "a", noise(0), **tags)
    dicom_file(tmp_path / "b", noise(1), **{**tags, "PatientName": "DOE^JANE^"})
    dicom_file(tmp_path / "c", noise(2), **{**tags, "PatientBirthDate": "19810304", "PatientSex": ""})
    records, _ = read(tmp_path, "clinic", "dicom")
    one, two, three = sorted((r.person for r in records.values()), key=lambda person: person[2] == "")
    assert one == two and one[0] == three[0] and one[1] != three[1] and three[2] == ""
    assert not {"doe", "jane", "1970"} & set("".join((*one, *three)).split())


def test_documents_and_viewer_files_are_left_out_and_not_counted_as_broken(tmp_path, read):
    dicom_file(tmp_path / "a", noise(0))
    report = dicom_dataset(noise(1), SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")
    del report.PixelData, report.Rows, report.Columns
    report.save_as(tmp_path / "report", enforce_file_format=True)
    dicom_file(tmp_path / "scout", noise(2), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (tmp_path / "AUTORUN.INF").write_text("[autorun]")
    (tmp_path / "viewer.exe").write_bytes(b"MZ")
    (tmp_path / "letter.docx").write_bytes(b"PK")
    (tmp_path / "LOCKFILE").touch()
    (tmp_path / "version.txt").write_text("2.1")
    (tmp_path / "notes.csv").write_text("a,b")
    records, others = read(tmp_path, "clinic", "dicom", public=True)
    assert len(records) == 1
    left_out = {item.file: item.reason for item in others if isinstance(item, LeftOut)}
    assert left_out == {
        "report": "no picture",
        "scout": "localizer",
        "AUTORUN.INF": "viewer file",
        "viewer.exe": "viewer file",
        "letter.docx": "viewer file",
        "LOCKFILE": "viewer file",
        "version.txt": "viewer file",
    }
    assert [item.file for item in others if not isinstance(item, LeftOut)] == ["notes.csv"]


@pytest.mark.parametrize(
    ("word", "modality", "projection", "anatomy"),
    [
        ("MG", Modality.XRAY, "mammography", "breast"),
        ("XA", Modality.XRAY, "angiography", "unknown"),
        ("RF", Modality.XRAY, "fluoroscopy", "unknown"),
        ("IO", Modality.XRAY, "dental radiography", "unknown"),
        ("DX", Modality.XRAY, None, "unknown"),
        ("DMS", Modality.DERMOSCOPY, None, "skin"),
        ("IVOCT", Modality.OCT, None, "unknown"),
        ("OP", Modality.FUNDUS, None, "eye"),
    ],
)
def test_every_modality_has_its_word(tmp_path, read, word, modality, projection, anatomy):
    dicom_file(tmp_path / "a", noise(0), Modality=word, BurnedInAnnotation="NO")
    records, others = read(tmp_path, "clinic", "dicom", public=True)
    assert not others
    (record,) = records.values()
    assert (record.modality, record.facts.get("projection"), record.anatomy) == (modality, projection, anatomy)


def test_the_side_of_a_paired_region_is_a_fact(tmp_path, read):
    dicom_file(tmp_path / "knee", noise(0), Modality="DX", BodyPartExamined="KNEE", ImageLaterality="L")
    dicom_file(tmp_path / "chest", noise(1), Modality="DX", BodyPartExamined="CHEST", Laterality="L")
    records, _ = read(tmp_path, "clinic", "dicom", public=True)
    assert {r.provenance.file: r.facts.get("laterality") for r in records.values()} == {"knee": "left", "chest": None}


def test_the_window_of_a_ct_is_a_fact_and_several_are_a_record_each(tmp_path, read):
    tags = {"Modality": "CT", "WindowCenter": 35, "WindowWidth": 80}
    dicom_file(tmp_path / "a", VALUES, **tags)
    records, _ = read(tmp_path, "clinic", "dicom", public=True)
    (plain,) = records.values()
    assert plain.facts["window"] == "brain"
    (tmp_path / "labels.csv").write_text("file,fact,value\n*,window,lung;bone\n")
    records, _ = read(tmp_path, "clinic", "dicom", public=True)
    assert {name.removeprefix(plain.id): r.facts["window"] for name, r in records.items()} == {
        "-lung": "lung",
        "-bone": "bone",
    }
    assert len({record.image.sha256 for record in records.values()}) == 2


def test_a_window_that_nobody_knows_is_named(tmp_path, read):
    dicom_file(tmp_path / "a", VALUES, Modality="CT")
    (tmp_path / "labels.csv").write_text("file,fact,value\n*,window,liver\n")
    records, (problem,) = read(tmp_path, "clinic", "dicom", public=True)
    assert not records
    assert problem.reason == "bad labels" and "soft tissue, lung" in problem.detail


def test_only_clips_are_stepped_through(tmp_path, read):
    frames = np.stack([noise(n) for n in range(10)])
    dicom_file(tmp_path / "mr", frames, Modality="MR")
    dicom_file(tmp_path / "us", frames, Modality="US", BurnedInAnnotation="NO", FrameTime=40)
    records, _ = read(tmp_path, "clinic", "dicom", public=True)
    files = [record.provenance.file for record in records.values()]
    assert (files.count("mr"), files.count("us")) == (10, 2)


def test_tiles_of_glass_are_left_out_of_a_slide(tmp_path, read):
    tiles = np.full((3, 64, 64, 3), 250, np.uint8)
    tiles[1] = np.random.default_rng(0).integers(60, 200, (64, 64, 3), np.uint8)
    ds = dicom_dataset(tiles[0], Modality="SM", BurnedInAnnotation="NO", NumberOfFrames=3)
    ds.PixelData = tiles.tobytes()
    ds.save_as(tmp_path / "slide", enforce_file_format=True)
    records, _ = read(tmp_path, "clinic", "dicom", public=True)
    assert [record.provenance.locator for record in records.values()] == ["frame 1"]


def reports(folder, *rows):
    (folder / "reports.csv").write_text("\n".join(["StudyInstanceUID,AccessionNumber,report", *rows]) + "\n")


def test_a_report_is_told_of_the_films_of_its_study(tmp_path, read):
    for study, name in (("1.1", "a"), ("1.1", "b"), ("1.2", "c"), ("1.3", "d")):
        tags = {"StudyInstanceUID": study, "AccessionNumber": f"ACC{study}", "Modality": "DX"}
        dicom_file(tmp_path / name, noise(ord(name)), **tags)
    dicom_file(tmp_path / "slice", noise(0), StudyInstanceUID="1.4", Modality="CT")
    reports(
        tmp_path,
        '1.1,,"FINDINGS: Clear lungs.\nIMPRESSION: Normal."',
        ",ACC1.2,IMPRESSION: Small left effusion.",
        "1.4,,IMPRESSION: A long one.",
        "1.9,,IMPRESSION: Of nobody.",
        ",,IMPRESSION: Of nothing.",
        "1.1,,IMPRESSION: Twice.",
    )
    records, others = read(tmp_path, "clinic", "dicom", public=True)
    told = {record.provenance.file: [turn.answer for turn in record.turns] for record in records.values()}
    assert told["a"] == told["b"] == ["Findings: Clear lungs.\nImpression: Normal."]
    assert told["c"] == ["Impression: Small left effusion."]
    assert told["d"] == told["slice"] == []
    assert sorted((item.reason, isinstance(item, LeftOut)) for item in others) == [
        ("duplicate report", False),
        ("missing field", False),
        ("report of slices", True),
        ("stray report", False),
    ]


def test_reports_of_a_private_source_are_read_and_what_may_name_somebody_is_said_of_their_records(tmp_path, read):
    dicom_file(tmp_path / "a", noise(0), StudyInstanceUID="1.1", Modality="DX")
    dicom_file(tmp_path / "b", noise(1), StudyInstanceUID="1.2", Modality="DX")
    reports(tmp_path, "1.1,,IMPRESSION: Normal.", "1.2,,IMPRESSION: Normal. Signed by Priya Kowalczyk")
    records, others = read(tmp_path, "clinic", "dicom")
    assert not others and sorted((r.turns[0].answer[:19], r.suspected) for r in records.values()) == [
        ("Impression: Normal.", ()),
        ("Impression: Normal.", ("name with a cue", "word that may be a name")),
    ]
    assert not any("1.1" in text for record in records.values() for text in (record.id, record.subject))
    stated, _ = read(tmp_path, "clinic", "dicom", reports="deidentified")
    assert sorted(record.suspected for record in stated.values()) == [(), ("name with a cue",)]


def test_an_export_that_was_copied_into_a_second_folder_is_read_once(tmp_path, read):
    for n in range(6):
        dicom_file(tmp_path / "a" / str(n), noise(n))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    records, others = read(tmp_path, "clinic", "dicom", public=True)
    assert {record.provenance.file for record in records.values()} == {f"a/{n}" for n in range(6)}
    assert [(item.file, item.reason, isinstance(item, LeftOut)) for item in others] == [
        (f"b/{n}", "same file", True) for n in range(6)
    ]


def test_an_instance_with_other_bytes_or_on_another_side_is_no_copy(tmp_path):
    dicom_file(tmp_path / "a" / "1", noise(1), SOPInstanceUID="1.7.1")
    dicom_file(tmp_path / "b" / "1", noise(2), SOPInstanceUID="1.7.1")
    dicom_file(tmp_path / "train" / "2", noise(3), SOPInstanceUID="1.7.2")
    shutil.copytree(tmp_path / "train", tmp_path / "test")
    settings = SourceSettings(path="data/raw/clinic", format="dicom", options={"public": True})
    items = list(read_source(tmp_path, "clinic", settings))
    assert [isinstance(item, Record) for item in items] == [True] * 4
    assert len({item.id for item in items}) == 2, "validation refuses both of each as duplicate ids"


@pytest.mark.parametrize(
    ("said", "answer", "language"),
    [
        (
            "Beurteilung: Kein Erguss.\n\nBefund: Herz normal groß.",
            "Befund: Herz normal groß.\nBeurteilung: Kein Erguss.",
            "de",
        ),
        (
            "KLINISCHE ANGABEN: Sturz. BEURTEILUNG: Kein Erguss. BEFUND: Herz frei.",
            "Befund: Herz frei.\nBeurteilung: Kein Erguss.",
            "de",
        ),
        (
            "Befunde: Herz frei.\nZusammenfassung: Kein Erguss.\nEmpfehlung: CT.",
            "Befund: Herz frei.\nBeurteilung: Kein Erguss.",
            "de",
        ),
        (
            "Conclusión: Sin derrame. Hallazgos: Corazón normal.",
            "Hallazgos: Corazón normal.\nConclusión: Sin derrame.",
            "es",
        ),
        (
            "IMPRESION DIAGNOSTICA: Sin derrame.\nINFORME: Corazón normal.\nTécnica: PA.",
            "Hallazgos: Corazón normal.\nConclusión: Sin derrame.",
            "es",
        ),
        (
            "Conclusion : Pas de foyer.\nRésultats : Coeur normal.",
            "Résultats: Coeur normal.\nConclusion: Pas de foyer.",
            "fr",
        ),
        (
            "Conclusioni: Nessun versamento. Reperti: Cuore nei limiti.",
            "Reperti: Cuore nei limiti.\nConclusioni: Nessun versamento.",
            "it",
        ),
        (
            "Conclusie: Geen vocht. Bevindingen: Hart normaal.",
            "Bevindingen: Hart normaal.\nConclusie: Geen vocht.",
            "nl",
        ),
        (
            "INDICATION: Fall. IMPRESSION: No effusion. FINDINGS: Heart normal.",
            "Findings: Heart normal.\nImpression: No effusion.",
            "en",
        ),
        (
            "Popis: Srdce normal.\nImpression: No effusion.",
            "Findings: Popis: Srdce normal.\nImpression: No effusion.",
            "en",
        ),
    ],
)
def test_no_section_of_a_report_is_lost_in_whatever_language_and_order_it_stands(
    tmp_path, read, said, answer, language
):
    dicom_file(tmp_path / "a", noise(0), StudyInstanceUID="1.1", Modality="DX")
    reports(tmp_path, f'1.1,,"{said}"')
    records, others = read(tmp_path, "clinic", "dicom", public=True)
    (record,) = records.values()
    assert not others and [turn.answer for turn in record.turns] == [answer]
    assert record.language == language
