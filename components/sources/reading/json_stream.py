"""JSON values out of a text of any length, one by one: lines, or the elements of a list that is never in memory whole."""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from components.images.limits import ImageError
from components.sources.reading.opened import BrokenOff, check_text

MAX_ROW = 8 * 2**20
"""Characters of one row: a longer one is no row but a broken file."""
_BLOCK = 2**20
_BETWEEN, _BLANKS = re.compile(r"[\s,]*"), re.compile(r"\s*")
_BOM = "\ufeff"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a character beyond the first 65,536, as JSON may write it."""


def line_values(handle: TextIO) -> Iterator[Any]:
    """The values of JSON lines; a line that is none is one ImageError. Raises BrokenOff where the last line was cut off."""
    number = 0
    while line := handle.readline(MAX_ROW):
        number += 1
        if len(line) == MAX_ROW and not line.endswith("\n"):
            yield ImageError("too large", f"line {number} is longer than {MAX_ROW} characters")
            while (rest := handle.readline(MAX_ROW)) and not rest.endswith("\n"):
                pass
            continue
        try:
            yield from (_named(value, f"line {number}") for value in _whole(line.strip().lstrip(_BOM)))
        except (ValueError, RecursionError) as error:
            what = f"line {number}: {error}"
            if not line.endswith("\n"):
                raise BrokenOff("not JSON", f"{what}; the file ends inside this line: copy it whole") from None
            yield ImageError("not JSON", what)


def stream_values(handle: TextIO) -> Iterator[Any]:
    """The elements of a list; without a list, one value after the other. A value that is no JSON by its letter, but whose
    end is known (NaN, a raw tab), is an ImageError. Raises BrokenOff where no value's end can be found."""
    text = handle.read(_BLOCK)
    in_list = text.lstrip(f"{_BOM} \t\r\n")[:1] == "["
    at = text.index("[") + 1 if in_list else 0
    while True:
        at = _end(_BETWEEN, text, at)
        if in_list and text[at : at + 1] == "]":
            return _check_end(handle, text[at + 1 :])
        value, end = _decoded(text, at)
        if end < len(text):
            yield value
            at = end
            continue
        # What ends with the block may go on in the next one.
        more = handle.read(_BLOCK)
        if not more:
            if in_list or at < len(text):
                yield from _last(text[at:], in_list=in_list)
            return
        text, at = text[at:] + more, 0
        if len(text) > MAX_ROW + _BLOCK:
            raise BrokenOff("not JSON", f"no value ends within {MAX_ROW} characters, near {text[:40]!r}; mend it there")


def json_value(text: str) -> Any:
    """The one value of a text. Raises ImageError, 'not JSON' or 'not text'."""
    try:
        values = list(_whole(text.strip().lstrip(_BOM)))
    except (ValueError, RecursionError) as error:
        raise ImageError("not JSON", f"{error}") from None
    if len(values) != 1:
        raise ImageError("not JSON", f"{len(values)} values where one is expected")
    if isinstance(values[0], ImageError):
        raise values[0]
    return values[0]


def _whole(text: str) -> Iterator[Any]:
    """The values of a text that ends with the last of them. Raises JSONDecodeError for anything else."""
    at = 0
    while at < len(text):
        value, at = _decode(text, at)
        yield value
        at = _end(_BETWEEN, text, at)


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """(value, where the next begins) of the value at a place; the end of the text where no whole value is there."""
    if at == len(text):
        return None, at
    try:
        value, end = _decode(text, at)
    except json.JSONDecodeError:
        return None, len(text)
    except RecursionError as error:
        raise BrokenOff("not JSON", f"{error}, near {text[at : at + 40]!r}; mend it there") from None
    return value, _end(_BLANKS, text, end)


def _decode(text: str, at: int) -> tuple[Any, int]:
    """(value, its end); an ImageError as the value where its end is known and it is no JSON. Raises JSONDecodeError."""
    try:
        value, end = _STRICT.raw_decode(text, at)
    except ValueError as error:
        _, end = _LENIENT.raw_decode(text, at)
        return ImageError(
            "not JSON", f"{_plain(error)}; write the file with a JSON library, missing values as null"
        ), end
    try:
        _check_letters(value, text[at:end])
    except ImageError as error:
        return error, end
    return value, end


def _check_letters(value: Any, written: str) -> None:
    check_text(written)
    if _SURROGATE.search(written):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ImageError("not text", "half a character, a lone surrogate; write the text anew") from None


def _last(rest: str, *, in_list: bool) -> Iterator[Any]:
    """The last value where nothing follows. Raises BrokenOff for none, or inside a list."""
    try:
        values = list(_whole(rest.strip()))
    except ValueError as error:
        raise BrokenOff(
            "not JSON",
            f"cannot be read on from {rest[:40]!r}: {_plain(error)}; mend it there, or copy the file whole if it was cut",
        ) from None
    if in_list:
        raise BrokenOff("not JSON", f"the file ends inside its list, near {rest[-40:]!r}; copy it whole")
    yield from values


def _check_end(handle: TextIO, rest: str) -> None:
    """Raise BrokenOff where more than blanks follows a list."""
    while not rest.strip():
        rest = handle.read(_BLOCK)
        if not rest:
            return
    near = rest.strip()[:40]
    raise BrokenOff("not JSON", f"more follows the end of its list, near {near!r}; deliver one list a file")


def _named(value: Any, place: str) -> Any:
    return ImageError(value.reason, f"{place}: {value.detail}") if isinstance(value, ImageError) else value


def _plain(error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    is_control = error.msg.startswith("Invalid control character")
    return "a raw tab or line break inside a text" if is_control else error.msg


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


_STRICT = json.JSONDecoder(parse_constant=_no_constant)
_LENIENT = json.JSONDecoder(parse_constant=str, parse_int=str, parse_float=str, strict=False)
"""Finds where a value ends that the other refuses."""
