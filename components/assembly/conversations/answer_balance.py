"""Yes and no of a source's own questions: what is asked of us is balanced by answer, and so is what we pass on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from components.assembly.conversations.balance import by_key
from components.assembly.corpus import Entry, normal_text
from components.records.vocabulary import TurnKind

YES_AND_NO: Mapping[str, tuple[str, str]] = {
    "en": ("yes", "no"),
    "es": ("sí", "no"),
    "de": ("ja", "nein"),
    "fr": ("oui", "non"),
    "zh": ("是", "否"),
}
"""Language -> its two answers."""


def surplus_answers(entries: Iterable[Entry], seed: int) -> dict[str, frozenset[str]]:
    """Source -> ids of the records whose one question is left out, by key, so that its other answer is as frequent.

    Records of one question each: a turn of a longer conversation leans on those before it. A source that knows one
    answer alone stays as it is.
    """
    answers: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if answer := _yes_or_no(entry):
            answers[entry.source, entry.language][answer].append(entry.id)
    found: dict[str, set[str]] = defaultdict(set)
    for (source, _), by_answer in sorted(answers.items()):
        fewest = min(map(len, by_answer.values()))
        for ids in by_answer.values():
            if len(by_answer) > 1:
                found[source].update(by_key(ids, seed, "answer balance")[fewest:])
    return {source: frozenset(ids) for source, ids in sorted(found.items()) if ids}


def _yes_or_no(entry: Entry) -> str:
    """The answer of a record of one question, where it is yes or no in its language; else empty."""
    if len(entry.turns) != 1 or not entry.has_image:
        return ""
    (turn,) = entry.turns
    answer = normal_text(turn.answer)
    is_asked = turn.kind in (TurnKind.OPEN, TurnKind.CLOSED)
    return answer if is_asked and answer in YES_AND_NO.get(entry.language, ()) else ""
