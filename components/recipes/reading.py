"""Plain values to frozen dataclasses: strict, everything wrong listed at once, the nearest known key suggested."""

import reprlib
from dataclasses import fields, is_dataclass
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from components.recipes.nearest import nearest

T = TypeVar("T")


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


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 2, 200, 200, 200


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
    if isinstance(value, list | tuple) and (args := get_args(kind)):
        return [text for at, inner in enumerate(value) for text in _unknown_keys(args[0], inner, f"{prefix}{at}.")]
    if isinstance(value, dict) and (args := get_args(kind)):
        return [text for key, inner in value.items() for text in _unknown_keys(args[-1], inner, f"{prefix}{key}.")]
    return []
