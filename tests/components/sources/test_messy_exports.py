"""Deliveries as people and their programs leave them: spreadsheets in three languages, Windows and Mac names, disk stations."""

import base64
import json
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.records.vocabulary import Split

HEAD = "image,question,answer\n"


@pytest.fixture
def rows(read, draw, tmp_path):
    """rows(text, name) -> (records in their order, unreadables) of a table beside a.png, b.png and sub/c.png."""

    def run(text: str, name: str = "t.csv"):
        for seed, image in enumerate(("a.png", "b.png", "sub/c.png")):
            draw(tmp_path / image, seed)
        (tmp_path / name).write_text(text)
        records, unreadable = read(tmp_path, "rows", "jsonl")
        return [records[key] for key in sorted(records)], unreadable

    return run


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nimage;question;answer\na.png;Is it, say, a liver?;yes\nb.png;Is it a spleen?;no\n",
        HEAD + "a.png,Is it a liver?,yes,,\nb.png,Is it a spleen?,no,,\n",
        HEAD + " a.png ,Is it a liver?,yes\nB.PNG,Is it a spleen?,no\n",
        HEAD + "sub\\c.png,Is it a liver?,yes\nb,Is it a spleen?,no\n",
    ],
)
def test_what_spreadsheets_and_windows_add_is_read_past(rows, text):
    records, unreadable = rows(text)
    assert unreadable == [] and [record.turns[0].answer for record in records] == ["yes", "no"]


def test_a_title_above_the_header_is_named(rows):
    _, (broken,) = rows("Export 2024;;\nimage;question;answer\na.png;Is it?;yes\n")
    assert "title" in broken.detail and broken.is_rest


@pytest.mark.parametrize("nothing", ["#NV", "#N/D", "#REF!", "#WERT!", "#DIV/0!", "N/A", "n/a"])
def test_what_spreadsheets_write_for_nothing_is_no_answer_and_no_patient(rows, nothing):
    text = f"patient_id,{HEAD}p,a.png,Which?,{nothing}\n{nothing},b.png,Which?,liver\n"
    (kept,), (empty,) = rows(text)
    assert (kept.turns[0].answer, empty.reason) == ("liver", "empty answer") and kept.subject != nothing


@pytest.mark.parametrize("column", ["pat_id", "Patienten-ID", "PID", "patient_no", "id_paciente", "lesion_id"])
def test_a_patient_is_known_by_what_people_call_the_column(rows, column):
    records, _ = rows(f"{column},{HEAD}P1,a.png,Is it?,yes\nP1,b.png,Is it?,no\n")
    assert {record.subject for record in records} == {"P1"}


@pytest.mark.parametrize("word", ["eval", "Held-out", "holdout", "testset", "test_seen", "Evaluation"])
def test_the_words_for_the_held_out_side_are_known(rows, word):
    records, _ = rows(f"split,{HEAD}{word},a.png,Is it?,yes\n")
    assert records[0].delivered_split is Split.TEST


@pytest.mark.parametrize(("column", "said"), [("set", "test"), ("is_test", "True"), ("held_out", "1")])
def test_other_columns_that_tell_the_side_are_read(rows, column, said):
    records, _ = rows(f"{column},{HEAD}{said},a.png,Is it?,yes\n")
    assert records[0].delivered_split is Split.TEST


def test_an_image_in_base64_is_the_image(rows, draw, tmp_path):
    data = base64.b64encode(draw(tmp_path / "d.png", 7).read_bytes()).decode()
    lines = [{"image": said, "question": "Is it?", "answer": "no"} for said in (data, f"data:image/png;base64,{data}")]
    records, unreadable = rows("\n".join(map(json.dumps, lines)), "t.jsonl")
    assert unreadable == [] and len({record.image.sha256 for record in records}) == 1 and len(records) == 2


def test_an_answer_that_calls_a_tool_is_refused(rows):
    talk = [
        {"role": "user", "content": "Is it?"},
        {"role": "assistant", "content": "I zoom.", "tool_calls": [{"id": 1}]},
    ]
    _, (broken,) = rows(json.dumps({"image": "a.png", "messages": talk}), "t.jsonl")
    assert broken.reason == "broken conversation" and "tool_calls" in broken.detail


def test_numbers_of_classes_get_the_names_that_stand_beside_them(read, draw, tmp_path):
    image = {"bytes": draw(tmp_path / "a.png").read_bytes(), "path": None}
    told = {"info": {"features": {"label": {"names": ["benign", "malignant"], "_type": "ClassLabel"}}}}
    (tmp_path / "hub").mkdir()
    table = pa.table({"image": [image], "label": [1]}).replace_schema_metadata({"huggingface": json.dumps(told)})
    pq.write_table(table, tmp_path / "hub" / "t.parquet")
    (record,) = read(tmp_path / "hub", "hub", "parquet")[0].values()
    assert record.facts["description"] == "label malignant"


@pytest.mark.parametrize("folder", ["test", "imagesTs", "test_images", "Held-out"])
def test_a_folder_of_the_held_out_side_is_the_deliverys_own(read, draw, tmp_path, folder):
    draw(tmp_path / folder / "NORMAL" / "a.png")
    draw(tmp_path / "train" / "b.png", 1)
    (tmp_path / "labels.csv").write_text("file,fact,value\n*,modality,X-ray\n")
    records, _ = read(tmp_path, "films", "images")
    assert {key.split("/")[1]: record.delivered_split for key, record in records.items()} == {
        folder: Split.TEST,
        "train": None,
    }


def test_a_split_of_labels_is_the_files_and_its_name_is_composed(read, draw, tmp_path):
    name = unicodedata.normalize("NFD", "Röntgen (1).png")
    draw(tmp_path / name)
    row = unicodedata.normalize("NFC", name)
    (tmp_path / "labels.csv").write_text(f"file,fact,value\n*,modality,X-ray\n{row},split,test\n")
    records, unreadable = read(tmp_path, "films", "images")
    assert unreadable == [] and [record.delivered_split for record in records.values()] == [Split.TEST]


def test_what_systems_keep_for_themselves_is_no_record(read, draw, tmp_path):
    for number, name in enumerate(
        ("a.png", ".ipynb_checkpoints/a.png", "@eaDir/a.png/T.jpg", ".thumbnails/a.png", "~$b.png")
    ):
        draw(tmp_path / name, number)
    for name in (".gitattributes", ".directory", "ehthumbs.db"):
        (tmp_path / name).write_text("x")
    (tmp_path / "labels.csv").write_text("file,fact,value\n*,modality,X-ray\n")
    records, unreadable = read(tmp_path, "films", "images")
    assert (list(records), unreadable) == (["films/a"], [])


def test_a_pointer_of_git_lfs_says_what_to_fetch(read, tmp_path):
    (tmp_path / "t.parquet").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    _, (missing,) = read(tmp_path, "hub", "parquet")
    assert missing.reason == "not fetched" and "git lfs pull" in missing.detail
