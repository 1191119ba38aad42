"""A Parquet file's sizes are held against its bytes: what writers write is read, what lies is refused before it is read."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.images.limits import ImageError
from components.sources.reading import parquet_sizes
from components.sources.reading.parquet_sizes import MOST_ROWS, rows_at_once
from components.sources.reading.rows import MAX_ROW, parquet_rows
from components.sources.reading.thrift import Reader
from tests.faults.hostile_parquet import PARQUET, written

LARGE = ("60 MiB", "20 MiB", "1 GiB", "600 000", "4 000 000", "50 000")
"""Cases that take seconds to write; the slow set reads them too."""
TABLE = pa.table(
    {
        "text": [f"A report {number % 7}." for number in range(500)],
        "image": [{"bytes": np.random.default_rng(n).bytes(300), "path": None if n % 3 else "a"} for n in range(500)],
        "turns": [[{"q": "Is it?", "a": str(n)}] * (n % 4) for n in range(500)],
        "number": [None if n % 5 == 0 else n / 2 for n in range(500)],
        "lists": pa.array([[[n, 1], []] if n % 2 else None for n in range(500)]),
        "flag": [n % 2 == 0 for n in range(500)],
    }
)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("packing", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"row_group_size": 37, "data_page_size": 100}])
def test_what_writers_write_is_read_whole(tmp_path, version, packing, options):
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE, path, compression=packing, data_page_version=version, write_page_index=True, **options)
    assert list(parquet_rows(path)) == TABLE.to_pylist()
    assert rows_at_once(path) == MOST_ROWS


@pytest.mark.parametrize("table", [TABLE.slice(0, 0), pa.table({"a": pa.array([], pa.list_(pa.string()))})])
def test_a_table_without_rows_is_one(tmp_path, table):
    pq.write_table(table, tmp_path / "a.parquet")
    assert list(parquet_rows(tmp_path / "a.parquet")) == []


@pytest.mark.parametrize("name", [name for name in PARQUET if not any(size in name for size in LARGE)])
def test_a_size_that_lies_is_refused(tmp_path, name):
    PARQUET[name].write(tmp_path)
    with pytest.raises(ImageError) as refused:
        list(parquet_rows(tmp_path / "a.parquet"))
    assert {refused.value.reason: 1} == PARQUET[name].outcome


def test_a_text_that_is_too_long_costs_its_row_alone(tmp_path):
    table = pa.table({"text": ["short", "x" * (MAX_ROW + 1), "after"]})
    (tmp_path / "a.parquet").write_bytes(written(table, compression="none"))
    first, second, third = parquet_rows(tmp_path / "a.parquet")
    assert (first, third) == ({"text": "short"}, {"text": "after"})
    assert isinstance(second, ImageError) and second.reason == "too large"


def test_where_a_dictionary_is_long_few_rows_are_read_at_a_time(tmp_path):
    out = io.BytesIO()
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 64, pa.int32()), [np.random.default_rng(1).bytes(2**24)])
    pq.write_table(pa.table({"image": once}), out, dictionary_pagesize_limit=2**25)
    (tmp_path / "a.parquet").write_bytes(out.getvalue())
    assert rows_at_once(tmp_path / "a.parquet") == 7


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_file_that_is_cut_anywhere_or_has_a_changed_byte_is_read_or_refused(tmp_path, cut):
    data = written(TABLE.slice(0, 20))
    path = tmp_path / "a.parquet"
    path.write_bytes(data[: len(data) * cut // 60])
    with pytest.raises(ImageError):
        list(parquet_rows(path))
    random = np.random.default_rng(cut)
    for _ in range(40):
        changed = bytearray(data)
        changed[random.integers(4, len(data))] = random.integers(256)
        path.write_bytes(changed)
        try:
            rows_at_once(path)
        except ImageError as error:
            assert error.reason in ("not Parquet", "too large")


def test_a_struct_of_endless_depth_or_length_is_refused():
    for data in (b"\x1c" * 100, b"\x19\xfc\xff\xff\xff\xff\x0f", b"\x16" + b"\xff" * 20, b"\x18\x7fabc", b"\x15"):
        with pytest.raises(ImageError, match="not Parquet"):
            Reader(data).struct()


def test_a_large_file_may_have_many_row_groups_of_a_thousand_rows(tmp_path, monkeypatch):
    """What `datasets` writes: nothing of what any file may have is left, only what its own bytes allow."""
    monkeypatch.setattr(parquet_sizes, "_MOST_PAGES", 0)
    monkeypatch.setattr(parquet_sizes, "MOST_VALUES", 0)
    words = [f"a finding of {number % 977}, seen in series {number}" for number in range(20_000)]
    table = pa.table(dict.fromkeys("abcdefghijkl", words))
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1000)
    assert rows_at_once(tmp_path / "a.parquet") == 64
