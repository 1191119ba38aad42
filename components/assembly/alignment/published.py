"""The published image-text alignment score, from raw numbers that somebody with the weights made elsewhere.

score = 0.5 caption cosine + 0.5 image-text score, each scaled to [0, 1] over the source. The caption cosine is the largest
E5-large-v2 cosine between the text and five captions by MedGemma-27B; the image-text score is MedSigLIP's.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.assembly.corpus import Entry
from components.recipes.nearest import nearest

ID = "id"
NUMBERS = ("caption_cosine", "image_text")
COLUMNS = (ID, *NUMBERS)
CAPTIONS = 5
"""Cosines in a row whose caption_cosine is a list."""
MOST_NAMED = 5
_ROUNDING = 1e-3
"""A cosine of numbers in half precision may come out this far beyond 1."""


class PublishedAlignment:
    """Scores of `<folder>/<source>.parquet`: one row a record, columns id, caption_cosine (the largest, or all five) and
    image_text (MedSigLIP's cosine or probability)."""

    name = "published: 0.5 E5 caption cosine + 0.5 MedSigLIP"
    note = (
        "captions and reports were ranked by the published image-text alignment score (0.5 E5-large-v2 cosine to captions "
        "by MedGemma-27B + 0.5 MedSigLIP, each scaled to 0 to 1 over the source), from numbers computed outside UniMed"
    )

    def __init__(self, folder: Path, sources: Iterable[str]) -> None:
        """Reads what files there are. Raises ValueError that lists everything wrong in them."""
        self._folder = folder
        files = {source: folder / f"{source}.parquet" for source in sorted(sources)}
        self._tables: dict[str, pa.Table] = {}
        problems: list[str] = []
        for source, file in files.items():
            if file.is_file():
                try:
                    self._tables[source] = read_scores(file)
                except ValueError as error:
                    problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))

    def scores(self, source: str, entries: Sequence[Entry]) -> list[float | None]:
        """In the order of the entries, scaled over them. Raises ValueError for a record without a row."""
        file = self._folder / f"{source}.parquet"
        if source not in self._tables:
            raise ValueError(
                f"{file} is missing, but {len(entries)} captions or reports of {source} are to be ranked; compute "
                f"{', '.join(COLUMNS)} for the records of data/validated/{source}, or set assembly.alignment.scorer to "
                "none or labels"
            )
        table = self._tables[source]
        row_of = {identity: number for number, identity in enumerate(table[ID].to_pylist())}
        missing = [entry.id for entry in entries if entry.id not in row_of]
        if missing:
            raise ValueError(
                f"{file}, column {ID}: no row for {len(missing)} of {len(entries)} captioned records ({_some(missing)}); "
                f"compute their scores too, they stand in data/validated/{source}"
            )
        rows = [row_of[entry.id] for entry in entries]
        cosine, image_text = (_scaled(table[name].to_numpy()[rows]) for name in NUMBERS)
        return (0.5 * cosine + 0.5 * image_text).tolist()


def read_scores(file: Path) -> pa.Table:
    """id and both numbers (float64) of each row. Raises ValueError that names file, column and ids of all that is wrong."""
    try:
        table = pq.ParquetFile(file).read()
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{file} is not a Parquet file ({' '.join(str(error).split())}); write it again") from None
    _raise(file, _wrong_columns(table))
    _raise(file, _wrong_rows(table))
    numbers = {name: _largest(table[name]) for name in NUMBERS}
    _raise(file, (text for name, column in numbers.items() for text in _wrong_numbers(name, column, table[ID])))
    return pa.table({ID: table[ID].cast(pa.string()), **numbers})


def _wrong_columns(table: pa.Table) -> Iterator[str]:
    for name in table.column_names:
        if name not in COLUMNS:
            yield f"unknown column {name!r}{nearest(name, COLUMNS)}; leave it out"
    for name in COLUMNS:
        if table.column_names.count(name) != 1:
            yield f"column {name} is {'there twice' if name in table.column_names else 'missing'}; each stands there once"
            continue
        kind = table.schema.field(name).type
        if name == ID and not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            yield f"column {name} is of type {kind}; the record's id, a string, is needed"
        if name in NUMBERS and not _is_number(kind):
            wanted = f"a number or a list of {CAPTIONS}" if name == "caption_cosine" else "a number"
            if name != "caption_cosine" or not (_is_list(kind) and _is_number(kind.value_type)):
                yield f"column {name} is of type {kind}; {wanted} is needed"


def _wrong_rows(table: pa.Table) -> Iterator[str]:
    if table[ID].null_count:
        yield f"column {ID}: {table[ID].null_count} rows have none; each row needs its record's id"
    counted = table[ID].drop_null().value_counts()
    twice = counted.field("values").filter(pa.array(np.asarray(counted.field("counts")) > 1)).to_pylist()
    if twice:
        yield f"column {ID}: {len(twice)} ids stand there more than once ({_some(twice)}); one row a record"
    for name in NUMBERS:
        if _is_list(table.schema.field(name).type):
            lists = _lists(table[name])
            lengths = np.where(np.asarray(lists.is_valid()), np.diff(np.asarray(lists.offsets)), 0)
            wrong = table[ID].filter(pa.array(lengths != CAPTIONS)).to_pylist()
            if wrong:
                yield f"column {name}: {len(wrong)} rows have not {CAPTIONS} numbers ({_some(wrong)}); one a caption"


def _wrong_numbers(name: str, column: pa.Array, ids: pa.ChunkedArray) -> Iterator[str]:
    values = column.to_numpy(zero_copy_only=False)
    lost = ids.filter(pa.array(~np.isfinite(values))).to_pylist()
    if lost:
        yield f"column {name}: {len(lost)} rows hold no finite number ({_some(lost)}); compute them again"
    far = ids.filter(pa.array(np.abs(np.nan_to_num(values, posinf=0, neginf=0)) > 1 + _ROUNDING)).to_pylist()
    if far:
        yield f"column {name}: {len(far)} rows lie outside -1 to 1 ({_some(far)}); a cosine or a probability, not a logit"


def _largest(column: pa.ChunkedArray) -> pa.Array:
    """Each row's number, of a list the largest, as float64; NaN where there is none or one of the list's is none."""
    if not _is_list(column.type):
        return column.cast(pa.float64()).fill_null(np.nan).combine_chunks()
    flat = _lists(column).flatten().fill_null(np.nan).to_numpy()
    return pa.array(flat.reshape(-1, CAPTIONS).max(axis=1))


def _lists(column: pa.ChunkedArray) -> pa.ListArray:
    return column.cast(pa.list_(pa.float64())).combine_chunks()


def _scaled(values: np.ndarray) -> np.ndarray:
    """To [0, 1] by the smallest and the largest; where they are equal, they tell nothing apart: 0.5 each."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.full_like(values, 0.5)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


def _raise(file: Path, problems: Iterable[str]) -> None:
    if found := list(problems):
        raise ValueError("\n".join(f"{file}, {text}" for text in found))


def _some(ids: Sequence[object]) -> str:
    return ", ".join(map(str, ids[:MOST_NAMED])) + (", …" if len(ids) > MOST_NAMED else "")
