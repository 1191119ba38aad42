"""Rows become files of bounded size that follow from the rows alone."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.records.shards import ROWS_PER_GROUP, write_shards
from components.storage.file_hashes import file_sha256

SCHEMA = pa.schema([("id", pa.string()), ("image", pa.binary())])


def rows(count: int) -> list[dict[str, object]]:
    draw = np.random.default_rng(0)
    return [{"id": f"s/{number:04d}", "image": draw.bytes(250)} for number in range(count)]


def test_same_rows_give_the_same_bytes_and_shards_keep_their_limit(tmp_path: Path) -> None:
    first = write_shards(rows(300), SCHEMA, tmp_path, "a", 30_000)
    second = write_shards(iter(rows(300)), SCHEMA, tmp_path, "b", 30_000)
    assert [(one.rows, one.sha256) for one in first] == [(one.rows, one.sha256) for one in second]
    assert sum(shard.rows for shard in first) == 300 and len(first) == 3
    assert all(shard.bytes < 40_000 for shard in first)
    groups = pq.read_metadata(tmp_path / first[0].file)
    assert groups.num_row_groups == 2
    assert all(groups.row_group(k).num_rows <= ROWS_PER_GROUP for k in range(groups.num_row_groups))
    found = [row for shard in first for row in pq.read_table(tmp_path / shard.file).to_pylist()]
    assert found == rows(300)


def test_a_row_over_the_limit_is_a_shard_of_its_own(tmp_path: Path) -> None:
    shards = write_shards(rows(3), SCHEMA, tmp_path, "train", 100)
    assert [shard.rows for shard in shards] == [1, 1, 1]
    assert [shard.file for shard in shards] == [f"train-0000{number}.parquet" for number in range(3)]


def test_no_rows_are_one_empty_shard_and_a_file_is_what_was_said_of_it(tmp_path: Path) -> None:
    (empty,) = write_shards([], SCHEMA, tmp_path, "val", 100)
    assert empty.rows == 0 and pq.read_table(tmp_path / empty.file).schema.equals(SCHEMA)
    data = (tmp_path / empty.file).read_bytes()
    assert (empty.bytes, empty.md5) == (len(data), hashlib.md5(data).hexdigest())
    assert empty.sha256 == file_sha256(tmp_path / empty.file)
