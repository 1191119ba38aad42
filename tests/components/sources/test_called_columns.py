"""Columns of rows are known however they are spelled; what tells whose a row is, on which side and in which language is read."""

import json

import pytest

from components.records.vocabulary import Split

ASKED = {"image": "a.png", "question": "Is it CT?", "answer": "no"}


@pytest.fixture
def one(read, draw, tmp_path):
    """one(row) is its record, or what stands for it."""

    def run(row):
        draw(tmp_path / "a.png")
        draw(tmp_path / "b.png", 1)
        (tmp_path / "t.jsonl").write_text(json.dumps(row))
        records, unreadable = read(tmp_path, "rows", "jsonl")
        return next(iter([*records.values(), *unreadable]))

    return run


@pytest.mark.parametrize(
    "column", ["patient_id", "PatientID", "Patient ID", "patientId", "subjectID", "MRN", "study_id"]
)
def test_a_patient_is_known_however_the_column_is_spelled(one, column):
    assert one({**ASKED, column: 12.0}).subject == "12"


def test_a_patient_goes_before_a_study(one):
    assert one({**ASKED, "study_id": "s1", "Patient": "p1"}).subject == "p1"


@pytest.mark.parametrize("column", ["split", "Split", "subset", "dataset_split", "Partition"])
def test_the_side_that_a_row_names_is_its_side(one, column):
    assert one({**ASKED, column: "test"}).delivered_split is Split.TEST
    assert one({**ASKED, column: "arterial"}).delivered_split is None


@pytest.mark.parametrize(
    ("row", "language"),
    [
        ({**ASKED, "language": "de"}, "de"),
        ({**ASKED, "Lang": "zh-CN"}, "zh"),
        ({**ASKED, "language": "German"}, "en"),
        ({"image": "a.png", "caption": "Das Bild zeigt eine Aufnahme der Lunge mit einem Erguss."}, "de"),
        ({"image": "a.png", "caption": "A CT of the chest."}, "en"),
        ({"image": "a.png", "caption": "胸部CT"}, "zh"),
    ],
)
def test_a_caption_is_in_the_language_that_it_is_written_in(one, row, language):
    assert one(row).language == language


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"labels": ["drusen"]}, "name it label"),
        ({"qa_pairs": [{"q": "a?"}]}, "name it caption"),
        ({"rounds": [{"q": "a?"}]}, "each of its objects as a row"),
        ({"Text": "A retina."}, "name it caption"),
        ({"caption_en": "A retina."}, "name it caption"),
        ({"caption": "A retina.", "mask": "b.png"}, "'mask' holds or names a mask"),
        ({"question": "What?", "answer": "an eye", "Seg Map": "b.png"}, "'Seg Map' holds or names a mask"),
        ({"question": "What?", "answer": "eye", "options": "eye|ear"}, "option_A, option_B"),
    ],
)
def test_what_would_be_lost_is_refused_by_name(one, more, says):
    assert says in one({"image": "a.png", **more}).detail


@pytest.mark.parametrize(
    "more", [{"report_id": "7"}, {"text_source": "wiki"}, {"hospital": "A"}, {"label": "eye"}, {"Labels": []}]
)
def test_what_says_nothing_of_the_image_is_no_loss(one, more):
    assert one({"image": "a.png", **more}).images


def test_the_captions_of_a_coco_file_are_in_their_own_language(read, draw, tmp_path):
    draw(tmp_path / "a.png")
    whole = {
        "images": [{"id": 1, "file_name": "a.png", "PatientID": "p"}],
        "annotations": [
            {"image_id": 1, "caption": "La radiographie de la poitrine montre une opacité dans le poumon."}
        ],
    }
    (tmp_path / "l.json").write_text(json.dumps(whole))
    (record,) = read(tmp_path, "boxes", "coco")[0].values()
    assert (record.language, record.subject) == ("fr", "p")
