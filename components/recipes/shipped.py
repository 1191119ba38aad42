"""The recipes that come with the package. One that differs from another by a few values names it and holds those alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.recipes.nearest import nearest
from components.recipes.reading import read_dataclass
from components.recipes.recipe import Recipe
from components.storage.yaml_files import edited, load_yaml, parse_yaml

SHIPPED = ("tiny", "tiny-scratch", "tiny-start", "small", "unimedvl-14b")
GRAPH = "dvc.yaml"
BASE = "base"
"""Key of the recipe that a short one begins with."""
_HERE = Path(__file__).parent


def shipped_recipe(name: str) -> str:
    """The whole text of a recipe that comes with the package, as a workspace's params.yaml. Raises ValueError for an
    unknown name."""
    if name not in SHIPPED:
        raise ValueError(f"unknown recipe {name!r}{nearest(name, SHIPPED)}")
    path = _HERE / f"{name}.yaml"
    values = load_yaml(path)
    if BASE not in values:
        return path.read_text()
    head, (_, text) = _split(path.read_text())[0], _split(shipped_recipe(values.pop(BASE)))
    return head + edited(text, lambda document: _merge(document, values))


def read_shipped(name: str) -> Recipe:
    """The recipe of this name that comes with the package."""
    return read_dataclass(Recipe, parse_yaml(shipped_recipe(name), name), name)


def shipped_graph() -> str:
    """The stage graph of this release, as a workspace's dvc.yaml."""
    return (_HERE / GRAPH).read_text()


def _split(text: str) -> tuple[str, str]:
    """(what the text says of itself in its first lines, the rest)."""
    lines = text.splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "".join(lines[:first]), "".join(lines[first:])


def _merge(document: Any, values: Mapping[str, Any]) -> None:
    """Put the values into the document, maps into maps."""
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(document.get(key), Mapping):
            _merge(document[key], value)
        else:
            document[key] = value
