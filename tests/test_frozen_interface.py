"""Commands, recipe keys, version tags and fields that programs print are those of `frozen_interface`."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from components.recipes.recipe import Recipe
from tests.benchmarks.figures import FIELDS
from tests.frozen_interface import COMMANDS, RECIPE_KEYS, VERSION_TAGS

ROOT = Path(__file__).parents[1]


def metric_shape(key: str) -> str:
    """The key as METRIC_KEYS writes it."""
    benchmark, *middle, name = key.split("/")
    if benchmark == "vqa":
        middle = middle if len(middle) < 3 else ["SPLIT", "TYPE", "FORM"]
    elif benchmark == "t2i":
        middle = ["MODALITY"] * len(middle)
    else:
        middle = ["SPLIT"] * len(middle)
    first = benchmark if benchmark in ("vqa", "caption", "t2i") else "EDIT"
    return "/".join([first, *middle, name])


def commands() -> dict[str, set[str]]:
    """Command -> its options and arguments, as the command line itself knows them."""
    from typer.main import get_command

    from flows.cli.main import app

    found: dict[str, set[str]] = {}

    def walk(command: Any, name: str) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found[name] = {max(parameter.opts, key=len) for parameter in command.params} - {"--help"}
            return
        for key, value in inner.items():
            walk(value, f"{name} {key}".strip())

    walk(get_command(app), "")
    return found


def recipe_keys(kind: Any, prefix: str = "") -> set[str]:
    """Dotted keys of a recipe; `*` stands for the names that a recipe chooses itself."""
    if get_origin(kind) is UnionType:
        arguments = [argument for argument in get_args(kind) if argument is not NoneType]
        return set().union(*(recipe_keys(argument, prefix) for argument in arguments))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return set().union(*(recipe_keys(hints[f.name], f"{prefix}.{f.name}".strip(".")) for f in fields(kind)))
    inner = [argument for argument in get_args(kind) if is_dataclass(argument)]
    return recipe_keys(inner[-1], f"{prefix}.*") if inner else {prefix}


def version_tags() -> set[str]:
    text = "".join(path.read_text() for path in (ROOT / "components" / "registry").glob("*.py"))
    return set(re.findall(r'"(unimed\.[a-z_0-9]+)"', text))


def test_commands_and_their_options_are_the_frozen_ones():
    assert {name: sorted(options) for name, options in commands().items()} == {
        k: sorted(v) for k, v in COMMANDS.items()
    }


def test_recipe_keys_are_the_frozen_ones():
    assert sorted(recipe_keys(Recipe)) == sorted(RECIPE_KEYS)


def test_version_tags_are_the_frozen_ones():
    assert sorted(version_tags()) == sorted(VERSION_TAGS)


def test_fields_of_a_benchmarks_figure_are_the_frozen_ones():
    assert FIELDS == ("name", "value", "unit", "peer", "peer_value", "ratio", "goal", "met")
