"""`unimed weights pack`: what this workspace trained becomes a start that other runs begin with."""

from pathlib import Path
from typing import Any

from components.recipes.recipe import read_recipe
from components.recipes.training import SHIPPED, is_start_name
from components.registry.evidence import processor
from components.sources.starts import FACTS
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace
from components.weights.packing import Making, write_start
from flows.journal import stage_seconds


def pack(workspace: Workspace, name: str, into: Path | None) -> dict[str, Any]:
    """{folder, source, sha256, bytes, images, patients, hours} of the start, in data/start or the folder `into`. Raises
    ValueError for a name that cannot be one, a start that is there already, and what `write_start` refuses."""
    if not is_start_name(name):
        raise ValueError(f"a start is called {name!r}; use lower case letters, digits and dashes")
    folder = (into or workspace.starts) / name
    if folder.exists():
        raise ValueError(f"{folder} exists already; a start keeps its bytes, so choose another name")
    recipe, machine = read_recipe(workspace.params), processor()
    seconds = sum(stage_seconds(workspace).values())
    making = Making(hours=round(seconds / 3600, 2), processor=machine["processor"], torch=machine["torch"])
    facts = write_start(workspace, recipe, name, folder, making)
    return {
        "folder": str(folder),
        "source": f"{SHIPPED}{name}",
        "sha256": file_sha256(folder / FACTS),
        "bytes": sum(file.stat().st_size for file in folder.iterdir()),
        **{key: facts[key] for key in ("images", "patients", "hours")},
    }
