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


def test_a_slide_s_own_width_of_a_pixel_is_a_fact_unless_a_label_says_another_and_the_corpus_stays_as_it_was(
    raw, read, tmp_path
):
    (slide,) = (raw / "histology").glob("*.svs")
    shutil.copy(slide, tmp_path / "a.svs")
    shutil.copy(raw / "histology" / "histo.jpg", tmp_path / "b.jpg")
    records, unreadable = read(tmp_path, "lab", "slides")
    told = {(r.provenance.file, r.facts.get("microns_per_pixel")) for r in records.values()}
    assert not unreadable and told == {("a.svs", "0.50"), ("b.jpg", None)}
    assert {r.origins.get("microns_per_pixel") for r in records.values() if r.provenance.file == "a.svs"} == {"header"}
    (tmp_path / "labels.csv").write_text(LABELS + "*,microns_per_pixel,0.25\n")
    records, _ = read(tmp_path, "lab", "slides")
    assert {r.facts["microns_per_pixel"] for r in records.values()} == {"0.25"}
    ours, _ = read(raw / "histology", "histology", "histology")
    assert not any("microns_per_pixel" in record.facts for record in ours.values())


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
