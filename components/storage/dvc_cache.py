"""DVC's cache: where the bytes with a hash lie, which of them are still those, and which nobody names any more."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from components.storage.dvc_repository import open_repo, read_lock
from components.storage.file_hashes import file_md5
from components.storage.workspace import Workspace


def cache_path(workspace: Workspace, md5: str) -> Path:
    """Where the cache keeps the object with this hash (it may not be there); a directory's hash ends in `.dir`."""
    with open_repo(workspace) as repo:
        return Path(repo.cache.local.oid_to_path(md5))


def directory_entries(workspace: Workspace, md5: str) -> dict[str, str]:
    """Relative path -> md5 of the files of a directory object in the cache; raises ValueError when it is not there."""
    path = cache_path(workspace, md5)
    entries = _directory(path)
    if not path.is_file():
        raise ValueError(f"the DVC cache has no {md5} ({path}); `dvc pull` may bring it back")
    return entries


def remove_damaged(workspace: Workspace, target: str) -> list[Path]:
    """Remove from the cache what the stage made and no longer has the bytes that its name is the hash of; returns the paths.

    DVC takes a read-only file of its cache for whole. One that was edited in place, through a hard link in the workspace
    too, would be handed back as the stage's output for ever.
    """
    outs = {out["md5"] for out in read_lock(workspace).get(target, {}).get("outs", []) if "md5" in out}
    with open_repo(workspace) as repo:
        place = repo.cache.local.oid_to_path
    for listing in [md5 for md5 in outs if md5.endswith(".dir")]:
        outs |= set(_directory(Path(place(listing))).values())
    paths = {md5: Path(place(md5)) for md5 in sorted(outs)}
    damaged = [path for md5, path in paths.items() if path.is_file() and file_md5(path) != md5.removesuffix(".dir")]
    for path in damaged:
        path.unlink()
    return damaged


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection of the cache removed, or would remove."""

    objects: int
    size_bytes: int
    paths: tuple[Path, ...]


def collect(workspace: Workspace, keep: Iterable[str], *, dry_run: bool = False) -> Collected:
    """Remove from the cache every object that neither dvc.lock (this workspace's and its experiments') nor `keep` names.

    `keep` holds md5 hashes; a directory's (`….dir`) keeps its files too. Holds DVC's lock meanwhile.
    """
    with open_repo(workspace) as repo, repo.lock:
        cache = repo.cache.local
        wanted = set(keep)
        for root in (workspace.root, *sorted((workspace.private / "experiments").glob("*"))):
            for entry in read_lock(Workspace(root)).values():
                wanted |= {item["md5"] for part in ("deps", "outs") for item in entry.get(part, []) if "md5" in item}
        for md5 in [md5 for md5 in wanted if md5.endswith(".dir")]:
            wanted |= set(_directory(Path(cache.oid_to_path(md5))).values())
        doomed = [(md5, Path(cache.oid_to_path(md5))) for md5 in cache.all() if md5 not in wanted]
        size = sum(path.stat().st_size for _, path in doomed)
        if not dry_run:
            # Directories first: a listing without its files would look complete to nobody, the reverse would.
            for _, path in sorted(doomed, key=lambda item: not item[0].endswith(".dir")):
                path.unlink(missing_ok=True)
                shutil.rmtree(f"{path}.unpacked", ignore_errors=True)
        return Collected(len(doomed), size, tuple(path for _, path in doomed))


def _directory(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_text())}
