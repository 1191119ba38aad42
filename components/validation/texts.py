"""What a source's own texts must not be: empty, endless, full of our markers, or what a machine says instead of an answer."""

import re

from components.records.record import Record, Turn
from components.records.vocabulary import Modality, TurnKind
from components.validation.identifiers import identifier_kinds

LONGEST_PROMPT = 8_192
"""Characters."""
LONGEST_ANSWER = 16_384
"""Characters: a report with every section is shorter."""
MARKER = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?(?:image|img|video|s)>", re.IGNORECASE)
"""What stands for an image or ends a turn in some model; in a text of ours it is a placeholder that nobody filled."""
BOILERPLATE = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\b(?:i am|i'm) (?:sorry|unable),? (?:but )?(?:i (?:can(?:no|')t|am unable)|to)\b"
    r"|\bi can(?:no|')t (?:see|view|open) (?:the|this|any|your) (?:image|picture|figure)"
    r"|\ball rights reserved\b|\breproduced with permission\b|\bclick here\b|https?://\S+\s*$",
    re.IGNORECASE,
)
_GIVEN_AWAY = 5
"""Words of an answer that no question repeats by chance."""
_NAMED = r"\b(?:answer|ground truth|label)s?\s*(?:is|[:=])\s*['\"(]?"
_WORD = re.compile(r"[\w%-]+")
_ADDRESS = re.compile(r"(https?://)\S+", re.IGNORECASE)
_NO_QUESTION = (TurnKind.CAPTION, TurnKind.REPORT)


def text_columns(record: Record) -> dict[str, object]:
    """The suite's columns about a record's turns; for a record without turns all of them are in order."""
    texts = [text for turn in record.turns for text in (turn.prompt, turn.answer, *turn.options)]
    return {
        "empty_texts": ", ".join(
            f"{what} {number}" for number, turn in enumerate(record.turns, start=1) if (what := _empty(record, turn))
        ),
        "marker": _first(MARKER, texts),
        "identifiers": ", ".join(dict.fromkeys((*identifier_kinds(texts), *record.suspected))),
        # An address can name a patient: what it leads to is not repeated.
        "boilerplate": _ADDRESS.sub(r"\1…", _first(BOILERPLATE, [turn.answer for turn in record.turns])),
        # Numbers, since a text that is repeated may hold anything.
        "leaked": ", ".join(f"answer {k}" for k, turn in enumerate(record.turns, start=1) if _is_leaked(turn)),
        "prompt_characters": max((len(turn.prompt) for turn in record.turns), default=0),
        "answer_characters": max((len(turn.answer) for turn in record.turns), default=0),
        "answer_is_option": all(map(_is_option, record.turns)),
        "says_something": record.modality is not Modality.TEXT or bool(record.turns),
    }


def _empty(record: Record, turn: Turn) -> str:
    needs_prompt = turn.kind not in _NO_QUESTION and record.modality is not Modality.TEXT
    if needs_prompt and not turn.prompt.strip():
        return "question"
    return "" if turn.answer.strip() or turn.kind is TurnKind.DRAWING else "answer"


def _is_leaked(turn: Turn) -> bool:
    """Whether the question gives its answer away: named as the answer, or whole and longer than what one chooses from."""
    answer, words = turn.answer.strip(" .").lower(), _WORD.findall(turn.answer.lower())
    prompt = turn.prompt.lower()
    if turn.kind is TurnKind.DRAWING or not words:
        return False
    # Not where it stands among others: "The answer is yes or no", "Answer: yes/no".
    is_named = re.search(rf"{_NAMED}{re.escape(answer)}(?![\w-])(?!\s*(?:or\b|[/,|]))", prompt)
    is_chosen = turn.kind is TurnKind.CHOICE or " or " in prompt
    is_repeated = len(words) >= _GIVEN_AWAY and f" {' '.join(words)} " in f" {' '.join(_WORD.findall(prompt))} "
    return bool(is_named) or (is_repeated and not is_chosen)


def _is_option(turn: Turn) -> bool:
    if turn.kind is not TurnKind.CHOICE:
        return not turn.options
    return len(set(turn.options)) == len(turn.options) > 1 and turn.answer in turn.options


def _first(pattern: re.Pattern[str], texts: list[str]) -> str:
    return next((found.group() for text in texts if (found := pattern.search(text))), "")
