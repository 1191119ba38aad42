"""Annotation files are read row by row; what is broken is said, where it is."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.images.limits import ImageError
from components.sources.reading import json_stream
from components.sources.reading.rows import json_rows, need, parquet_rows, table_rows


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def reasons(found) -> list[str]:
    return [item.reason if isinstance(item, ImageError) else "row" for item in found]


@pytest.mark.parametrize("block", [1, 7, 50, 10_000])
@pytest.mark.parametrize("form", ["list", "pretty", "lines", "objects"])
def test_every_form_of_json_gives_the_same_rows_wherever_the_blocks_end(tmp_path, monkeypatch, block, form):
    monkeypatch.setattr(json_stream, "_BLOCK", block)
    expected = [{"a": 1, "b": ["x, ]", {"c": "\u00e9}"}]}, {"a": 12345.5}, {}, {"q": 'say "[hi]"'}]
    lines = "\n".join(json.dumps(row) for row in expected)
    path = {
        "list": ("r.json", "\ufeff" + json.dumps(expected)),
        "pretty": ("r.jsonl", json.dumps(expected, indent=2) + "\n"),
        "lines": ("r.jsonl", "\ufeff" + lines + "\n\n"),
        "objects": ("r.json", lines),
    }[form]
    assert list(json_rows(write(tmp_path, *path))) == expected


def test_gzipped_tables_are_read_as_they_are_and_broken_ones_named(tmp_path):
    whole = gzip.compress(b"a,b\n1,x\n2,y\n")
    assert list(table_rows(write(tmp_path, "t.csv.gz", whole))) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]
    for name, content in (
        ("cut", whole[:-12]),
        ("none", b"a,b\n1,x\n"),
        ("changed", whole[:10] + b"\xff" + whole[11:]),
    ):
        with pytest.raises(ImageError, match="undecodable: the gzipped file is broken"):
            list(table_rows(write(tmp_path, f"{name}.csv.gz", content)))


def test_a_table_in_another_encoding_is_read_where_its_adapter_names_it(tmp_path):
    path = write(tmp_path, "t.csv", "a\n37.5 \u00b0C\n".encode("cp1252"))
    (item,) = table_rows(path)
    assert str(item) == "not text: byte 0xb0 near '37.5 ?C' is not UTF-8; save the file as UTF-8"
    assert list(table_rows(path, encoding="cp1252")) == [{"a": "37.5 \u00b0C"}]


def test_a_broken_line_costs_itself_alone(tmp_path):
    path = write(tmp_path, "r.jsonl", '{"a": 1}\n{"a": \n[1]\n{"a": NaN}\n{"a": 2}\n')
    assert reasons(json_rows(path)) == ["row", "not JSON", "not a row", "not JSON", "row"]


def test_an_endless_line_is_passed_over_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "MAX_ROW", 100)
    path = write(tmp_path, "r.jsonl", '{"a": "' + "x" * 1000 + '"}\n{"a": 2}\n')
    assert reasons(json_rows(path)) == ["too large", "row"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b'[{"a": 1}, {"a": ', "not JSON"),
        (b'[{"a": 1}', "not JSON"),
        (b'[{"a": 1} nonsense]', "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_list_that_breaks_says_why(tmp_path, content, reason):
    with pytest.raises(ImageError) as caught:
        list(json_rows(write(tmp_path, "r.json", content)))
    assert caught.value.reason == reason


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_a_table_finds_its_delimiter_and_a_ragged_row_is_an_error(tmp_path, mark):
    lines = ["\ufeffname{0} answer ", "a{0}yes", "", "b{0}no{0}more", "c{0} no"]
    found = list(table_rows(write(tmp_path, "t.csv", "\n".join(lines).format(mark))))
    assert reasons(found) == ["row", "broken row", "row"]
    assert found[0] == {"name": "a", "answer": "yes"}


def test_a_table_without_header_takes_the_names_it_is_given(tmp_path):
    path = write(tmp_path, "t.txt", 'x|say "hi" to it|no\n')
    assert list(table_rows(path, columns=("image", "question", "answer"), delimiter="|", quoted=False)) == [
        {"image": "x", "question": 'say "hi" to it', "answer": "no"}
    ]


def test_utf_16_is_read_and_latin_1_is_refused_by_name(tmp_path):
    assert list(table_rows(write(tmp_path, "a.csv", "a,b\n\u00e9,2\n".encode("utf-16")))) == [{"a": "\u00e9", "b": "2"}]
    assert reasons(table_rows(write(tmp_path, "b.csv", "a,b\n\u00e9,2\n3,4\n".encode("latin-1")))) == [
        "not text",
        "row",
    ]


def test_parquet_comes_row_by_row_and_a_cut_file_is_refused(tmp_path):
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"a": list(range(200))}), path)
    assert [row["a"] for row in parquet_rows(path)] == list(range(200))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ImageError, match="not Parquet"):
        list(parquet_rows(path))


def test_a_missing_field_names_what_there_is():
    assert need({"question": " ", "q": 3}, "question", "q") == "3"
    with pytest.raises(ImageError, match="no answer; it has question"):
        need({"question": "?"}, "answer")
