"""Clips, slides and photographs of a delivery whose labels.csv says what they show."""

import shutil

import pytest

from components.records.vocabulary import Modality

LABELS = "file,fact,value\n"


def test_a_clip_is_of_the_modality_that_its_label_names(raw, read, tmp_path):
    (clip,) = (raw / "ultrasound").glob("*.mp4")
    shutil.copy(clip, tmp_path / "p1-colon.mp4")
    (tmp_path / "labels.csv").write_text(
        LABELS + "*,modality,endoscopy\n*,burned_in,no\n*,anatomy,colon\n*,subject,p1\n"
    )
    records, unreadable = read(tmp_path, "clinic", "video")
    assert not unreadable and records
    assert {(r.modality, r.anatomy, r.subject) for r in records.values()} == {(Modality.ENDOSCOPY, "colon", "p1")}
    every, _ = read(tmp_path, "clinic", "video", frame_step=1)
    assert len(every) >= len(records) and set(records) <= set(every)


def test_slides_of_one_patient_keep_their_tiles_apart(raw, read, tmp_path):
    for name in ("a", "b"):
        shutil.copy(raw / "histology" / "histo.jpg", tmp_path / f"{name}.jpg")
    (tmp_path / "labels.csv").write_text(LABELS + "*,subject,p1\n*,stain,H&E\n*,anatomy,colon\n")
    records, unreadable = read(tmp_path, "clinic", "slides")
    assert not unreadable and len({record.provenance.file for record in records.values()}) == 2
    assert {(r.subject, r.facts["stain"], r.anatomy) for r in records.values()} == {("p1", "H&E", "colon")}
    assert {r.modality for r in records.values()} == {Modality.HISTOPATHOLOGY}


def test_photographs_are_whole_and_in_windows_or_whole_alone(raw, read, tmp_path):
    shutil.copy(raw / "fundus" / "HRF_07_dr.jpg", tmp_path / "x.jpg")
    (tmp_path / "labels.csv").write_text(LABELS + "*,modality,fundus photography\n*,anatomy,eye\n")
    records, _ = read(tmp_path, "clinic", "photographs")
    assert len(records) == 10 and {record.anatomy for record in records.values()} == {"eye"}
    whole, _ = read(tmp_path, "clinic", "photographs", windows=False)
    assert set(whole) == {"clinic/x.jpg-whole"} <= set(records)


@pytest.mark.parametrize("format_name", ["video", "photographs"])
def test_without_a_label_nothing_is_guessed(raw, read, tmp_path, format_name):
    shutil.copy(raw / "fundus" / "HRF_07_dr.jpg", tmp_path / "x.jpg")
    records, (item,) = read(tmp_path, "clinic", format_name)
    assert not records and item.reason == "unknown modality" and "labels.csv" in item.detail
    (tmp_path / "labels.csv").write_text(LABELS + "*,modality,endoskopy\n")
    records, (item,) = read(tmp_path, "clinic", format_name)
    assert not records and "'endoskopy'" in item.detail
