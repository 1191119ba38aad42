"""Files under the keys that DVC gives them in a remote: found by their md5, fetched and checked, sent once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from components.storage.atomic import atomic_path
from components.storage.dvc_cache import directory_entries
from components.storage.dvc_repository import read_lock
from components.storage.file_hashes import file_md5
from components.storage.keys import digest
from components.storage.object_store import ObjectStore
from components.storage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a folder: its path in there, the hash and the number of its bytes."""

    name: str
    md5: str
    size: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder by what it holds."""

    what: str
    """As people know it."""
    entries: tuple[Entry, ...]

    @property
    def key(self) -> str:
        """Identifies names and bytes, whatever the folder is called."""
        return digest(sorted((entry.name, entry.md5) for entry in self.entries))[:32]

    @property
    def size_bytes(self) -> int:
        return sum({entry.md5: entry.size for entry in self.entries}.values())

    def only(self, keep: Callable[[str], bool]) -> "Tree":
        """The files whose names are wanted."""
        return Tree(self.what, tuple(entry for entry in self.entries if keep(entry.name)))

    def below(self, folder: str) -> "Tree":
        """The files of a folder in it, named from there."""
        start = f"{folder}/"
        found = [entry for entry in self.entries if entry.name.startswith(start)]
        return Tree(f"{self.what}/{folder}", tuple(replace(e, name=e.name.removeprefix(start)) for e in found))


class Damaged(ValueError):
    """An object of the remote has not the bytes that its name is the hash of."""


def object_name(md5: str) -> str:
    """The key of an object below the remote's address, as DVC 3 lays it."""
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def recorded_tree(workspace: Workspace, folder: Path) -> Tree:
    """The folder as dvc.lock and DVC's cache know it, a stage's output; raises ValueError when no stage made it."""
    name = folder.relative_to(workspace.root).as_posix()
    outs = [out for stage in read_lock(workspace).values() for out in stage.get("outs", [])]
    md5 = next((out["md5"] for out in outs if out["path"] == name), None)
    if md5 is None:
        raise ValueError(f"dvc.lock names no {name}; `unimed retrain` makes it first")
    files = directory_entries(workspace, md5)
    return Tree(name, tuple(Entry(path, files[path], (folder / path).stat().st_size) for path in sorted(files)))


def fetch_object(store: ObjectStore, entry: Entry, path: Path) -> None:
    """Writes the object to the file, whole and with the right hash, or not at all. Raises Damaged when it has another one
    twice, UnreadableS3 when it cannot be had."""
    for last in (False, True):
        try:
            with atomic_path(path) as temporary:
                store.get(object_name(entry.md5), temporary)
                found = file_md5(temporary)
                if found != entry.md5:
                    raise Damaged(
                        f"{store.url}/{object_name(entry.md5)} ({entry.name}) is damaged: its md5 is {found}; remove the "
                        "object, then `dvc push` where a workspace has it whole"
                    )
            return
        except Damaged:
            if last:
                raise


def fetch_tree(store: ObjectStore, tree: Tree, folder: Path) -> None:
    """Writes the files into the folder; raises what fetch_object does."""
    for entry in tree.entries:
        fetch_object(store, entry, folder / entry.name)


def send_files(store: ObjectStore, folder: Path, names: Iterable[str], what: str) -> Tree:
    """Puts files of the folder into the remote under DVC's keys, those that are not there; what they are."""
    paths = {name: folder / name for name in sorted(names)}
    tree = Tree(what, tuple(Entry(name, file_md5(path), path.stat().st_size) for name, path in paths.items()))
    send_tree(store, tree, folder)
    return tree


def send_tree(store: ObjectStore, tree: Tree, folder: Path) -> int:
    """Puts the files, which lie in the folder, into the remote, those that are not there; how many went."""
    missing = [entry for entry in tree.entries if store.size(object_name(entry.md5)) != entry.size]
    for entry in missing:
        store.put(folder / entry.name, object_name(entry.md5))
    return len(missing)
