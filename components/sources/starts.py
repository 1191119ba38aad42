"""Starts: finished weights of ours that a recipe may begin with, laid into a workspace by hash as raw data are.

A start is a checkpoint folder in which lie besides `start.json`, which says what it is, how it was made and the hash of
every other file; `seen.parquet`, what it was trained on; and README.md, its card.
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

FACTS, SEEN, CARD = "start.json", "seen.parquet", "README.md"
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
    open_start(workspace, settings)
    return lines


def open_start(workspace: Workspace, settings: StartSettings) -> Start:
    """The start that the recipe names, every file checked. Raises ValueError that names what is not its own."""
    folder = workspace.starts / settings.shipped
    if not folder.is_dir():
        known = {path.name for place in (workspace.starts, _SHIPPED) if place.is_dir() for path in place.iterdir()}
        raise ValueError(f"there is no start {settings.shipped!r} ({folder}){nearest(settings.shipped, known)}")
    if (found := file_sha256(folder / FACTS)) != settings.sha256:
        raise ValueError(
            f"{folder} is another start than the recipe's: its {FACTS} has sha256 {found}, start.sha256 is "
            f"{settings.sha256}; put the recipe's there, or state this one's hash"
        )
    facts = read_object(folder / FACTS)
    if facts.get("schema") != SCHEMA:
        raise ValueError(f"{folder} is a start of schema {facts.get('schema')}, this code reads {SCHEMA}")
    for name, sha256 in facts["files"].items():
        if not (folder / name).is_file() or file_sha256(folder / name) != sha256:
            raise ValueError(f"{folder / name} is not the start's own; remove it, the next run lays it there again")
    return Start(folder=folder, facts=facts)
