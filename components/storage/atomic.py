"""The one way to write a file: whole, or not at all."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEMPORARY = ".writing-"
"""Prefix of unfinished files and folders, then the process that makes them; `unimed gc` sweeps them."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; renamed over it, synced to disk, when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path` that takes its place when the block ends without an error: the old one, the new
    one or none is there, never a part of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    replaced = path.with_name(f"{TEMPORARY}{os.getpid()}-replaced-{path.name}")
    _sweep(path)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        if path.exists():
            path.replace(replaced)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        for left in (temporary, replaced):
            shutil.rmtree(left, ignore_errors=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write the bytes, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write the text as UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write sorted, indented JSON with a final newline, atomically. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def write_json_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a JSON list with one row a line, atomically: a table that DVC plots and a diff can read."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    write_text(path, f"[\n{lines}\n]\n")


def read_json(path: Path) -> object:
    """What the JSON file holds; a missing or broken file is an error that names it."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise ValueError(f"{path} is missing; `unimed status` says which stage makes it") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON ({error}); remove it and run `unimed retrain` again") from None


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in the file; raises ValueError for anything else."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise ValueError(f"{path} holds {type(value).__name__}, not an object")
    return value


def _sweep(path: Path) -> None:
    """Remove what processes that are gone, or this one, began of the folder: it may be as large as a data set."""
    begun = re.compile(rf"{re.escape(TEMPORARY)}(\d+)-(replaced-)?{re.escape(path.name)}")
    for left in path.parent.iterdir():
        found = begun.fullmatch(left.name)
        if found and (int(found[1]) == os.getpid() or not Path("/proc", found[1]).exists()):
            shutil.rmtree(left, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
