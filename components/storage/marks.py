"""Which files are no longer what DVC knows them as: seen by size, times, inode and links, and decided by their bytes.

DVC takes a file of the same size, time and inode for unchanged, and a read-only file of its cache for whole whatever it
holds. Here the time at which the kernel last changed the inode counts too, which nobody can set back: an edit in place
shows, through a hard link as well.
"""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.storage.atomic import atomic_path, read_object, write_json
from components.storage.dvc_repository import open_repo, read_lock
from components.storage.full_disk import is_full
from components.storage.read_only import unless_read_only
from components.storage.workspace import Workspace
from components.storage.yaml_files import load_yaml

_FILE = "marks.json"
_WRITING = threading.Lock()
"""Stages that run side by side are brought up to date in threads of one process."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that DVC knows by its bytes."""

    path: Path
    md5: str
    stage: str
    """Which made it; of kept raw data its .dvc file."""
    in_cache: bool

    @property
    def mark(self) -> list[Any] | None:
        """What it looked like when its bytes were right; None: it is not there, which DVC sees."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        return [self.md5, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_nlink]


def note_made(workspace: Workspace, stage: str) -> None:
    """Take what the stage has just made, and its copy in the cache, for what it is: DVC has hashed it."""
    made = {str(kept.path): kept.mark for kept in _files(workspace, {stage: read_lock(workspace).get(stage, {})})}
    with _WRITING:
        marks = _read(workspace) | {path: mark for path, mark in made.items() if mark is not None}
        write_json(_place(workspace), marks)


def changed_in_place(workspace: Workspace) -> list[Kept]:
    """Files of outputs, of kept raw data and of the cache that hold other bytes than DVC knows.

    What looks as it did the last time is not read; everything else is, once.
    """
    return _compare(workspace)[0]


def edited(workspace: Workspace) -> list[Kept]:
    """The same, leaving no note of what was looked at."""
    return _compare(workspace, looks=True)[0]


def mend_changed(workspace: Workspace) -> list[Kept]:
    """The same; what was edited in the cache is put right from a copy in the workspace, or removed, and what was edited in
    the workspace gets a new time, so that DVC looks at it and makes it again."""
    changed, right = _compare(workspace)
    for path in {kept.path for kept in changed if not kept.in_cache}:
        os.utime(path)
    for path, md5 in {kept.path: kept.md5 for kept in changed if kept.in_cache}.items():
        path.unlink()
        if md5 in right:
            with atomic_path(path) as temporary:
                shutil.copyfile(right[md5], temporary)
                temporary.chmod(0o444)
    return changed


def _compare(workspace: Workspace, *, looks: bool = False) -> tuple[list[Kept], dict[str, Path]]:
    """(what changed, md5 -> a file of the workspace that still holds those bytes)."""
    before, after = _read(workspace), dict[str, list[Any]]()
    changed, right, seen = list[Kept](), dict[str, Path](), dict[int, str]()
    for kept in _files(workspace, read_lock(workspace), looks=looks):
        mark = kept.mark
        if mark is None:
            continue
        if before.get(str(kept.path)) != mark and _md5(kept.path, seen) != kept.md5.removesuffix(".dir"):
            changed.append(kept)
            continue
        after[str(kept.path)] = mark
        if not kept.in_cache:
            right[kept.md5] = kept.path
    if after != before and not looks:
        try:
            with unless_read_only():
                write_json(_place(workspace), after)
        except OSError as error:
            if not is_full(error):  # a full disk keeps nobody from looking; all is read again the next time
                raise
    return changed, right


def _md5(path: Path, seen: dict[int, str]) -> str:
    """The file's md5; names of one file are read once."""
    inode = path.stat().st_ino
    if inode not in seen:
        with path.open("rb") as handle:
            seen[inode] = hashlib.file_digest(handle, "md5").hexdigest()
    return seen[inode]


def _files(workspace: Workspace, lock: Mapping[str, Any], *, looks: bool = False) -> Iterator[Kept]:
    """Every cached output and all kept raw data: in the cache, and where they lie in the workspace."""
    outs = [(name, workspace.root / out["path"], out) for name, entry in lock.items() for out in entry.get("outs", [])]
    for kept in sorted(workspace.raw.glob("*.dvc")):
        found = load_yaml(kept).get("outs", [])
        outs += [(kept.relative_to(workspace.root).as_posix(), kept.parent / out["path"], out) for out in found]
    with open_repo(workspace, looks=looks) as repo:
        place = repo.cache.local.oid_to_path
    for name, path, out in outs:
        md5 = out.get("md5", "")
        cached = Path(place(md5)) if md5 else None
        if cached is None or not cached.is_file():  # of what it does not cache DVC reads every byte itself
            continue
        yield Kept(cached, md5, name, True)
        if not md5.endswith(".dir"):
            yield Kept(path, md5, name, False)
            continue
        for entry in _listing(cached):
            yield Kept(Path(place(entry["md5"])), entry["md5"], name, True)
            yield Kept(path / entry["relpath"], entry["md5"], name, False)


def _listing(path: Path) -> list[dict[str, str]]:
    """The entries of a directory object; none of one that is damaged, which its own hash tells."""
    try:
        return list(json.loads(path.read_bytes()))
    except ValueError:
        return []


def _place(workspace: Workspace) -> Path:
    return workspace.private / _FILE


def _read(workspace: Workspace) -> dict[str, list[Any]]:
    path = _place(workspace)
    try:
        return read_object(path) if path.is_file() else {}
    except ValueError:  # half a file: all is read again
        return {}
