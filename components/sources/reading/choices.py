"""The choices of a question, as rows give them, and which of them is the answer."""

import re
from collections.abc import Mapping
from typing import Any

from components.images.limits import ImageError
from components.sources.reading.columns import LETTERS, is_empty
from components.sources.reading.rows import need_answer, text

_LISTS = ("choices", "options", "Choices", "Options")
_LETTERED = ("option_{}", "choice_{}", "option{}", "choice{}", "Option {}", "Choice {}")
_LETTER = re.compile(r"^\(?([A-H])[).:]?$")
_BEGINS = re.compile(r"^\s*\(?([A-H])[).:]\s+")


def read_choices(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of the choices without their letters; none where the row has none. Raises ImageError, 'bad options'."""
    found = next((row.get(name) for name in _LISTS if not is_empty(row.get(name))), None)
    if found is None:
        found = next((texts for form in _LETTERED if (texts := _lettered(row, form))), [])
    texts = list(found.values()) if isinstance(found, Mapping) else found
    if not isinstance(texts, list):
        fix = "in a table each has a column: option_A, option_B"
        raise ImageError("bad options", f"choices are a list of texts, got {str(found)[:40]!r}; {fix}")
    said = [text({"choice": choice}, "choice") for choice in texts]
    if not all(said):
        raise ImageError("bad options", f"choice {said.index('') + 1} holds no text")
    begins = [match[1] if (match := _BEGINS.match(choice)) else "" for choice in said]
    is_lettered = begins == list(LETTERS[: len(said)])
    return tuple(_BEGINS.sub("", choice).strip() if is_lettered else choice for choice in said)


def chosen(row: Mapping[str, Any], choices: tuple[str, ...], *names: str) -> str:
    """The text of the choice that the first filled of the named fields gives, as its text or its letter.

    Raises ImageError, 'bad options': a number is refused, since some count from 0 and others from 1.
    """
    answer = text(row, *names) or need_answer(row, *names)
    if answer in choices:
        return answer
    plain = _BEGINS.sub("", answer).strip()
    if plain in choices:
        return plain
    letter = _LETTER.match(answer)
    if letter and LETTERS.index(letter[1]) < len(choices):
        return choices[LETTERS.index(letter[1])]
    if answer.isdigit():
        raise ImageError("bad options", f"the answer {answer} counts from 0 or from 1; write the choice or its letter")
    raise ImageError("bad options", f"the answer {answer[:60]!r} is none of the {len(choices)} choices")


def _lettered(row: Mapping[str, Any], form: str) -> list[str]:
    """The choices of one column each, up to the first that is not filled."""
    found: list[str] = []
    for letter in LETTERS:
        choice = text(row, form.format(letter)) or text(row, form.format(letter.lower()))
        if not choice:
            break
        found.append(choice)
    return found
