"""`unimed gc`: what nobody names goes, what any version names stays."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from components.registry.catalogue import all_versions, record_folder, reference_in
from components.registry.database import has_store
from components.registry.tracking import connect
from components.storage.atomic import TEMPORARY
from components.storage.dvc_cache import collect
from components.storage.workspace import Workspace
from components.storage.yaml_files import load_yaml

OLD_SECONDS = 24 * 3600
"""A temporary file younger than this may belong to a writer at work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Garbage:
    """What was removed, or would be."""

    objects: int
    """Of the DVC cache."""
    folders: int
    """Cached predictions of champions, and unfinished files."""
    size_bytes: int
    kept_versions: int


def collect_garbage(workspace: Workspace, *, dry_run: bool) -> Garbage:
    """Sweep the DVC cache, predictions cached for the gate, and unfinished files older than a day.

    Kept: what dvc.lock names here and in experiments, and in the record of every registered version. Raises ValueError,
    removing nothing, when a version's record cannot be read: it could not be known what it needs.
    """
    keep, gate_prefixes, versions = _named(workspace)
    cache = collect(workspace, keep, dry_run=dry_run)
    loose = [path for path in (workspace.private / "gate").glob("*") if path.name[:8] not in gate_prefixes]
    loose += _unfinished(workspace)
    size = sum(_size(path) for path in loose)
    if not dry_run:
        for path in loose:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return Garbage(
        objects=cache.objects, folders=len(loose), size_bytes=cache.size_bytes + size, kept_versions=versions
    )


def _named(workspace: Workspace) -> tuple[set[str], set[str], int]:
    """(md5 that versions need, first letters of their weights' hashes, number of versions)."""
    if not has_store(workspace):
        return set(), set(), 0
    tracking = connect(workspace)
    versions = all_versions(tracking)
    keep: set[str] = set()
    for version in versions:
        record = record_folder(tracking, version)
        reference = reference_in(record, version)
        keep |= {reference.directory_md5, *(file.md5 for file in reference.files)}
        keep |= named_by_lock(record / "dvc.lock")
    return keep, {version.weights_sha256[:8] for version in versions if version.aliases}, len(versions)


def named_by_lock(path: Path) -> set[str]:
    """Every md5 in a dvc.lock: what its stages read and made."""
    entries = ((load_yaml(path) or {}).get("stages", {})).values()
    return {
        item["md5"] for entry in entries for part in ("deps", "outs") for item in entry.get(part, []) if "md5" in item
    }


def _unfinished(workspace: Workspace) -> list[Path]:
    limit = time.time() - OLD_SECONDS
    places = (workspace.root / "data", workspace.checkpoints, workspace.evaluation, workspace.private)
    found = [path for place in places for path in place.rglob(f"{TEMPORARY}*")]
    return [path for path in found if path.lstat().st_mtime < limit]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())
