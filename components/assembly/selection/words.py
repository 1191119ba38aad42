"""What a record says: the words that tell its image from others, and whether two records say the same."""

import re
from collections.abc import Sequence

from components.assembly.corpus import Entry, normal_text
from components.assembly.selection.near_texts import are_near
from components.records.record import Turn
from components.records.vocabulary import TurnKind

LEAST_WORDS = 8
"""Shorter texts are compared whole: two patients' short answers are alike by nature."""
_CHARACTERS = re.compile(r"[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]")
_SENTENCE = re.compile(r"(?<=[.!?:;。！？])\s*|\n+")


def texts(entry: Entry) -> list[str]:
    """Every prompt and answer, in order, as far as it tells two texts apart."""
    return [normal_text(text) for turn in entry.turns for text in (turn.prompt, turn.answer)]


def words(entry: Entry) -> str:
    """All that the source says of the record as words between single blanks, each Chinese character one; "" for little."""
    return _of_weight(" ".join(texts(entry)))


def told(entry: Entry) -> tuple[str, ...]:
    """The texts that belong to the record alone, turn by turn: the answers of captions, and what text without an image says.

    Prompts of captions are anybody's, questions and reports of different patients are alike by nature.
    """
    if entry.has_image:
        said = [_of_weight(turn.answer) for turn in entry.turns if turn.kind is TurnKind.CAPTION]
    else:
        said = [_statement(turn) for turn in entry.turns]
    return tuple(dict.fromkeys(text for text in said if text))


def says_again(one: Entry, other: Entry) -> bool:
    """Whether both ask nearly the same and answer nearly the same. Sentences that both prompts share are an instruction;
    what is left beside them is compared whole where it is short."""
    asked, asked_other = (_sentences(entry) for entry in (one, other))
    shared = set(asked) & set(asked_other)
    question, question_other = (
        " ".join(sentence for sentence in sentences if sentence not in shared) for sentences in (asked, asked_other)
    )
    is_short = min(len(question.split()), len(question_other.split())) < LEAST_WORDS
    if question != question_other and shared and is_short:
        return False
    answer, answer_other = (" ".join(normal_text(turn.answer) for turn in entry.turns) for entry in (one, other))
    return _nearly(question, question_other) and _nearly(answer, answer_other)


def _statement(turn: Turn) -> str:
    """A turn of text without an image: its answer, its question where that is a word or two, both where both are short."""
    return _of_weight(turn.answer) or _of_weight(turn.prompt) or _of_weight(f"{turn.prompt} {turn.answer}")


def _of_weight(text: str) -> str:
    found = _CHARACTERS.sub(r" \g<0> ", normal_text(text)).split()
    return " ".join(found) if len(found) >= LEAST_WORDS else ""


def _sentences(entry: Entry) -> Sequence[str]:
    parts = (part for turn in entry.turns for part in _SENTENCE.split(turn.prompt))
    return [said for part in parts if (said := normal_text(part))]


def _nearly(one: str, other: str) -> bool:
    return one == other or bool(one and other and are_near(one, other))
