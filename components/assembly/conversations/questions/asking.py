"""Which questions are asked about which images: the answer is chosen first, so that no answer wins by being frequent."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.assembly.conversations.balance import Weights, by_key, pick
from components.assembly.conversations.questions.types import YES_NO, Form, QuestionType
from components.assembly.corpus import Entry

CHOICES = 4
"""Options of a choice question, at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One question about one image, with its answer."""

    record_id: str
    type: str
    form: Form
    prompt_id: str
    prompt: str
    answer: str
    options: tuple[str, ...] = ()
    value: str = ""
    """What the image shows (the fact), whatever the question asserts."""
    asserted: str = ""
    """What a closed question claims; empty for yes-or-no facts."""


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
        self._weights = {
            group: Weights({patient: len(facts) ** 0.5 for patient, facts in patients.items()})
            for group, patients in self._groups.items()
        }

    def patients(self, topic: str, value: str) -> Mapping[str, list[Fact]]:
        """Patient -> facts with that value."""
        return self._groups.get((topic, value), {})

    def wrong(self, value: str, among: Sequence[str]) -> tuple[str, ...]:
        """Values that are certainly not the image's."""
        return tuple(other for other in among if other != value and self.kind.excludes(value, other))

    def draw(self, topic: str, value: str, *key: object) -> Fact:
        """A fact with that value: a patient by the square root of its images, then an image."""
        patient = self._weights[topic, value].pick("patient", *key)
        return pick(self._groups[topic, value][patient], "image", *key)


def draw_turns(known: Knowledge, form: Form, count: int, seed: int) -> list[Turn]:
    """`count` training turns of one type and form, over its answers evenly; empty when it has no two answers."""
    topics = [t for t in known.topics if sum(bool(known.patients(t, v)) for v in known.values) > 1]
    askable = [value for value in known.values if known.wrong(value, known.values)]
    if not topics or not askable:
        return []
    turns = []
    for number in range(count):
        key = (seed, known.kind.name, form, number)
        # By key, not by number: a wording must not go with an answer.
        wording = pick(range(len(known.kind.wordings[form])), "wording", *key)
        if form == "closed" and known.kind.yes_no:
            topic, value = topics[(number // 2) % len(topics)], YES_NO[number % 2]
            turns.append(make_turn(known, form, known.draw(topic, value, *key), known.values, key, wording=wording))
            continue
        value = askable[(number // 2 if form == "closed" else number) % len(askable)]
        fact = known.draw("", value, *key)
        turns.append(make_turn(known, form, fact, known.values, key, wording=wording, says_yes=number % 2 == 0))
    return turns


def make_turn(
    known: Knowledge,
    form: Form,
    fact: Fact,
    vocabulary: Sequence[str],
    key: tuple[object, ...],
    *,
    wording: int = 0,
    says_yes: bool = True,
) -> Turn:
    """The question about the fact. Wrong values and options come from `vocabulary` (what training knows), by `key`."""
    kind, entry = known.kind, fact.entry
    options: tuple[str, ...] = ()
    asserted, answer = "", fact.value
    if form == "closed" and kind.yes_no:
        prompt = kind.prompt(form, wording, entry, fact.topic)
    elif form == "closed":
        wrong = known.wrong(fact.value, vocabulary)
        says_yes = says_yes or not wrong
        asserted = fact.value if says_yes else pick(wrong, "asserted", *key)
        answer = "yes" if says_yes else "no"
        prompt = kind.prompt(form, wording, entry, asserted)
    else:
        if form == "choice":
            wrong = by_key(known.wrong(fact.value, vocabulary), "option", *key)[: CHOICES - 1]
            options = tuple(by_key([fact.value, *wrong], "order", *key))
        prompt = kind.prompt(form, wording, entry, options=options)
    return Turn(
        record_id=entry.id,
        type=kind.name,
        form=form,
        prompt_id=kind.prompt_id(form),
        prompt=prompt,
        answer=answer,
        options=YES_NO if form == "closed" else options,
        value=fact.value,
        asserted=asserted or fact.topic,
    )


def conversations(turns: Iterable[Turn], longest: int, seed: int) -> dict[str, list[list[Turn]]]:
    """Record id -> conversations of at most `longest` turns; no question type twice in one, so that no earlier answer
    gives a later one away."""
    by_record: dict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        by_record[turn.record_id].append(turn)
    found: dict[str, list[list[Turn]]] = {}
    for record, asked in sorted(by_record.items()):
        numbered = [(turn.type, turn.form, number, turn) for number, turn in enumerate(asked)]
        open_ones: list[list[Turn]] = []
        closed_ones: list[list[Turn]] = []
        for *_, turn in by_key(numbered, "order", seed, record, text=lambda item: repr(item[:3])):
            place = next((c for c in open_ones if all(turn.type != other.type for other in c)), None)
            if place is None:
                open_ones.append(place := [])
            place.append(turn)
            if len(place) == longest:
                open_ones.remove(place)
                closed_ones.append(place)
        found[record] = closed_ones + open_ones
    return found


def _facts(kind: QuestionType, entries: Iterable[Entry]) -> Iterable[Fact]:
    return (Fact(entry, value) for entry in entries if (value := kind.value(entry)))


def _organ_facts(entries: Sequence[Entry]) -> Iterable[Fact]:
    # An organ can be missing from a slice only where the labels of that patient know it at all.
    labelled: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        labelled[entry.patient_key] |= organs(entry)
    for entry in entries:
        if "organs" in entry.facts:
            for organ in sorted(labelled[entry.patient_key]):
                yield Fact(entry, "yes" if organ in organs(entry) else "no", organ)


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


def organs(entry: Entry) -> set[str]:
    """Structures that the labels show in this image."""
    return _listed(entry, "organs")


def _listed(entry: Entry, fact: str) -> set[str]:
    return {name.strip() for name in entry.facts.get(fact, "").split(";") if name.strip()}
