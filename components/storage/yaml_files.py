"""YAML 1.2 of ours, read and written as DVC does."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

MAX_BYTES = 10 * 2**20
MAX_DEPTH = 100
"""Lists and maps in lists and maps."""
_BRACKETS = re.compile(r"[\[\]{}]")


def load_yaml(path: Path, *, limit: int = MAX_BYTES) -> Any:
    """What the YAML file holds, as DVC reads it (YAML 1.2, safe types only). A broken file, or one of more than `limit`
    bytes, is a ValueError that names it."""
    if not path.is_file():
        raise ValueError(f"{path} is missing; `unimed init` writes one")
    if path.stat().st_size > limit:
        raise ValueError(f"{path} is {path.stat().st_size} bytes, over the limit of {limit}")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not text in UTF-8: byte {error.start} is {error.object[error.start]:#04x}"
        ) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> Any:
    """What the YAML text holds; broken text is a ValueError that says `where` it stands."""
    if _depth(text) > MAX_DEPTH:
        raise ValueError(f"{where} is not YAML of ours: brackets lie more than {MAX_DEPTH} deep")
    try:
        return YAML(typ="safe", pure=True).load(text)
    except RecursionError:
        raise ValueError(f"{where} is not YAML of ours: its lists lie too deep in each other") from None
    except YAMLError as error:
        raise ValueError(f"{where} is not YAML: {' '.join(str(error).split())}") from None


def dump_yaml(value: Any) -> str:
    """YAML 1.2 text of plain values, keys in the given order."""
    out = io.StringIO()
    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style = False
    yaml.width = 120
    yaml.dump(value, out)
    return out.getvalue()


def edited(text: str, edit: Callable[[Any], None]) -> str:
    """The YAML text after the edit; comments and order of everything else stay."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1000
    yaml.indent(sequence=4, offset=2)
    document = yaml.load(text)
    edit(document)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _depth(text: str) -> int:
    """How deep brackets lie in each other; those in quotes count too."""
    deepest = depth = 0
    for mark in _BRACKETS.findall(text):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
