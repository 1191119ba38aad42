"""A private source's texts: dates moved, what may name somebody held, and texts of another program in their place."""

import json
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.images.deidentify import date_shift
from components.recipes.sources import SourceSettings
from components.recipes.validation import ValidationSettings
from components.sources.names.outside import COLUMNS, OutsideTexts, write_texts
from components.sources.names.private_records import OTHER_TEXT
from components.sources.table import opened, read_source, read_texts
from components.validation.judging import judge

LIMITS = ValidationSettings(min_side=1, max_pixels=10**6, stop_above=1.0)
ROWS = (
    {"patient_id": "7", "question": "What is new since 2019-05-12?", "answer": "A nodule, seen on 2019-05-14."},
    {"patient_id": "7", "question": "And then?", "answer": "It was gone on 2019-05-24."},
    {"patient_id": "8", "question": "Who read it?", "answer": "Priya Kowalczyk did."},
)


@pytest.fixture
def clinic(tmp_path):
    """clinic(rows, **settings) -> (folder, settings, .unimed) of a private source of texts."""

    def make(rows=ROWS, labels="", **settings):
        folder = tmp_path / "raw"
        folder.mkdir(exist_ok=True)
        (folder / "rows.jsonl").write_text("".join(f"{json.dumps({**row, 'modality': 'text'})}\n" for row in rows))
        if labels:
            (folder / "labels.csv").write_text(f"file,fact,value\n{labels}\n")
        (tmp_path / ".unimed").mkdir(exist_ok=True)
        options = {"private": True}
        return folder, SourceSettings(path="raw", format="jsonl", options=options, **settings), tmp_path / ".unimed"

    return make


def records(place, **more):
    folder, settings, private = place
    return list(read_source(folder, "clinic", settings, private=private, **more))


def test_all_dates_of_a_patient_move_by_the_same_days_as_in_headers(clinic):
    place = clinic()
    first, second, _ = records(place)
    delivery, _ = opened(place[0], "clinic", place[1], place[2])
    shift = date_shift("7", delivery.patient_secret)
    assert 1 <= shift.days <= 3650
    said = first.turns[0].prompt + first.turns[0].answer + second.turns[0].answer
    for day in (date(2019, 5, 12), date(2019, 5, 14), date(2019, 5, 24)):
        assert (day - shift).isoformat() in said and day.isoformat() not in said
    assert first.suspected == second.suspected == ()


def test_a_record_that_may_name_somebody_is_held_and_its_reason_repeats_nothing(clinic):
    judged = judge("clinic", records(clinic()), LIMITS, decisions={}, accepted={})
    (row,) = judged.quarantine
    assert row["reason"] == "identifier in text" and "word that may be a name" in row["detail"]
    assert "Kowalczyk" not in repr(row) and len(judged.rows) == 2


def test_a_fact_or_a_licence_that_names_somebody_is_held_and_no_reason_quotes_labels(clinic):
    for label in ("*,hospital,Szpital Kowalczyk", "*,licence,given by Priya Kowalczyk"):
        assert all("word that may be a name" in record.suspected for record in records(clinic(labels=label)))
    judged = judge("clinic", records(clinic(labels="*,anatomy,Kowalczyk")), LIMITS, decisions={}, accepted={})
    assert len(judged.quarantine) == 3 and "Kowalczyk" not in repr(judged.quarantine)
    assert {row["reason"] for row in judged.quarantine} == {"mislabelled"}


def test_a_statement_ends_guessing_and_nothing_else(clinic):
    rows = (*ROWS, {"patient_id": "9", "question": "Who?", "answer": "Signed by Kowalczyk, MRN 4711083"})
    stated = records(clinic(rows, deidentified=True))
    assert [record.suspected for record in stated[:3]] == [(), (), ()]
    assert set(stated[3].suspected) == {"number with a label", "number", "name with a cue"}
    assert "2019-05-14" not in stated[0].turns[0].answer


def test_the_order_of_a_date_can_be_stated(clinic):
    rows = ({"patient_id": "7", "question": "When?", "answer": "It was on 03/04/2023."},)
    assert records(clinic(rows))[0].suspected == ("date",)
    assert records(clinic(rows, date_order="month first"))[0].suspected == ()
    with pytest.raises(ValueError, match=r"sources.date_order is 'dmy'; use 'day first' or 'month first'"):
        clinic(rows, date_order="dmy")


def test_texts_of_another_program_stand_in_for_those_that_they_were_made_of(clinic, tmp_path):
    place = clinic()
    folder, settings, private = place
    file = tmp_path / "elsewhere" / "clinic.parquet"
    file.parent.mkdir()
    assert write_texts(read_texts(folder, "clinic", settings, private=private), file, tmp_path / "workspace") > 3
    assert file.stat().st_mode & 0o077 == 0
    rows = pq.read_table(file).to_pylist()
    assert all(set(row) == set(COLUMNS) and row["delivered"] not in row["text"] for row in rows)
    for row in rows:
        row["text"] = row["text"].replace("Priya Kowalczyk", "Doctor Anyname Someone")
    back = tmp_path / "deidentified" / "clinic"
    back.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), back / "made.parquet")
    *_, third = records(place, deidentified=tmp_path / "deidentified")
    assert third.turns[0].answer == "Doctor Anyname Someone did." and "word that may be a name" not in third.suspected


def test_a_text_made_of_another_delivered_one_is_held(clinic, tmp_path):
    place = clinic()
    (first, *_), back = records(place), tmp_path / "deidentified" / "clinic"
    back.mkdir(parents=True)
    row = {"id": first.id, "place": "answer 1", "delivered": "0" * 32, "text": "Nothing."}
    pq.write_table(pa.Table.from_pylist([row]), back / "made.parquet")
    held, other, _ = records(place, deidentified=tmp_path / "deidentified")
    assert held.suspected == (OTHER_TEXT,) and other.suspected == ()


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (
            [{"id": "a", "place": "answer 1", "delivered": "0", "txt": "x"}],
            r"unknown column 'txt'.*did you mean 'text'",
        ),
        ([{"id": "a", "place": "answer 1", "delivered": "0", "text": None}], "column text is of type null"),
        ([{"id": "a", "place": "answer 1", "delivered": "0", "text": "x"}] * 2, "answer 1 of a stands there twice"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_by_name(tmp_path, rows, problem):
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "made.parquet")
    with pytest.raises(ValueError, match=problem):
        OutsideTexts.read(tmp_path)


def test_delivered_texts_go_to_no_place_inside_the_workspace_and_no_public_source_has_them(clinic, tmp_path):
    with pytest.raises(ValueError, match="lies in the workspace"):
        write_texts([], tmp_path / "texts.parquet", tmp_path)
    folder, settings, private = clinic()
    public = SourceSettings(path=settings.path, format="jsonl")
    with pytest.raises(ValueError, match="source clinic is public"):
        list(read_texts(folder, "clinic", public, private=private))


def test_a_public_source_says_what_it_was_delivered_with(clinic):
    folder, settings, private = clinic()
    public = SourceSettings(path=settings.path, format="jsonl")
    told = list(read_source(folder, "clinic", public, private=private))
    assert [(record.turns[0].prompt, record.turns[0].answer) for record in told] == [
        (row["question"], row["answer"]) for row in ROWS
    ]
    assert all(not record.suspected and not record.is_private for record in told)
