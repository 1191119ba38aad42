"""What a row says beside what is read of it is read too, or counted by the name of its column; so are images without a row."""

import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.recipes.sources import SourceSettings
from components.records.record import LeftOut, Record
from components.records.vocabulary import TurnKind
from components.sources.table import read_source

ASKED = {"question": "Is there an effusion?", "answer": "Yes."}


@pytest.fixture
def told(tmp_path, draw):
    """told(rows, format) is (records, what was left out) of a table of that format whose rows show a.png."""
    draw(tmp_path / "a.png")

    def run(rows, format_name="jsonl"):
        rows = [{"file_name" if format_name == "images" else "image": "a.png", **row} for row in rows]
        if format_name == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
        else:
            name = "metadata.jsonl" if format_name == "images" else "t.jsonl"
            (tmp_path / name).write_text("\n".join(map(json.dumps, rows)))
        items = list(read_source(tmp_path, "s", SourceSettings(path="data/raw/s", format=format_name)))
        assert all(isinstance(item, Record | LeftOut) for item in items)
        records = [item for item in items if isinstance(item, Record)]
        return records, [item for item in items if not isinstance(item, Record)]

    return run


@pytest.mark.parametrize("format_name", ["jsonl", "parquet", "images"])
def test_a_caption_beside_a_question_is_a_record_of_its_own(format_name, told):
    (asked, captioned), left_out = told([{**ASKED, "caption": "A chest film with an effusion."}], format_name)
    assert left_out == []
    assert [(turn.prompt, turn.answer) for turn in asked.turns] == [tuple(ASKED.values())]
    (said,) = captioned.turns
    assert (said.prompt, said.answer, said.kind) == ("", "A chest film with an effusion.", TurnKind.CAPTION)
    assert captioned.id == f"{asked.id}-caption" and captioned.subject == asked.subject
    assert captioned.image == asked.image and captioned.provenance == asked.provenance


def test_a_text_beside_a_question_in_an_archive_is_a_record_of_its_own(draw, tmp_path, read):
    said = {"png": draw(tmp_path / "a.png").read_bytes(), "json": json.dumps({**ASKED, "report": "Clear."}).encode()}
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        for kind, data in {**said, "txt": b"A chest film."}.items():
            member = tarfile.TarInfo(f"a.{kind}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    records, (left_out,) = read(tmp_path, "s", "webdataset")
    assert [[turn.answer for turn in record.turns] for record in records.values()] == [["Yes."], ["A chest film."]]
    assert left_out.reason == "unread column" and "'report'" in left_out.detail


@pytest.mark.parametrize("caption", ["Yes.", "", None, "nan"])
def test_a_caption_that_says_nothing_more_is_no_record(caption, told):
    records, left_out = told([{**ASKED, "caption": caption}])
    assert len(records) == 1 and left_out == []


@pytest.mark.parametrize(
    ("column", "value", "fix"),
    [
        ("report", "The lungs are clear.", "name it caption"),
        ("Impression", "Clear.", "name it caption"),
        ("bbox", [1, 2, 3, 4], "--format coco"),
        ("labels", ["effusion"], "name it label"),
        ("rationale", "Blunted angle.", "name it caption"),
    ],
)
@pytest.mark.parametrize("read", [ASKED, {"caption": "A chest film."}])
def test_a_column_that_no_record_has_is_counted_by_its_name(read, column, value, fix, told):
    records, (left_out,) = told([{**read, column: value}, read, {**read, column: value}])
    assert len(records) == 3
    assert left_out.reason == "unread column" and left_out.file == f"t.jsonl:{column}"
    assert f"{column!r}, filled in 2 of the rows" in left_out.detail and fix in left_out.detail


def test_columns_that_say_nothing_of_an_image_are_no_news(told):
    extra = {"answer_type": "closed", "report_id": 3, "caption_length": 4, "is_normal": True, "findings": ""}
    records, left_out = told([{**ASKED, **extra}])
    assert len(records) == 1 and left_out == []


def test_images_that_no_row_names_are_counted(told, draw, tmp_path):
    draw(tmp_path / "more" / "b.png", 1)
    draw(tmp_path / "more" / "c.png", 2)
    records, (left_out,) = told([ASKED])
    assert len(records) == 1 and left_out.reason == "unnamed image"
    assert "2 images are named by no row" in left_out.detail and "more/b.png" in left_out.detail


def test_an_image_whose_row_is_refused_is_named(told, draw, tmp_path):
    draw(tmp_path / "b.png", 1)
    (tmp_path / "u.jsonl").write_text(json.dumps({"image": "b.png", "question": "Which?", "answer": ""}))
    settings = SourceSettings(path="data/raw/s", format="jsonl")
    reasons = [item.reason for item in read_source(tmp_path, "s", settings) if not isinstance(item, Record)]
    assert reasons == ["empty answer", "unnamed image"], "a.png alone has no row"
