"""Which versions were trained on a patient's records: asked of the data set that each version's dvc.lock names."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from components.records.vocabulary import Bin
from components.registry.catalogue import all_versions, record_folder
from components.registry.started import begun_with, start_said
from components.registry.tracking import connect
from components.storage.dvc_cache import cache_path, directory_entries
from components.storage.workspace import Workspace
from components.storage.yaml_files import load_yaml


def versions_with_patient(workspace: Workspace, keys: Collection[str]) -> list[dict[str, Any]]:
    """{number, aliases, trained_on} of every version, newest first; trained_on is a sentence. `keys` are all that ever stood
    for the patient: an older version knows an older one.

    A data set that is no longer in the local DVC cache is said to be unknown, never taken for clean.
    """
    tracking = connect(workspace)
    found = []
    for version in all_versions(tracking):
        said = _trained_on(workspace, record_folder(tracking, version) / "dvc.lock", keys)
        if begun := start_said(workspace, begun_with(tracking, version), keys):
            said = f"{said}; {begun}"
        found.append({"number": version.number, "aliases": list(version.aliases), "trained_on": said})
    return found


def patient_records(decisions: list[Path], keys: Collection[str]) -> list[dict[str, str]]:
    """Rows (id, source, bin) of the patient in a data set's decisions files."""
    columns = ["id", "source", "bin"]
    tables = [pq.read_table(path, columns=columns, filters=[("patient_key", "in", list(keys))]) for path in decisions]
    return [row for table in tables for row in table.to_pylist()]


def decision_files(workspace: Workspace, lock: Path) -> list[Path]:
    """The decisions files of the data set that a dvc.lock names, in the local DVC cache; none where one is not there."""
    outs = (load_yaml(lock) or {}).get("stages", {}).get("assemble", {}).get("outs", [])
    md5 = next((out["md5"] for out in outs if out["path"] == "data/unimed"), "")
    try:
        entries = directory_entries(workspace, md5) if md5 else {}
    except ValueError:
        entries = {}
    names = sorted(name for name in entries if name.startswith("decisions-"))
    files = [cache_path(workspace, entries[name]) for name in names]
    return files if all(path.is_file() for path in files) else []


def _trained_on(workspace: Workspace, lock: Path, keys: Collection[str]) -> str:
    files = decision_files(workspace, lock)
    if not files:
        return "unknown: its data set is not in the local DVC cache; `dvc pull` may bring it back"
    rows = patient_records(files, keys)
    kept = sum(row["bin"] == Bin.KEPT for row in rows)
    if kept:
        return f"trained on {kept} of this patient's records"
    return f"not trained on this patient ({len(rows)} records in other bins)" if rows else "never saw this patient"
