"""What changes the meaning of a row is read or refused by the name of its column, in every format of rows."""

import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.images.limits import ImageError
from components.records.vocabulary import TurnKind
from components.sources.reading.columns import ReadRow, check_columns, names_picture

ASKED = {"question": "Is there an effusion?", "answer": "Yes."}


@pytest.fixture
def one(read, draw, tmp_path):
    """one(row, …) -> the record or the reason of each row of JSON lines beside a.png and b.png."""
    for number, name in enumerate(("a.png", "b.png")):
        draw(tmp_path / name, number)

    def run(*rows: object):
        (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
        records, unreadable = read(tmp_path, "chat", "jsonl")
        found = {int(record.id[-7:]): record for record in records.values()}
        found |= {int(item.id[-7:]): item for item in unreadable}
        return [found[number] for number in range(len(rows))]

    return run


@pytest.mark.parametrize(
    "name", ["image", "image_path", "img", "Image", "imagePath", "image_file", "file_name", "image_url"]
)
def test_a_picture_under_any_name_is_shown(one, name):
    (record,) = one({name: "a.png", **ASKED})
    assert len(record.images) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"image_id": "17"}, "'image_id' names a picture"),
        ({"scan": "a.png"}, "'scan' holds or names a picture"),
        ({"image": "a.png", "prior_image": "b.png"}, "'prior_image' names a further picture"),
        ({"image": "a.png", "image_2": "b.png"}, "'image_2' names a further picture"),
        ({"image": "a.png", "images": ["a.png", "b.png"]}, "names a picture"),
        ({"A": "liver", "B": "spleen"}, "'A' holds choices"),
        ({"distractors": ["liver"]}, "'distractors' holds choices"),
        ({"chat_history": [["Q?", "A."]]}, "'chat_history' holds an earlier conversation"),
        ({"sys_prompt": "You are a doctor."}, "'sys_prompt' holds a system text"),
        ({"weight": 0}, "'weight' is 0"),
        ({"loss_weight": 0.5}, "'loss_weight' is 0.5"),
        ({"loss": False}, "'loss' is False"),
    ],
)
def test_a_column_that_nobody_reads_is_named(one, more, words):
    (item,) = one({**ASKED, **more})
    assert item.reason == "unread column" and words in item.detail


def test_what_changes_nothing_does_not_disturb(one):
    same = {"image": "a.png", "image_url": "https://example.org/a.png", "image_id": 3, "weight": 70, "age": 61, **ASKED}
    rows = one(
        same, {**ASKED, "image": "a.png", "choices": [], "history": None, "weight": 1, "clinical_history": "Cough."}
    )
    assert all(record.turns[0].answer == "Yes." for record in rows)


def test_history_system_instruction_and_input_are_part_of_what_is_asked(one):
    alpaca, about, talk, system = one(
        {"instruction": "Answer the patient.", "input": "Dry cough for weeks.", "output": "Post-viral cough."},
        {
            "instruction": "Answer about the image.",
            "input": "<image>Is it broken?",
            "output": "Yes.",
            "images": ["a.png"],
        },
        {
            "query": "And on the left?",
            "response": "No.",
            "history": [["An effusion?", "Yes."]],
            "system": "You are kind.",
        },
        {
            "system": "You are kind.",
            "messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}],
        },
    )
    assert alpaca.turns[0].prompt == "Answer the patient.\nDry cough for weeks."
    assert about.turns[0].prompt == "Answer about the image.\nIs it broken?" and len(about.images) == 1
    assert [(turn.prompt, turn.answer) for turn in talk.turns] == [
        ("You are kind.\nAn effusion?", "Yes."),
        ("And on the left?", "No."),
    ]
    assert system.turns[0].prompt == "You are kind.\nQ?"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"choices": ["liver", "spleen"], "answer": "spleen"}, "spleen"),
        ({"options": {"A": "liver", "B": "None"}, "answer": "B"}, "None"),
        ({"options": ["A. liver", "B. spleen"], "answer": "(B)"}, "spleen"),
        ({"option_a": "2", "option_b": "3", "answer": 3}, "3"),
        ({"choices": ["liver", "spleen"], "answer": 1}, "counts from 0 or from 1"),
        ({"choices": ["liver", "spleen"], "answer": "kidney"}, "none of the 2 choices"),
    ],
)
def test_choices_are_read_and_the_right_one_is_never_guessed(one, more, found):
    (item,) = one({"question": "Which?", "image": "a.png", **more})
    if hasattr(item, "turns"):
        assert (item.turns[0].answer, item.turns[0].kind) == (found, TurnKind.CHOICE)
        assert len(item.turns[0].options) == 2
    else:
        assert item.reason == "bad options" and found in item.detail


@pytest.mark.parametrize("empty", [None, "", "None", "nan", [None], ["a.png", ""]])
def test_an_empty_place_of_an_image_is_a_missing_image(one, empty):
    (item,) = one({"image": empty, **ASKED})
    assert item.reason == "missing image" and "empty list" in item.detail


def test_an_empty_list_of_images_says_that_there_is_none(one):
    (record,) = one({"images": [], **ASKED})
    assert not record.images


def test_parquet_with_a_null_an_other_name_and_floats_for_whole_numbers(read, draw, tmp_path):
    image = {"bytes": draw(tmp_path / "a.png").read_bytes(), "path": None}
    asked = {"question": ["How many?"] * 4, "patient_id": [12.0, None, 13.0, 12.0]}
    table = pa.table({"img": [image, image, image, None], "answer": [1.0, float("nan"), None, 2.0], **asked})
    pq.write_table(table, tmp_path / "t.parquet")
    records, unreadable = read(tmp_path, "hub", "parquet")
    (record,) = records.values()
    assert (record.turns[0].answer, record.subject, len(record.images)) == ("1", "12", 1)
    assert sorted(item.reason for item in unreadable) == ["empty answer", "empty answer", "missing image"]


@pytest.mark.parametrize("answer", ["nan", "NaN", "null", "<NA>", "", " ", None])
def test_what_programs_write_for_nothing_is_no_answer(one, answer):
    flat, said = one(
        {**ASKED, "answer": answer},
        {"messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": answer}]},
    )
    assert (flat.reason, said.reason) == ("empty answer", "empty answer")


def test_none_answers_a_question_in_json_and_is_doubtful_in_a_table(one, read, draw, tmp_path):
    flat, said, lower, caption, unasked = one(
        {**ASKED, "answer": "None"},
        {"messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "None"}]},
        {**ASKED, "answer": "none"},
        {"image": "a.png", "caption": "None"},
        {**ASKED, "question": "None", "answer": "Yes."},
    )
    assert [item.turns[0].answer for item in (flat, said, lower)] == ["None", "None", "none"]
    assert (caption.reason, unasked.reason) == ("empty answer", "empty question")
    folder = tmp_path / "table"
    folder.mkdir()
    image = {"bytes": draw(tmp_path / "b.png").read_bytes(), "path": None}
    asked = {"image": [image] * 4, "question": ["Which finding?"] * 4}
    pq.write_table(pa.table({**asked, "answer": ["None", "none", "nan", None]}), folder / "t.parquet")
    records, unreadable = read(folder, "hub", "parquet")
    assert [record.turns[0].answer for record in records.values()] == ["none"]
    assert sorted(item.reason for item in unreadable) == ["doubtful answer", "empty answer", "empty answer"]
    assert "write none where it is meant" in next(item.detail for item in unreadable if item.reason[0] == "d")


def test_a_caption_of_a_public_set_that_says_nan_is_refused_too(read, draw, tmp_path):
    draw(tmp_path / "images" / "v_image_1.png")
    (tmp_path / "quilt.csv").write_text("caption,image_path\nnan,v_image_1.png\n")
    _, (item,) = read(tmp_path, "quilt-1m")
    assert item.reason == "empty answer"


def test_an_answer_that_is_no_text_says_what_to_write(one):
    closed, listed, unasked = one(
        {**ASKED, "answer": True}, {**ASKED, "answer": ["a"]}, {"image": "a.png", "answer": "Yes."}
    )
    assert "answer is true; write the answer out, as yes or no" in closed.detail
    assert "answer is a list" in listed.detail and "has no question" in unasked.detail


def test_rows_inside_an_object_are_named_instead_of_lost(read, tmp_path):
    (tmp_path / "t.json").write_text(json.dumps({"data": [ASKED, ASKED, ASKED]}, indent=1))
    _, (item,) = read(tmp_path, "chat", "jsonl")
    assert item.is_rest and "'data' holds 3 objects" in item.detail


def test_a_metadata_table_and_a_tar_are_checked_too(read, draw, tmp_path):
    png = draw(tmp_path / "csv" / "a.png").read_bytes()
    (tmp_path / "csv" / "metadata.csv").write_text("file_name,question,answer,image_2\na.png,Q?,A,b.png\n")
    _, (item,) = read(tmp_path / "csv", "mine", "images")
    assert item.reason == "unread column"
    (tmp_path / "tar").mkdir()
    with tarfile.open(tmp_path / "tar" / "s.tar", "w") as archive:
        for name, data in (("1.png", png), ("1.json", json.dumps({**ASKED, "prior_image": "0.png"}).encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    _, (item,) = read(tmp_path / "tar", "mine", "webdataset")
    assert item.reason == "unread column"


def test_public_sets_are_checked_in_the_same_place(read, draw, tmp_path):
    draw(tmp_path / "images" / "PMC1_F1.jpg")
    choices = {f"Choice {letter}": letter.lower() for letter in "ABCD"}
    row = {"Figure_path": "PMC1_F1.jpg", "Question": "Which?", "Answer": "a", **choices, "prior_image": "x.jpg"}
    (tmp_path / "train.csv").write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    _, (item,) = read(tmp_path, "pmc-vqa")
    assert (item.reason, "'prior_image'" in item.detail) == ("unread column", True)


def test_a_row_knows_what_was_asked_for():
    row = ReadRow({"image": "a.png", "options": ["a"]})
    assert row.get("image") == "a.png"
    with pytest.raises(ImageError, match="'options' holds choices"):
        check_columns(row, 1)
    check_columns({"options": ["a"]}, 1)
    assert row["options"] == ["a"]
    check_columns(row, 1)
    assert not names_picture("image_caption") and names_picture("Image Path")


def test_droppings_and_prose_are_passed_over_and_tables_of_any_name_are_read(read, tmp_path):
    row = json.dumps(ASKED) + "\n"
    (tmp_path / "sources_2020.jsonl").write_text(row)
    (tmp_path / "__MACOSX").mkdir()
    for name in ("._t.jsonl", "__MACOSX/._t.jsonl", "LICENSE.md", "README", "desktop.ini"):
        (tmp_path / name).write_bytes(b"\0\5\26\7")
    (tmp_path / "val.jsonl").write_bytes(b"")
    records, unreadable = read(tmp_path, "chat", "jsonl")
    assert len(records) == 1 and [(item.reason, item.is_rest) for item in unreadable] == [("empty file", False)]


def test_lists_of_rows_under_the_name_of_pictures_are_no_pictures(read, draw, tmp_path):
    draw(tmp_path / "a.png")
    coco = {"images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}], "annotations": []}
    (tmp_path / "t.json").write_text(json.dumps(coco))
    _, (item,) = read(tmp_path, "chat", "jsonl")
    assert item.is_rest and "'images' holds 2 objects" in item.detail
    (tmp_path / "t.json").write_text(json.dumps([{"image": "a.png", "objects": [{"box": [1, 2]}, {"box": [3, 4]}]}]))
    _, (item,) = read(tmp_path, "chat", "jsonl")
    assert not item.is_rest and "'objects', which is not read; boxes" in item.detail, "an image with boxes is no list"


def test_what_programs_write_for_nothing_is_nothing_anywhere(one):
    record, item, given = one(
        {**ASKED, "licence": "nan", "patient_id": "<NA>", "label": "NaN"},
        {**ASKED, "question": "None"},
        {**ASKED, "input": ["a", "list"]},
    )
    assert (record.licence, record.facts) == ("unknown", {}) and record.subject not in ("<NA>", "nan")
    assert item.reason == "empty question" and "'input'" in given.detail
