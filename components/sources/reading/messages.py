"""Conversations of a row as messages of texts and images in their order, and the turns that they make."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.reading.columns import check_weight, is_empty
from components.sources.reading.row_records import question
from components.sources.reading.rows import need, text

IMAGE = "<image>"
ASKS, ANSWERS = ("human", "user"), ("gpt", "assistant")
SYSTEM = "system"
TALKS = ("conversations", "conversatons", "messages", "message", "conversation")
"""LLaVA-Med has the second."""
_CALLS = ("tool_calls", "function_call")
"""What a message does beside what it says: without it the answer would be half of one."""
_MARK = re.compile(r"<image>|<image[ _-]?(?P<number>\d{1,3})>|<img>(?P<name>[^<>\n]{1,500})</img>")
_TEXTS, _PICTURES = ("text", "input_text"), ("image", "image_url", "input_image")
"""Kinds of parts of a message."""
_TELLS = re.compile(
    r"\b(?:describe|caption|summar|depict|portray|what (?:does|do) (?:this|the) (?:image|picture|figure)s? show)", re.I
)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an image stands in a message."""

    named: object = None
    """What names or holds it there; None for the row's next image."""
    number: int = 0
    """Which of the row's images it is, from 1; 0 where the mark does not say."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one side says at a time."""

    role: str
    content: tuple[str | Slot, ...]

    @property
    def words(self) -> str:
        """Its texts without blanks around them, a line each."""
        return _laid_out(self.content)[0]

    @property
    def slots(self) -> list[Slot]:
        """Its images."""
        return [part for part in self.content if isinstance(part, Slot)]


def read_messages(talk: Sequence[object]) -> list[Message]:
    """LLaVA's, OpenAI's and Qwen's messages. Raises ImageError, reason 'broken conversation', for what is none, and
    'unread column' for one that is to be learnt more or less than the others."""
    return [_message(said) for said in talk]


def one_message(role: str, words: str) -> Message:
    """A message of a flat row."""
    return Message(role, tuple(_marked(words)))


def earlier(history: object) -> list[Message]:
    """The messages of a field that holds what was said before: pairs of question and answer, or messages."""
    if not isinstance(history, list):
        raise ImageError(
            "broken conversation", "a history is a list of [question, answer] pairs; mend it or take it out"
        )
    if all(isinstance(said, Mapping) for said in history):
        return read_messages(history)
    found: list[Message] = []
    for pair in history:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(words, str) for words in pair):
            raise ImageError("broken conversation", f"a history holds pairs of texts, got {str(pair)[:40]!r}")
        found += [one_message(ASKS[1], pair[0]), one_message(ANSWERS[1], pair[1])]
    return found


def place_images(said: Sequence[Message], given: Sequence[object]) -> tuple[list[Message], list[object]]:
    """(the messages, what holds each image in the order in which they are shown): of the row's own images each takes the
    mark that is its; without marks they come before all words.

    Raises ImageError, reason 'placeholders', where marks and images differ or an answer shows an image.
    """
    said = [_one_slot_each(message, given) for message in said]
    slots = [slot for message in said for slot in message.slots]
    unnamed = [slot for slot in slots if slot.named is None]
    if any(message.slots for message in said if message.role in ANSWERS):
        raise ImageError("placeholders", "an answer shows an image, which is not read; deliver a drawing as output_img")
    if not unnamed:
        lead = Message(said[0].role, (*(Slot(image) for image in given), *said[0].content)) if said and given else None
        return [lead, *said[1:]] if lead else list(said), [*given, *(slot.named for slot in slots)]
    numbers = [slot.number or place for place, slot in enumerate(unnamed, start=1)]
    if len(unnamed) < len(given) or set(numbers) != set(range(1, len(given) + 1)):
        raise ImageError("placeholders", f"{len(unnamed)} {IMAGE} marks but {len(given)} images; mark each image once")
    own = iter(numbers)
    return list(said), [given[next(own) - 1] if slot.named is None else slot.named for slot in slots]


def pair_turns(said: Sequence[Message], choices: tuple[str, ...] = ()) -> list[Turn]:
    """Question and answer in turn, each image at its place; a system message at the start goes before the first question,
    and `choices` are those of the last. Raises ImageError: 'broken conversation' for any other order, 'empty answer'."""
    said = list(said)
    if len(said) > 1 and said[0].role == SYSTEM:
        system, first = said[0], said[1]
        said[:2] = [Message(first.role, (*system.slots, *_leading(first), system.words, *_following(first)))]
    if not said or len(said) % 2:
        raise ImageError("broken conversation", f"{len(said)} messages; questions and answers come in pairs")
    pairs = list(zip(said[::2], said[1::2], strict=True))
    turns = [_turn(*pair) for pair in pairs[:-1]] + [_turn(*pairs[-1], choices)]
    if len(turns) == 1 and turns[0].kind is TurnKind.OPEN and _TELLS.search(turns[0].prompt):
        turns = [replace(turns[0], kind=TurnKind.CAPTION)]
    return _images_first(turns)


def _turn(asks: Message, answers: Message, choices: tuple[str, ...] = ()) -> Turn:
    if asks.role not in ASKS or answers.role not in ANSWERS:
        what = f"{asks.role!r} then {answers.role!r}"
        raise ImageError("broken conversation", f"{what}; a question comes before its answer")
    prompt, images_at = _laid_out(asks.content)
    if not answers.words:
        raise ImageError("empty answer", f"no answer to {prompt[:60]!r}; deliver it or leave the row out")
    if not prompt:
        return Turn(prompt="", answer=answers.words, kind=TurnKind.CAPTION, images_at=images_at)
    return replace(question(prompt, answers.words, options=choices), images_at=images_at)


def _laid_out(content: Sequence[str | Slot]) -> tuple[str, tuple[int, ...]]:
    """(the texts, a line each; characters before each image)."""
    words, images_at = "", []
    for part in content:
        if isinstance(part, Slot):
            images_at.append(len(words))
        elif part.strip():
            words = f"{words}\n{part.strip()}" if words else part.strip()
    return words, tuple(images_at)


def _images_first(turns: list[Turn]) -> list[Turn]:
    """The turns; where all images stand before the first words, nothing says so."""
    first, *others = turns
    if any(first.images_at) or any(turn.images_at for turn in others):
        return turns
    return [replace(first, images_at=()), *others]


def _leading(message: Message) -> tuple[str | Slot, ...]:
    """Its images that stand before any word."""
    number = next((n for n, part in enumerate(message.content) if isinstance(part, str) and part.strip()), None)
    return tuple(part for part in message.content[:number] if isinstance(part, Slot))


def _following(message: Message) -> tuple[str | Slot, ...]:
    lead = len(_leading(message))
    slots = iter(range(len(message.content)))
    return tuple(part for part in message.content if not (isinstance(part, Slot) and next(slots) < lead))


def _one_slot_each(message: Message, given: Sequence[object]) -> Message:
    """The message; where it names each image and marks it in its text besides, the marks are the images' places."""
    named = [slot for slot in message.slots if slot.named is not None]
    if given or not named or len(named) * 2 != len(message.slots):
        return message
    coming = iter(named)
    marks = (next(coming) if part == Slot() else part for part in message.content if part not in named)
    return Message(message.role, tuple(marks))


def _message(said: object) -> Message:
    if not isinstance(said, Mapping):
        raise ImageError("broken conversation", f"a message is an object, got {str(said)[:40]!r}")
    check_weight(said)
    if called := next((name for name in _CALLS if not is_empty(said.get(name))), ""):
        raise ImageError(
            "broken conversation", f"{called!r} of a message is not read; leave conversations with tools out"
        )
    role = text(said, "from", "role").lower()
    filled = (name for name in ("image", "images") if not is_empty(said.get(name)))
    own = [Slot(image) for name in filled for image in images_in(said[name], name)]
    content = said.get("value", said.get("content"))
    if isinstance(content, list):
        return Message(role, (*own, *(piece for part in content for piece in _part(part))))
    return Message(role, (*own, *_marked(text({"content": content}, "content"))))


def _part(part: object) -> Iterator[str | Slot]:
    """The texts and images of one part of a message."""
    if isinstance(part, str):
        part = {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        raise ImageError("broken conversation", f"a part is an object, got {str(part)[:40]!r}")
    kind = text(part, "type")
    image = next((part[name] for name in _PICTURES if not is_empty(part.get(name))), None)
    if image is None and kind in _PICTURES:
        image = next((part[name] for name in ("url", "path") if not is_empty(part.get(name))), None)
        yield Slot() if image is None else Slot(image)
    elif image is not None:
        yield Slot(need(image, "path", "url") if isinstance(image, Mapping) and not image.get("bytes") else image)
    elif kind in ("", *_TEXTS):
        yield from _marked(text(part, "text"))
    else:
        raise ImageError("broken conversation", f"a part of type {kind[:40]!r} is not read; texts and images are")


def _marked(words: str) -> Iterator[str | Slot]:
    """A text, cut where images are marked in it."""
    start = 0
    for mark in _MARK.finditer(words):
        yield words[start : mark.start()]
        yield Slot(named=mark["name"], number=int(mark["number"] or 0))
        start = mark.end()
    yield words[start:]


def images_in(value: object, name: str) -> list[object]:
    """What stands for images in a cell: a path, an object with bytes or a path, or a list of them; none in an empty list.
    Raises ImageError, reason 'missing image', where the cell or a place of its list is empty."""
    if isinstance(value, list):
        return [found for part in value for found in images_in(part, name)]
    if is_empty(value):
        fix = "deliver the image, or an empty list where the row is text alone"
        raise ImageError("missing image", f"{name!r} is empty; {fix}")
    return [value]
