"""What this node has fetched of a DVC remote: objects by their hash, and folders laid out of them by hard links.

A node may have several workers and several stages: who needs a folder holds its kernel lock for as long as it lives, one
fetches and the others wait for it. What nobody holds goes when room is needed, longest unused first.
"""

import fcntl
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock

from components.storage.atomic import atomic_folder, read_object, write_json, write_text
from components.storage.dvc_objects import Damaged, Entry, Tree, fetch_object
from components.storage.file_hashes import file_md5
from components.storage.full_disk import is_full
from components.storage.object_store import ObjectStore
from components.storage.s3 import downloads

FOLDER, BYTES = "UNIMED_NODE_CACHE", "UNIMED_NODE_CACHE_BYTES"
"""Environment of a node: where its cache lies, and how much it may hold (without it: what leaves a tenth of the disk free)."""
UNUSED_SECONDS = 3600.0
"""An object that no folder links to is somebody's on its way into one for no longer than this."""
_HELD: list[int] = []
"""Open files whose locks this process keeps until it ends."""


class NodeCache:
    """A folder of this node that holds no more than so many bytes."""

    def __init__(self, folder: Path, capacity_bytes: int | None = None) -> None:
        self.folder = folder
        self._capacity = capacity_bytes
        self._objects, self._kept = folder / "objects", folder / "kept"
        for made in (self._objects, self._kept):
            made.mkdir(parents=True, exist_ok=True)

    @classmethod
    def here(cls) -> "NodeCache":
        """The cache that this node's environment names; raises ValueError for a size that is no number."""
        given = os.environ.get(BYTES, "")
        if given and not given.isdigit():
            raise ValueError(f"{BYTES} is {given!r} on {socket.gethostname()}; it is a number of bytes")
        folder = Path(os.environ.get(FOLDER) or downloads() / "node")
        return cls(folder.absolute(), int(given) if given else None)

    def lay(self, tree: Tree, store: ObjectStore, say: Callable[[str], None] = print, *, instead_of: str = "") -> Path:
        """The tree as a folder of read-only files, which stays as long as this process lives. Each file was compared with
        its hash when it came, and is again when it has changed since.

        `instead_of` names what the tree is the latest of (a workspace's data set): where the last of that name was another
        tree, records may have been taken out, and all that nobody uses goes, what was made of them too.

        Raises ValueError when there is no room, Damaged or UnreadableS3 when an object cannot be had whole.
        """
        folder = self._hold(tree.key)
        with FileLock(self._kept / f"{tree.key}.lock"):
            if instead_of:
                self._succeed(instead_of, tree.key)
            if not self._is_laid(tree, folder):
                try:
                    self._fill(folder, tree, store, say)
                except OSError as error:
                    if is_full(error):
                        raise ValueError(self._no_room(tree.size_bytes, tree.what)) from error
                    raise
        return folder

    def _succeed(self, name: str, key: str) -> None:
        note = self._kept / f"{name}.latest"
        if note.is_file() and note.read_text() != key:
            with FileLock(self.folder / "room.lock"):
                for held in self._kept.glob("*.use"):
                    self._forget(held)
        write_text(note, key)

    def scratch(self, name: str) -> Path:
        """A folder of this name for what a worker writes, which stays as long as this process lives, and then until its room
        is needed."""
        folder = self._hold(name)
        folder.mkdir(exist_ok=True)
        return folder

    def _fill(self, folder: Path, tree: Tree, store: ObjectStore, say: Callable[[str], None]) -> None:
        missing = {e.md5: e.size for e in tree.entries if not self._object(e.md5).is_file()}
        self.make_room(sum(missing.values()), tree.what)
        if missing:
            say(
                f"{socket.gethostname()} fetches {len(missing)} files of {tree.what}, {sum(missing.values()) / 1e6:.1f} MB"
            )
        with atomic_folder(folder) as laid:
            for entry in tree.entries:
                target = laid / entry.name
                target.parent.mkdir(parents=True, exist_ok=True)
                self._link(entry, target, store)
            states = {entry.name: _state(laid / entry.name) for entry in tree.entries}
        write_json(self._kept / f"{tree.key}.json", states)

    def _link(self, entry: Entry, target: Path, store: ObjectStore) -> None:
        path = self._object(entry.md5)
        if path.is_file() and file_md5(path) != entry.md5:
            path.unlink()
        for _ in range(3):
            if not path.is_file():
                fetch_object(store, entry, path)
                path.chmod(0o444)
            try:
                target.hardlink_to(path)
                return
            except FileNotFoundError:  # made room of, between the two
                continue
        raise Damaged(f"{path} does not stay; is something else removing files of the node's cache?")

    def make_room(self, needed: int, what: str) -> None:
        """Removes what nobody uses, longest unused first, until so many bytes fit; raises ValueError when they do not."""
        with FileLock(self.folder / "room.lock"):
            if self._fits(needed):
                return
            for held in sorted(self._kept.glob("*.use"), key=lambda path: path.stat().st_mtime):
                self._forget(held)
                if self._fits(needed):
                    return
            raise ValueError(self._no_room(needed, what))

    def _forget(self, held: Path) -> None:
        """Removes a folder that nobody holds, and the objects that are in no folder."""
        handle = os.open(held, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            folder = held.with_suffix("")
            own = {path.stat().st_ino for path in _files(folder)}
            shutil.rmtree(folder, ignore_errors=True)
            for path in _files(self._objects):
                found = path.stat()
                if found.st_nlink == 1 and (found.st_ino in own or time.time() - found.st_ctime > UNUSED_SECONDS):
                    path.unlink(missing_ok=True)
        finally:
            os.close(handle)

    def _fits(self, needed: int) -> bool:
        disk = shutil.disk_usage(self.folder)
        if self._capacity is None:
            return disk.free - needed > disk.total / 10
        return self.size_bytes() + needed <= self._capacity and disk.free > needed

    def size_bytes(self) -> int:
        """What the cache holds, each file counted once."""
        found = (path.stat() for path in _files(self.folder))
        return sum({stat.st_ino: stat.st_size for stat in found}.values())

    def _hold(self, name: str) -> Path:
        """The folder of this name, which nobody removes while this process lives."""
        path = self._kept / f"{name}.use"
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_SH)
        os.utime(path)
        _HELD.append(handle)
        return self._kept / name

    def _is_laid(self, tree: Tree, folder: Path) -> bool:
        """Whether every file is the one that was compared with its hash."""
        note = self._kept / f"{tree.key}.json"
        states = read_object(note) if note.is_file() else {}
        return all(states.get(entry.name, [-1])[0] == entry.size for entry in tree.entries) and all(
            (folder / name).is_file() and _state(folder / name) == state for name, state in states.items()
        )

    def _object(self, md5: str) -> Path:
        return self._objects / md5[:2] / md5[2:]

    def _no_room(self, needed: int, what: str) -> str:
        free, may = (
            shutil.disk_usage(self.folder).free,
            "" if self._capacity is None else f" of {self._capacity / 1e6:.1f}",
        )
        return (
            f"the node {socket.gethostname()} has no room for {what}, {needed / 1e6:.1f} MB: its cache {self.folder} holds "
            f"{self.size_bytes() / 1e6:.1f}{may} MB, which running work needs, and the disk has {free / 1e6:.1f} MB free; set "
            f"{FOLDER} there to a folder with more room, or {BYTES} higher"
        )


def _state(path: Path) -> list[int]:
    """What changes when somebody writes to the file."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
