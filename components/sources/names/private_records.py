"""Records of a private source with their texts screened: dates moved by one span a patient, and what may name somebody
said of the record, which validation then holds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from components.images.deidentify import date_shift
from components.records.record import Record, Turn
from components.records.vocabulary import FREE_FACTS
from components.sources.delivery_folder import Delivery
from components.sources.names.outside import OutsideTexts
from components.sources.names.screening import Screened, screened
from components.storage.keys import keyed_hash

OTHER_TEXT = "de-identified text of another delivered one"


def text_hash(text: str, delivery: Delivery) -> str:
    """What stands for a delivered text beside the one that replaces it: nobody without the secret can try texts."""
    return keyed_hash("text", text, key=delivery.secret)


def texts_of(record: Record) -> Iterator[tuple[str, str]]:
    """(place, text) of all that a source itself says in a record: its turns and the facts that hold a sentence."""
    for number, turn in enumerate(record.turns, start=1):
        yield f"prompt {number}", turn.prompt
        yield f"answer {number}", turn.answer
        yield from ((f"option {number}.{at}", option) for at, option in enumerate(turn.options, start=1))
    yield from ((f"fact {name}", record.facts[name]) for name in FREE_FACTS if record.facts.get(name))
    yield "licence", record.licence


def screened_record(record: Record, *, subject: str, delivery: Delivery, outside: OutsideTexts) -> Record:
    """The record with its texts screened. `subject` is its patient before the id was masked; texts of `outside` stand in
    for those that they were made of, and are not guessed at."""
    settings = delivery.settings
    work = _Work(
        shift=date_shift(subject, delivery.patient_secret),
        order=settings.date_order or "",
        guesses=not settings.deidentified,
        told=outside.of(record.id),
        delivery=delivery,
    )
    found = {place: work.of(place, text) for place, text in texts_of(record)}
    turns = tuple(_turn(turn, number, found) for number, turn in enumerate(record.turns, start=1))
    facts = {
        name: found[f"fact {name}"].text if f"fact {name}" in found else value for name, value in record.facts.items()
    }
    kinds = dict.fromkeys(kind for each in found.values() for kind in each.kinds)
    return replace(
        record,
        turns=turns,
        facts=facts,
        suspected=(*work.wrong, *kinds),
        is_private=True,
        licence=found["licence"].text,
    )


@dataclass(slots=True)
class _Work:
    """What holds for all texts of one record."""

    shift: timedelta
    order: str
    guesses: bool
    told: dict[str, tuple[str, str]]
    """Place -> (hash of the delivered text, what stands in for it)."""
    delivery: Delivery
    wrong: list[str] = field(default_factory=list)

    def of(self, place: str, text: str) -> Screened:
        if place not in self.told:
            return screened(text, shift=self.shift, order=self.order, guesses=self.guesses)
        delivered, instead = self.told[place]
        if delivered != text_hash(text, self.delivery):
            self.wrong = [OTHER_TEXT]
        return screened(instead, shift=self.shift, order=self.order, guesses=False)


def _turn(turn: Turn, number: int, found: dict[str, Screened]) -> Turn:
    prompt = found[f"prompt {number}"]
    options = tuple(found[f"option {number}.{at}"].text for at in range(1, len(turn.options) + 1))
    places = tuple(min(prompt.place(at), len(prompt.text)) for at in turn.images_at)
    return replace(turn, prompt=prompt.text, answer=found[f"answer {number}"].text, options=options, images_at=places)


def delivered_texts(records: Iterable[Record], delivery: Delivery) -> Iterator[dict[str, str]]:
    """A row (id, place, delivered, text) for each text of the records, which are masked and not screened yet."""
    for record in records:
        for place, text in texts_of(record):
            if text:
                yield {"id": record.id, "place": place, "delivered": text_hash(text, delivery), "text": text}
