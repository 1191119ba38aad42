"""What the records of one split know about one question type: who answers it how, and who knows nothing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.assembly.conversations.balance import Caps, by_key, draw
from components.assembly.conversations.questions.types import QuestionType
from components.assembly.corpus import Entry


@dataclass(frozen=True, slots=True)
class Fact:
    """One record's answer to a question type; `topic` is the organ or finding that is asked about, else empty."""

    entry: Entry
    value: str
    topic: str = ""


class Knowledge:
    """What the records of one split know about one question type, sorted; nothing in it depends on input order."""

    def __init__(self, kind: QuestionType, entries: Iterable[Entry]) -> None:
        self.kind = kind
        ordered = sorted(entries, key=lambda entry: entry.id)
        topical = _TOPICAL.get(kind.name)
        self.facts: tuple[Fact, ...] = tuple(topical(ordered) if topical else _facts(kind, ordered))
        self.values: tuple[str, ...] = tuple(sorted({fact.value for fact in self.facts}))
        self.topics: tuple[str, ...] = tuple(sorted({fact.topic for fact in self.facts}))
        self._groups: dict[tuple[str, str], dict[str, list[Fact]]] = defaultdict(lambda: defaultdict(list))
        for fact in self.facts:
            self._groups[fact.topic, fact.value][fact.entry.patient_key].append(fact)

    def patients(self, topic: str, value: str) -> Mapping[str, list[Fact]]:
        """Patient -> facts with that value."""
        return self._groups.get((topic, value), {})

    def wrong(self, value: str, among: Sequence[str]) -> tuple[str, ...]:
        """Values that are certainly not the image's."""
        return tuple(other for other in among if other != value and self.kind.excludes(value, other))

    def room(self, topic: str, value: str, caps: Caps) -> int:
        """How many turns of one form the facts with that value are good for."""
        return sum(caps.room(len(facts)) for facts in self.patients(topic, value).values())

    def draw(self, topic: str, value: str, count: int, caps: Caps, *key: object) -> list[Fact]:
        """`count` facts with that value under the caps, in no order: patients by the square root of their images."""
        drawn = draw(self.patients(topic, value), count, caps, topic, value, *key, text=lambda fact: fact.entry.id)
        numbered = by_key(enumerate(drawn), "order", topic, value, *key, text=lambda item: str(item[0]))
        return [fact for _, fact in numbered]


def _facts(kind: QuestionType, entries: Iterable[Entry]) -> Iterable[Fact]:
    return (Fact(entry, value) for entry in entries if (value := kind.value(entry)))


def _organ_facts(entries: Sequence[Entry]) -> Iterable[Fact]:
    # An organ can be missing from a slice only where the labels of that patient know it at all; one that is cut by too
    # few pixels to be seen is neither there nor missing.
    labelled: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        labelled[entry.patient_key] |= _listed(entry, "organs")
    for entry in entries:
        if "organs" in entry.facts:
            shown = _listed(entry, "organs")
            for organ in sorted(labelled[entry.patient_key] - _listed(entry, "unclear_organs")):
                yield Fact(entry, "yes" if organ in shown else "no", organ)


def _finding_facts(entries: Sequence[Entry]) -> Iterable[Fact]:
    # What the labels do not speak of, or call uncertain, is neither there nor absent.
    for entry in entries:
        for fact, answer in (("findings", "yes"), ("absent_findings", "no")):
            for finding in sorted(_listed(entry, fact)):
                yield Fact(entry, answer, finding)


_TOPICAL: Mapping[str, Callable[[Sequence[Entry]], Iterable[Fact]]] = {
    "organ": _organ_facts,
    "finding": _finding_facts,
}
"""Question types that ask about many things, one at a time -> their facts."""


def _listed(entry: Entry, fact: str) -> set[str]:
    return {name.strip() for name in entry.facts.get(fact, "").split(";") if name.strip()}
