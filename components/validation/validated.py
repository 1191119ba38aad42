"""What a validated source's folder holds: its records in records-*.parquet, what was refused in quarantine.parquet, what
is none of its records by nature in left_out.parquet, the patients of whom all was refused in refused_patients.json."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from components.storage.atomic import read_object

QUARANTINE = "quarantine.parquet"
LEFT_OUT = "left_out.parquet"
REFUSED_PATIENTS = "refused_patients.json"
READER = "reader"
"""Of a private source's accounting.json: what read the text in its pixels; empty where nothing did."""
RECORDS = "records"
"""What the names of the files of kept records begin with."""


def record_files(folder: Path) -> list[Path]:
    """The files of kept records, in order."""
    return sorted(folder.glob(f"{RECORDS}-*.parquet"))


def record_ids(folder: Path) -> list[str]:
    """Ids of the kept records."""
    return [
        identity for path in record_files(folder) for identity in pq.read_table(path, columns=["id"])["id"].to_pylist()
    ]


def refused(folder: Path) -> list[dict[str, str]]:
    """Rows id, source, file, locator, reason, detail, suite, expectation of what validation refused; none without a file."""
    return _rows(folder / QUARANTINE)


def refused_patients(validated: Path, sources: Iterable[str]) -> frozenset[str]:
    """Keys of the patients of whom a source has records in quarantine and none that was kept."""
    files = [validated / source / REFUSED_PATIENTS for source in sources]
    return frozenset(key for path in files if path.is_file() for key in read_object(path)["patients"])


def left_out(folder: Path) -> list[dict[str, str]]:
    """Rows id, source, file, reason, detail of what validation filtered; none without a file."""
    return _rows(folder / LEFT_OUT)


def readers(validated: Path, sources: Iterable[str]) -> dict[str, str]:
    """Private source -> what read the text in its pixels, of those that were validated."""
    accounts = {source: validated / source / "accounting.json" for source in sources}
    found = {source: read_object(path) for source, path in accounts.items() if path.is_file()}
    return {source: str(account[READER]) for source, account in found.items() if READER in account}


def _rows(path: Path) -> list[dict[str, str]]:
    return pq.ParquetFile(path).read().to_pylist() if path.is_file() else []
