"""Whether an error says that a disk is full, in whose words ever, and which one it is: how much it has and what to do."""

import errno
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

WORDS = (
    "no space left on device",
    "database or disk is full",
    "disk quota exceeded",
    "os error 28",
    "errno 28",
    "no usable temporary directory",
)
"""The kernel's, SQLite's, a quota's, Rust's, a log line's, and Python's where every temporary folder is full."""
SHARED = Path("/dev/shm")
_NOTHING = 64_000
"""Bytes: who has fewer left can write no log."""
_PLENTY = 2_000_000_000
"""Bytes: a disk that has so many left is not full."""
_NAMED = re.compile(r"'(/[^']+)'")
"""A file in the words of an error."""


def says_full(text: str) -> bool:
    """Whether the words are those of a full disk."""
    lower = text.lower()
    return any(words in lower for words in WORDS)


def is_full(error: BaseException) -> bool:
    """Whether the error, or what caused it, is a full disk."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        if isinstance(link, OSError) and link.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if says_full(str(link)):
            return True
        seen.append(link)
        link = link.__cause__ or link.__context__
    return False


def lacks_room(root: Path) -> bool:
    """Whether a disk that the workspace lies on is full now, whatever was said."""
    return any(size.free < _NOTHING for size in _rooms(_places(root)).values())


def advice(said: str, root: Path) -> str:
    """Which disk it is, how much room it has, and what to do: that of the file which the words name, else the one with the
    least room of those that a workspace's commands write to."""
    named = _NAMED.search(said)
    places = [Path(named[1])] if named else _places(root)
    found = _rooms(places)
    # What failed may be gone by now, and a small disk that nobody uses is no culprit.
    used = [place for place, size in found.items() if size.free < size.total / 2]
    place = min(used or found, key=lambda name: found[name].free)
    free, total = (f"{size / 1e6:.1f} MB" for size in (found[place].free, found[place].total))
    full = "the disk is full:" if found[place].free < _PLENTY else "a disk was full, and there is room by now:"
    return f"{full} {place} has {free} free of {total}; {remedy(place)}, then start the same command again"


def check_room(place: Path, needed: int, what: str) -> None:
    """Raise ValueError when the disk of this place has less room than what is about to be written there."""
    free = shutil.disk_usage(_standing(place)).free
    if free < needed:
        raise ValueError(
            f"{place} has {free / 1e6:.1f} MB free, {what} needs about {needed / 1e6:.1f} MB there; {remedy(place)}, then start "
            "the same command again"
        )


def temporary() -> Path:
    """The folder that temporary files are asked for, also while it is full: Python itself would go on to another one."""
    return Path(os.environ.get("TMPDIR") or "/tmp")


def remedy(place: Path) -> str:
    """How to get room at a place."""
    disk, here = (_standing(path).stat().st_dev for path in (place, Path.cwd()))
    if place.is_relative_to(SHARED):
        return "give the container more shared memory (docker run --shm-size=512m), or set compute.workers to 0"
    if disk == _standing(temporary()).stat().st_dev != here:
        return "free some space there, or set TMPDIR to a folder that has some"
    return "free some space (`unimed gc` helps)"


def _places(root: Path) -> list[Path]:
    """The workspace, what may be a link out of it, temporary files, and shared memory where there is any."""
    links = [root / ".dvc" / "cache", root / ".unimed", root / "data" / "raw"]
    return [root, *links, temporary(), *filter(Path.is_dir, [SHARED])]


def _rooms(places: Iterable[Path]) -> "dict[Path, shutil._ntuple_diskusage]":
    """Place -> its disk's size; a file system that has none is no disk."""
    found = {place: shutil.disk_usage(place) for place in map(_standing, places)}
    return {place: size for place, size in found.items() if size.total} or found


def _standing(place: Path) -> Path:
    """The place, or the nearest folder above it that there is."""
    return next(path for path in (place, *place.parents) if path.exists())
