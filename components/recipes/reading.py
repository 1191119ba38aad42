"""YAML 1.2 to frozen dataclasses: strict, everything wrong listed at once, the nearest known key suggested."""

import difflib
import io
import re
import reprlib
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ruamel.yaml import YAML, YAMLError

MAX_BYTES = 10 * 2**20
MAX_DEPTH = 100
"""Lists and maps in lists and maps."""
_BRACKETS = re.compile(r"[\[\]{}]")
T = TypeVar("T")


def load_yaml(path: Path, *, limit: int = MAX_BYTES) -> Any:
    """What the YAML file holds, as DVC reads it (YAML 1.2, safe types only). A broken file, or one of more than `limit`
    bytes, is a ValueError that names it."""
    if not path.is_file():
        raise ValueError(f"{path} is missing; `unimed init` writes one")
    if path.stat().st_size > limit:
        raise ValueError(f"{path} is {path.stat().st_size} bytes, over the limit of {limit}")
    text = path.read_text()
    if _depth(text) > MAX_DEPTH:
        raise ValueError(f"{path} is not YAML of ours: brackets lie more than {MAX_DEPTH} deep")
    try:
        return YAML(typ="safe", pure=True).load(text)
    except RecursionError:
        raise ValueError(f"{path} is not YAML of ours: its lists lie too deep in each other") from None
    except YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from None


def dump_yaml(value: Any) -> str:
    """YAML 1.2 text of plain values, keys in the given order."""
    out = io.StringIO()
    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style = False
    yaml.width = 120
    yaml.dump(value, out)
    return out.getvalue()


def read_dataclass(kind: type[T], value: Any, where: str) -> T:
    """`value` (from YAML) as `kind`; raises one ValueError that lists every unknown key and every bad value."""
    from pydantic import ValidationError

    problems = [f"{where}: {text}" for text in _unknown_keys(kind, value, "")]
    if not problems:
        try:
            return _adapter(kind).validate_python(value)
        except ValidationError as error:
            for item in error.errors():
                key = ".".join(str(part) for part in item["loc"])
                place = f"{where}: {key}" if key else where
                # What a whole section got is the section: the message names what of it is wrong.
                got = "" if isinstance(item["input"], dict) else f" (got {_SHORT.repr(item['input'])})"
                problems.append(f"{place}: {item['msg'].removeprefix('Value error, ')}{got}")
    raise ValueError("\n".join(problems))


MOST_NAMED = 60
"""Known names that an error lists."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when something known is near, else what is known, the first dozens of it."""
    options = sorted(known)
    close = difflib.get_close_matches(word, options, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    more = len(options) - MOST_NAMED
    return f"; known: {', '.join(options[:MOST_NAMED])}{f' … and {more} more' if more > 0 else ''}"


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 2, 200, 200, 200


def _depth(text: str) -> int:
    """How deep brackets lie in each other; those in quotes count too."""
    deepest = depth = 0
    for mark in _BRACKETS.findall(text):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


@lru_cache
def _adapter(kind: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _unknown_keys(kind: Any, value: Any, prefix: str) -> list[str]:
    if get_origin(kind) is UnionType:
        kind = next((argument for argument in get_args(kind) if is_dataclass(argument)), kind)
    if is_dataclass(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        names = {f.name for f in fields(kind)}
        found = []
        for key, inner in value.items():
            if key not in names:
                found.append(f"unknown key '{prefix}{key}'{nearest(str(key), names)}")
            else:
                found += _unknown_keys(hints[key], inner, f"{prefix}{key}.")
        return found
    if isinstance(value, dict) and (args := get_args(kind)):
        return [text for key, inner in value.items() for text in _unknown_keys(args[-1], inner, f"{prefix}{key}.")]
    return []
