"""Adding a source: its files into data/raw, its name into params.yaml with comments and order kept."""

import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.recipes.reading import nearest
from components.recipes.recipe import read_recipe
from components.storage.atomic import TEMPORARY, atomic_folder, write_text
from components.storage.workspace import Workspace


def check_new_source(workspace: Workspace, name: str, path: Path, format_name: str) -> None:
    """Raise ValueError when a source of this name, from this folder, in this format cannot be added."""
    from components.sources.table import ADAPTERS

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}", name):
        raise ValueError(f"source name {name!r}: use lower case letters, digits and dashes")
    recipe = read_recipe(workspace.params)
    if name in recipe.sources:
        raise ValueError(
            f"source {name!r} is there already ({recipe.sources[name].path}); put new files into that folder"
        )
    if format_name not in ADAPTERS:
        raise ValueError(f"unknown format {format_name!r}{nearest(format_name, ADAPTERS)}")
    if not path.is_dir():
        raise ValueError(f"--path {path} is not a folder")
    if not any(path.iterdir()):
        raise ValueError(f"--path {path} is empty")
    inside = (workspace.raw / name).resolve()
    if inside.exists() and path.resolve() != inside:
        raise ValueError(f"{inside} exists already; remove it or choose another name")


def add_source(workspace: Workspace, name: str, path: Path, format_name: str) -> None:
    """Copy the folder to data/raw/<name> (links are not followed) and name it in params.yaml, the name last."""
    target = workspace.raw / name
    if path.resolve() != target.resolve():
        with atomic_folder(target) as folder:
            shutil.copytree(
                path, folder, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(f"{TEMPORARY}*")
            )
    write_text(workspace.params, with_source(workspace.params.read_text(), name, f"data/raw/{name}", format_name))


def with_source(text: str, name: str, path: str, format_name: str) -> str:
    """The YAML text with one more source; comments and order of everything else stay."""

    def add(document: Any) -> None:
        document["sources"][name] = {"path": path, "format": format_name}

    return edited(text, add)


def edited(text: str, edit: Callable[[Any], None]) -> str:
    """The YAML text after the edit; comments and order of everything else stay."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1000
    document = yaml.load(text)
    edit(document)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()
