"""Parquet with Hugging Face's image feature: a struct of `bytes` and `path`, either of which may be missing, or a list
of them; beside it a question with its answer, a caption, or a whole conversation."""

from collections.abc import Iterator

from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.conversations import read_tables
from components.sources.reading.rows import parquet_rows


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a row; rows come in small batches, whatever the file's row groups are."""
    yield from read_tables(delivery, (".parquet",), parquet_rows)
