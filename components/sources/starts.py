"""Starts: finished weights of ours that a recipe may begin with, laid into a workspace by hash as raw data are.

A start is a checkpoint folder in which lie besides `start.json`, which says what it is, how it was made and the hash of
every other file; `seen.parquet`, what it was trained on; its scores on val; and README.md, its card.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.recipes.nearest import nearest
from components.recipes.training import StartSettings
from components.storage.atomic import atomic_path, read_object
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace

FACTS, SEEN, CARD, SCORES = "start.json", "seen.parquet", "README.md", "scores-00000.parquet"
SCHEMA = 1
_SHIPPED = Path(__file__).with_name("shipped_starts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """A start whose every byte is the one that its recipe names."""

    folder: Path
    facts: dict[str, Any]
    """start.json."""

    @property
    def name(self) -> str:
        return self.facts["name"]

    @property
    def described(self) -> dict[str, Any]:
        """What a data set and a version say of it: name, hash, recipe, data set, and the licences of what it was trained on."""
        told = {name: self.facts[name] for name in ("name", "recipe", "dataset_id", "licences")}
        return {**told, "sha256": file_sha256(self.folder / FACTS)}

    @property
    def seen(self) -> Path:
        """The table of what it was trained on."""
        return self.folder / SEEN


def lay_start(workspace: Workspace, settings: StartSettings) -> list[str]:
    """Have the start that the recipe names in data/start; a line for each file that was written. The folder is there in
    any case.

    Missing files are restored from the package, equal ones left alone. Raises ValueError for a start that is not here,
    and for one that is not the recipe's.
    """
    workspace.starts.mkdir(parents=True, exist_ok=True)
    if not settings.shipped:
        return []
    folder, shipped = workspace.starts / settings.shipped, _SHIPPED / settings.shipped
    lines = []
    for file in sorted(shipped.iterdir()) if shipped.is_dir() else ():
        if not (folder / file.name).exists():
            with atomic_path(folder / file.name) as temporary:
                shutil.copyfile(file, temporary)
            lines.append(f"delivered start/{settings.shipped}/{file.name}")
    open_start(workspace, settings.shipped, settings.sha256)
    return lines


def open_start(workspace: Workspace, name: str, sha256: str) -> Start:
    """The start of this name and hash, every file checked. Raises ValueError that names what is not its own."""
    folder = workspace.starts / name
    if not folder.is_dir():
        known = {path.name for place in (workspace.starts, _SHIPPED) if place.is_dir() for path in place.iterdir()}
        raise ValueError(f"there is no start {name!r} ({folder}){nearest(name, known)}")
    if (found := file_sha256(folder / FACTS)) != sha256:
        raise ValueError(
            f"{folder} is another start than the recipe's: its {FACTS} has sha256 {found}, start.sha256 is "
            f"{sha256}; put the recipe's there, or state this one's hash"
        )
    facts = read_object(folder / FACTS)
    if facts.get("schema") != SCHEMA:
        raise ValueError(f"{folder} is a start of schema {facts.get('schema')}, this code reads {SCHEMA}")
    for file, stated in facts["files"].items():
        if not (folder / file).is_file() or file_sha256(folder / file) != stated:
            raise ValueError(f"{folder / file} is not the start's own; remove it, the next run lays it there again")
    return Start(folder=folder, facts=facts)
