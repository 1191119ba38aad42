"""Another shipped recipe in the place of params.yaml; what people decided about patients stays."""

import difflib
from typing import Any

from components.recipes.recipe import read_recipe
from components.recipes.shipped import shipped_recipe
from components.storage.atomic import write_text
from components.storage.workspace import Workspace
from components.storage.yaml_files import edited, load_yaml, parse_yaml
from flows.removal import remember_excluded

MOST_SHOWN = 30
"""Lines of a difference that are printed."""
_EXCLUDED = "excluded_patients"


def use_recipe(workspace: Workspace, name: str, *, switch: bool) -> list[str]:
    """Check that params.yaml is this shipped recipe, or with `switch` make it so; returns the lines that changed.

    Patients who were taken out stay out. Raises ValueError with the difference.
    """
    before, after = workspace.params.read_text(), _with_excluded(workspace, shipped_recipe(name))
    wanted = parse_yaml(after, name)
    if load_yaml(workspace.params) == wanted:
        return []
    shown = difference(before, after, f"recipe {name}")
    if not switch:
        said = "\n".join(shown)
        raise ValueError(f"{said}\nparams.yaml is not the recipe {name} (difference above); take it with --switch")
    for source in read_recipe(workspace.params).sources:
        if source not in wanted["sources"]:
            remember_excluded(workspace, source)
    write_text(workspace.params, after)
    return shown


def difference(before: str, after: str, name: str) -> list[str]:
    """The lines of params.yaml that go (-) and come (+), the first MOST_SHOWN of them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "params.yaml", name, n=0, lineterm="")
    shown = [line for line in lines if not line.startswith("@@")]
    more = [f"… and {len(shown) - MOST_SHOWN} more lines"] if len(shown) > MOST_SHOWN else []
    return [*shown[:MOST_SHOWN], *more]


def _with_excluded(workspace: Workspace, text: str) -> str:
    """The recipe's text with the patients that this workspace took out, and the comments beside them."""
    kept: list[Any] = []
    edited(workspace.params.read_text(), lambda document: kept.append(document["assembly"].get(_EXCLUDED)))
    if not kept[0]:
        return text
    return edited(text, lambda document: document["assembly"].__setitem__(_EXCLUDED, kept[0]))
