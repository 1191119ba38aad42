"""Which questions are asked about which images: the answer is chosen first, so that no answer wins by being frequent."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from components.assembly.conversations.balance import UNCAPPED, Caps, by_key, by_weight, pick, shares
from components.assembly.conversations.questions.knowledge import Fact, Knowledge
from components.assembly.conversations.questions.types import YES_NO, Form

NONE: Mapping[str, float] = MappingProxyType({})
CHOICES = 4
"""Options of a choice question, at most."""
Asked = list[tuple[Fact, bool, Sequence[str]]]
"""(fact, whether the claim is true, what wrong claims and options come from)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedTurn:
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


def most_turns(known: Knowledge, form: Form, caps: Caps) -> int:
    """How many turns of one type and form the images are good for; 0 when there are no two answers."""
    pairs = form == "closed"
    return sum(_room(known, form, caps).values()) * (2 if pairs else 1)


def draw_turns(known: Knowledge, form: Form, count: int, seed: int, caps: Caps = UNCAPPED) -> list[TypedTurn]:
    """`count` training turns of one type and form, over its answers evenly as far as the caps allow; empty when it has
    no two answers. Of a closed question each claim is as often true as false."""
    key = (seed, known.kind.name, form)
    room = _room(known, form, caps)
    even = dict.fromkeys(room, 1.0)
    if form == "closed":
        pairs = shares((count + 1) // 2, even, room)
        asked = _yes_or_no if known.kind.yes_no else _true_or_false
        return _put(known, form, asked(known, pairs, caps, key)[:count], pairs, key)
    quota = shares(count, even, room)
    facts = chain.from_iterable(known.draw("", value, number, caps, *key) for value, number in sorted(quota.items()))
    return _put(known, form, [(fact, True, known.values) for fact in facts], quota, key)


def _room(known: Knowledge, form: Form, caps: Caps) -> dict[str, int]:
    """Topic (of yes-or-no facts) or value -> turns that its images are good for; of a closed question pairs of them."""
    if known.kind.yes_no:
        room = {topic: min(known.room(topic, value, caps) for value in YES_NO) for topic in known.topics}
        return {topic: pairs for topic, pairs in room.items() if pairs}
    askable = [value for value in known.values if known.wrong(value, known.values)]
    return {value: known.room("", value, caps) // (2 if form == "closed" else 1) for value in askable}


def _yes_or_no(known: Knowledge, pairs: Mapping[str, int], caps: Caps, key: tuple[object, ...]) -> Asked:
    found: Asked = []
    for topic, number in sorted(pairs.items()):
        sides = [known.draw(topic, value, number, caps, *key) for value in YES_NO]
        found += [(fact, True, known.values) for both in zip(*sides, strict=True) for fact in both]
    return found


def _true_or_false(known: Knowledge, pairs: Mapping[str, int], caps: Caps, key: tuple[object, ...]) -> Asked:
    found: list[tuple[Fact, bool]] = []
    for value, number in sorted(pairs.items()):
        facts = known.draw("", value, 2 * number, caps, *key)
        found += [(fact, place % 2 == 0) for place, fact in enumerate(facts)]
    # Halves of each value side by side would end with the last value's.
    found = [item for _, item in by_key(enumerate(found), "pairs", *key, text=lambda numbered: str(numbered[0]))]
    claims = false_claims(known, found, *key)
    return [(fact, is_true, claims.get(place, known.values)) for place, (fact, is_true) in enumerate(found)]


def false_claims(known: Knowledge, asked: Sequence[tuple[Fact, bool]], *key: object) -> dict[int, tuple[str]]:
    """Place -> the wrong claim of each question whose answer is no, such that a claim is false about as often as it is
    true: the question alone does not tell its answer."""
    surplus = Counter(fact.value for fact, is_true in asked if is_true)
    claims: dict[int, tuple[str]] = {}
    for place, (fact, is_true) in enumerate(asked):
        if not is_true:
            wrong = known.wrong(fact.value, known.values)
            most = max(surplus[value] for value in wrong)
            claim = pick([value for value in wrong if surplus[value] == most], "claim", place, *key)
            surplus[claim] -= 1
            claims[place] = (claim,)
    return claims


def _put(
    known: Knowledge, form: Form, asked: Asked, often: Mapping[str, int], key: tuple[object, ...]
) -> list[TypedTurn]:
    """The turns, each in a wording by key: by number a wording would go with an answer. The benchmark's wording comes
    twice as often as another."""
    number_of = len(known.kind.wordings[form])
    return [
        make_turn(
            known,
            form,
            fact,
            vocabulary,
            (*key, number),
            wording=pick(range(number_of + 1), "wording", *key, number) % number_of,
            says_yes=is_true,
            often=often,
        )
        for number, (fact, is_true, vocabulary) in enumerate(asked)
    ]


def make_turn(
    known: Knowledge,
    form: Form,
    fact: Fact,
    vocabulary: Sequence[str],
    key: tuple[object, ...],
    *,
    wording: int = 0,
    says_yes: bool = True,
    often: Mapping[str, float] = NONE,
) -> TypedTurn:
    """The question about the fact. Wrong values and options come from `vocabulary` (what training knows), by `key`;
    wrong options as `often` as they are right elsewhere, so that none is known to be wrong by being rare."""
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
            wrong = by_weight(known.wrong(fact.value, vocabulary), often, "option", *key)[: CHOICES - 1]
            options = tuple(by_key([fact.value, *wrong], "order", *key))
        prompt = kind.prompt(form, wording, entry, options=options)
    return TypedTurn(
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


def conversations(turns: Iterable[TypedTurn], longest: int, seed: int) -> dict[str, list[list[TypedTurn]]]:
    """Record id -> conversations of at most `longest` turns; no question type twice in one, so that no earlier answer
    gives a later one away."""
    by_record: dict[str, list[TypedTurn]] = defaultdict(list)
    for turn in turns:
        by_record[turn.record_id].append(turn)
    found: dict[str, list[list[TypedTurn]]] = {}
    for record, asked in sorted(by_record.items()):
        numbered = [(turn.type, turn.form, number, turn) for number, turn in enumerate(asked)]
        open_ones: list[list[TypedTurn]] = []
        closed_ones: list[list[TypedTurn]] = []
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
