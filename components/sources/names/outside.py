"""Texts that somebody de-identified with a program of their own: `data/deidentified/<source>/*.parquet`.

A row replaces one text of one record: `id`, `place` and `delivered` are what `unimed data texts <source>` wrote beside the
delivered text, `text` is what stands in for it. A text without a row is judged as it was delivered.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.recipes.nearest import nearest
from components.storage.atomic import atomic_path

COLUMNS = ("id", "place", "delivered", "text")


@dataclass(frozen=True, slots=True)
class OutsideTexts:
    """What stands in for delivered texts."""

    rows: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict, repr=False)
    """Record id -> place -> (keyed hash of the delivered text, text)."""

    @classmethod
    def read(cls, folder: Path | None) -> "OutsideTexts":
        """Of all files of the folder; empty without one. Raises ValueError that names file, column and rows that are wrong."""
        rows: dict[str, dict[str, tuple[str, str]]] = {}
        for file in sorted(folder.glob("*.parquet")) if folder else ():
            for identity, place, delivered, text in zip(*_columns(file), strict=True):
                places = rows.setdefault(identity, {})
                if place in places:
                    raise ValueError(f"{file}: {place} of {identity} stands there twice; one row a text")
                places[place] = delivered, text
        return cls(rows)

    def of(self, identity: str) -> dict[str, tuple[str, str]]:
        """Place -> (keyed hash of the delivered text, text) of one record."""
        return self.rows.get(identity, {})


def write_texts(rows: Iterable[Mapping[str, str]], file: Path, workspace: Path) -> int:
    """Writes a row of COLUMNS for each delivered text into a new file that only its owner may read; how many there were.
    Raises ValueError for a file that is there, and for one inside the workspace, where nothing may name a patient."""
    if file.resolve().is_relative_to(workspace.resolve()):
        raise ValueError(f"{file} lies in the workspace, where no patient may be named; give a place outside")
    if file.exists():
        raise ValueError(f"{file} is there already; give another name, or remove it")
    listed = list(rows)
    with atomic_path(file) as temporary:
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
        schema = pa.schema([(name, pa.string()) for name in COLUMNS])
        pq.write_table(pa.Table.from_pylist(listed, schema=schema), temporary)
    return len(listed)


def _columns(file: Path) -> list[list[str]]:
    try:
        table = pq.ParquetFile(file).read()
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{file} is not a Parquet file ({' '.join(str(error).split())}); write it again") from None
    problems = [
        f"unknown column {name!r}{nearest(name, COLUMNS)}; leave it out"
        for name in table.column_names
        if name not in COLUMNS
    ]
    for name in COLUMNS:
        if table.column_names.count(name) != 1:
            problems.append(f"column {name} has to stand there once")
        elif not (pa.types.is_string(kind := table.schema.field(name).type) or pa.types.is_large_string(kind)):
            problems.append(f"column {name} is of type {kind}; strings are needed")
        elif table[name].null_count:
            problems.append(f"column {name}: {table[name].null_count} rows have none; leave the row out, or fill it")
    if problems:
        raise ValueError("\n".join(f"{file}, {problem}" for problem in problems))
    return [table[name].to_pylist() for name in COLUMNS]
