"""Kill a piece of work at any of its writes: before each change of a file or folder, and in the middle of a file.

The work runs in a forked process, so that it dies by SIGKILL as a process does, with nothing tidied up, and starts in
milliseconds. Python's audit events say what is about to be opened, renamed, linked or removed.
"""

import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

Work = Callable[[], object]
_FILES = (".json", ".parquet", ".html", ".md", ".txt")
_WRITES = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, slots=True)
class Moment:
    """Just before a change. Where that is a sync, the file has lost its second half: a kill between two writes of it."""

    number: int
    change: str
    path: str

    @property
    def kind(self) -> tuple[str, str]:
        """The same for moments that differ in a number or a file's name alone."""
        path = Path(re.sub(r"[0-9a-f]{16,}|\d+", "#", self.path))
        return self.change, str(path.parent if path.suffix in _FILES else path)


def moments(work: Work, watched: Sequence[Path]) -> list[Moment]:
    """Every moment at which the work, run to its end in a process of its own, changes something below the folders; what the disk
    holds after a change is what it holds before the next."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)
    process = fork.Process(target=_note, args=(work, watched, there))
    process.start()
    there.close()
    found = here.recv()
    process.join()
    return found


def one_of_each(found: Sequence[Moment]) -> list[Moment]:
    """The last moment of each kind."""
    return list({moment.kind: moment for moment in found}.values())


def kill_at(moment: Moment, work: Work, watched: Sequence[Path]) -> None:
    """Run the work in a process of its own, which dies by SIGKILL at the moment."""
    process = multiprocessing.get_context("fork").Process(target=_die, args=(moment, work, watched))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, f"{moment} did not come: exit code {process.exitcode}"


def _note(work: Work, watched: Sequence[Path], there: Connection) -> None:
    found: list[Moment] = []
    _watch(watched, lambda change, path: found.append(Moment(len(found), change, str(path))))
    work()
    there.send(found)


def _die(moment: Moment, work: Work, watched: Sequence[Path]) -> None:
    left = moment.number

    def die(change: str, path: Path) -> None:
        nonlocal left
        if left == 0:
            if change == "sync":
                os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    _watch(watched, die)
    work()


def _watch(watched: Sequence[Path], hear: Callable[[str, Path], None]) -> None:
    """Tell of each change below the folders before it happens, for as long as the process lives."""
    synced = set[int]()

    def hook(event: str, arguments: tuple) -> None:
        found = _change(event, arguments)
        if found is None or not any(found[1].is_relative_to(folder) for folder in watched):
            return
        change, path = found
        if change == "sync":
            # A second sync changes nothing, and neither does that of a folder.
            if not path.is_file() or path.stat().st_ino in synced:
                return
            synced.add(path.stat().st_ino)
        hear(change, path)

    sys.addaudithook(hook)


def _change(event: str, arguments: tuple) -> tuple[str, Path] | None:
    """(what is about to happen, where) of an audit event; what a link or a rename makes is the place."""
    match event, arguments:
        case "open", (str() | os.PathLike() as path, mode, flags):
            if flags & _WRITES:
                return "write", Path(path)
            return ("sync", Path(path)) if mode is None else None  # opened by `os.open`, to be synced
        case "os.rename" | "os.link", (_, path, *_):
            return event, Path(path)
        case "os.remove" | "os.rmdir", (path, folder):
            place = Path(f"/proc/self/fd/{folder}").resolve() / path if folder >= 0 else Path(path)
            return (event, place) if place.exists() else None
        case "os.mkdir", (path, *_):
            return None if Path(path).exists() else (event, Path(path))
    return None
