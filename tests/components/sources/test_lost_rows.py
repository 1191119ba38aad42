"""No row of a table disappears uncounted: each is a record or unreadable, or the source stops."""

import gzip
import io
import json
import tarfile
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.images.limits import ImageError
from components.sources.reading.opened import BrokenOff
from components.sources.reading.rows import json_rows, parquet_rows, table_rows


def rows(count: int) -> list[dict[str, object]]:
    return [{"question": f"Question {n}: which organ?", "answer": f"liver {n}", "age": 61} for n in range(count)]


def listed(count: int, **row_20: object) -> list[dict[str, object]]:
    return [{**row, **row_20} if n == 20 else row for n, row in enumerate(rows(count))]


CSV = "file_name,question,answer\n" + "".join(f"{n}.png,Question {n}?,liver {n}\n" for n in range(1000))


def outcome(found) -> tuple[Counter[str], str]:
    """(how many rows and which errors, the reason for which it broke off)."""
    counts: Counter[str] = Counter()
    try:
        for row in found:
            counts[row.reason if isinstance(row, ImageError) else "row"] += 1
    except BrokenOff as error:
        return counts, error.reason
    return counts, ""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", json.dumps(listed(1000, age=float("nan")))),
        ("t.jsonl", "\n".join(map(json.dumps, listed(1000, age=float("inf"))))),
        ("t.json", json.dumps(rows(1000)).replace('"liver 20"', '"liver\t20"')),
        ("t.json", json.dumps(rows(1000)).replace('"liver 20"', '"liver\n20"')),
        ("t.jsonl", "\n".join(map(json.dumps, rows(1000))).replace('"liver 20"', "liver 20")),
        ("t.json", json.dumps(listed(1000, answer="\ud800"))),
        ("t.json", json.dumps(listed(1000, age=0)).replace('"age": 0}', f'"age": {"1" * 5000}}}')),
    ],
    ids=[
        "NaN in a list",
        "Infinity in lines",
        "raw tab",
        "raw line break",
        "no quotes",
        "half a character",
        "long number",
    ],
)
def test_a_bad_value_costs_its_own_row(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    counts, broken = outcome(json_rows(tmp_path / name))
    assert (sum(counts.values()), counts["row"], broken) == (1000, 999, "")


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv"])
def test_a_byte_that_is_no_text_costs_its_own_row(tmp_path, name):
    text = {"t.json": json.dumps(rows(1000)), "t.jsonl": "\n".join(map(json.dumps, rows(1000))), "t.csv": CSV}[name]
    (tmp_path / name).write_bytes(text.encode().replace(b"liver 500", "gro\u00df".encode("latin-1")))
    counts, broken = outcome((table_rows if name == "t.csv" else json_rows)(tmp_path / name))
    assert (counts, broken) == ({"row": 999, "not text": 1}, "")


@pytest.mark.parametrize(
    ("name", "content", "kept", "reason"),
    [
        ("t.json", json.dumps(rows(1000))[:2000], 26, "not JSON"),
        ("t.json", json.dumps(rows(50)).replace('"liver 20"', '"liver 20'), 20, "not JSON"),
        ("t.json", json.dumps(rows(5)) + json.dumps(rows(5)), 5, "not JSON"),
        ("t.jsonl", "\n".join(map(json.dumps, rows(50)))[:-9], 49, "not JSON"),
        ("t.csv", CSV.replace("liver 900\n", '"liver 900\n'), 900, "not a table"),
        (
            "t.csv",
            CSV.replace("liver 900\n", '"liver 900\n').replace("liver 950\n", 'liver 950"\n'),
            900,
            "not a table",
        ),
        (
            "t.csv",
            CSV.replace("liver 900\n", '"liver 900\n').replace("liver 950\n", '"liver 950"\n'),
            900,
            "not a table",
        ),
        ("t.csv", CSV[:-20], 999, "broken row"),
        ("t.csv", "image,answer,image\na,b,c\n", 0, "not a table"),
    ],
    ids=[
        "a list cut off",
        "a quote left open in a list",
        "two lists in a file",
        "the last line cut off",
        "a quote never closed",
        "a quote closed fifty rows later",
        "a quote met by another one",
        "a table cut inside a row",
        "a column twice",
    ],
)
def test_what_cannot_be_read_on_says_that_nobody_knows_what_follows(tmp_path, name, content, kept, reason):
    (tmp_path / name).write_text(content)
    counts, broken = outcome((table_rows if name.endswith("csv") else json_rows)(tmp_path / name))
    assert (counts["row"], broken) == (kept, reason)


def test_a_stray_quote_costs_its_own_row_and_texts_of_several_lines_stay_whole(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('file_name,text\n1.png,"He said "no" to it"\n2.png,"Lungs clear,\nheart normal."\n3.png,x\n')
    assert outcome(table_rows(path)) == ({"row": 2, "broken row": 1}, "")
    assert [row["text"] for row in table_rows(path) if isinstance(row, dict)] == ["Lungs clear,\nheart normal.", "x"]


def test_json_lines_under_the_name_of_a_list_are_read_line_by_line(tmp_path):
    (tmp_path / "t.json").write_text("\n".join(map(json.dumps, rows(9))).replace('"liver 3"', "liver 3") + "\n")
    assert outcome(json_rows(tmp_path / "t.json")) == ({"row": 8, "not JSON": 1}, "")


def test_a_cut_gzipped_table_breaks_off(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(CSV.encode())[:-200])
    counts, broken = outcome(table_rows(tmp_path / "t.csv.gz"))
    assert broken == "undecodable" and counts["row"] < 1000


def test_a_bad_text_in_parquet_costs_its_own_row(tmp_path):
    texts = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.py_buffer(b"\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0"), pa.py_buffer(b"a\xffc")]
    )
    pq.write_table(pa.table({"text": texts}), tmp_path / "t.parquet")
    assert outcome(parquet_rows(tmp_path / "t.parquet")) == ({"row": 2, "not text": 1}, "")


def packed(*names: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return data.getvalue()


@pytest.mark.parametrize("content", [packed("a.png", "b.png")[:1000], packed("a.png") + packed("b.png")])
def test_an_archive_that_is_cut_or_followed_by_another_stops(read, tmp_path, content):
    (tmp_path / "s.tar").write_bytes(content)
    _, unreadable = read(tmp_path, "tar", "webdataset")
    assert [item.reason for item in unreadable if item.is_rest] == ["not a tar"]


DAMAGE = st.sampled_from([b"\xff", b'"', b"", b"\n", b"\t", b"NaN", b"}", b"{", b"]", b",", b"\\", b"\x00"])
CELLS = st.lists(st.text(alphabet='ab",\n\u00e9 \\', max_size=8), min_size=1, max_size=30)


def chunks(form: str, cells: list[str]) -> tuple[bytes, list[bytes], bytes, bytes]:
    """(what comes before the rows, each row, what stands between them, what follows)."""
    if form == "csv":
        quoted = [cell.replace('"', '""') for cell in cells]
        return b"id,text\n", [f'"{n}.png","{cell}"'.encode() for n, cell in enumerate(quoted)], b"\n", b"\n"
    found = [json.dumps({"id": f"{n}.png", "text": cell}).encode() for n, cell in enumerate(cells)]
    return (b"[", found, b", ", b"]") if form == "list" else (b"", found, b"\n", b"\n")


@pytest.mark.parametrize("form", ["list", "lines", "csv"])
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cells=CELLS, which=st.floats(0, 1), place=st.floats(0, 1), width=st.integers(0, 3), damage=DAMAGE)
def test_whatever_is_damaged_in_a_row_no_row_disappears_uncounted(tmp_path, form, cells, which, place, width, damage):
    before, found, between, after = chunks(form, cells)
    number = round(which * (len(found) - 1))
    row = found[number]
    at = round(place * (len(row) - 1))
    found[number] = row[:at] + damage + row[at + width :]
    path = tmp_path / {"csv": "t.csv", "list": "t.json", "lines": "t.jsonl"}[form]
    path.write_bytes(before + between.join(found) + after)
    counts, broken = outcome((table_rows if form == "csv" else json_rows)(path))
    assert broken or sum(counts.values()) >= len(cells), path.read_bytes()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cells=CELLS, place=st.floats(0, 1))
def test_a_list_that_is_cut_anywhere_breaks_off(tmp_path, cells, place):
    before, found, between, after = chunks("list", cells)
    whole = before + between.join(found) + after
    (tmp_path / "t.json").write_bytes(whole[: max(1, round(place * (len(whole) - 1)))])
    assert outcome(json_rows(tmp_path / "t.json"))[1] == "not JSON"
