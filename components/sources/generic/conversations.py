"""Conversations as JSON or JSON lines: LLaVA's `conversations`, OpenAI's and Qwen's `messages`, UniMedVL's `message`,
and flat rows with a question and an answer. Images are paths inside the source's folder; a row without is text alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

from components.images.limits import ImageError
from components.images.stored import StoredImage
from components.records.record import Record, Turn
from components.records.vocabulary import TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import modality_of, question, read_rows, row_record, split_of
from components.sources.reading.rows import Row, json_rows, need, text

IMAGE = "<image>"
ASKS, ANSWERS = ("human", "user"), ("gpt", "assistant")
_TALKS = ("conversations", "conversatons", "messages", "message", "conversation")
"""LLaVA-Med has the second."""
_SPEAKS = (*_TALKS, "question", "query", "prompt", "instruction", "answer", "response", "output", "caption", "text")
_TELLS = re.compile(
    r"\b(?:describe|caption|summar|depict|portray|what (?:does|do) (?:this|the) (?:image|picture|figure)s? show)", re.I
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a row; a row that does not fit (marks without images, a turn without its answer) is unreadable."""
    pictures = Pictures(delivery, ("", "images"))
    yield from read_rows(delivery, (".json", ".jsonl"), json_rows, partial(read_row, delivery, pictures))


def read_row(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Record:
    """The record of a row that names or holds its images. Raises ImageError."""
    if "input_img" in row or "output_img" in row:
        return _unimedvl(delivery, pictures, name, number, row)
    shown = [pictures.of(image) for image in _images(row.get("image", row.get("images")))]
    return make_record(delivery, name, number, row, [*shown, *map(pictures.get, _messages(row)[1])])


def make_record(delivery: Delivery, name: str, number: int, row: Row, shown: Sequence[StoredImage]) -> Record:
    """The record of a row with its images. Raises ImageError, reason 'placeholders', when marks and images differ."""
    said, marked = _messages(row)
    marks = sum(words.count(IMAGE) for _, words in said)
    if marks and not marked and marks != len(shown):
        raise ImageError("placeholders", f"{marks} {IMAGE} marks but {len(shown)} images")
    caption = text(row, "caption", "text")
    if said:
        turns = pair_turns(said)
    else:
        turns = [Turn(prompt="", answer=caption, kind=TurnKind.CAPTION)] if caption else []
    if not turns:
        _refuse_unheard(row)
    return _row(delivery, name, number, row, shown, turns)


def _refuse_unheard(row: Row) -> None:
    """Raise ImageError for a row without a turn that seems to hold one: its words would be lost in silence."""
    for name, value in row.items():
        if name in _TALKS and value:
            raise ImageError("broken conversation", f"{name} is a list of messages, got {str(value)[:40]!r}")
        near = [] if name in _SPEAKS or name.endswith("id") else get_close_matches(name, _SPEAKS, n=1, cutoff=0.85)
        if near and value:
            raise ImageError("unknown field", f"the row says nothing but in {name!r}; did you mean {near[0]!r}?")


def _unimedvl(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Record:
    """A row of the published JSON lines: with input images a question, with output images a drawing, with both an edit.
    As published, an edit takes the first image of each side, and its last question and answer."""
    before, after = _images(row.get("input_img")), _images(row.get("output_img"))
    said, _ = _messages(row)
    if not after:
        marks = sum(words.count(IMAGE) for _, words in said)
        if marks != len(before):
            raise ImageError("placeholders", f"{marks} {IMAGE} marks but {len(before)} images")
        return _row(delivery, name, number, row, [pictures.of(image) for image in before], pair_turns(said))
    asked = [_clean(words) for role, words in said if role in ASKS]
    replies = [_clean(words) for role, words in said if role in ANSWERS]
    if not asked or not asked[-1]:
        raise ImageError("no instruction", "a row with an output image says what to draw")
    turn = Turn(prompt=asked[-1], answer=replies[-1] if replies else "", kind=TurnKind.DRAWING)
    output = pictures.of(after[0])
    shown = [pictures.of(before[0])] if before else [output]
    return _row(delivery, name, number, row, shown, [turn], targets={"output": output.data} if before else None)


def _row(
    delivery: Delivery,
    name: str,
    number: int,
    row: Row,
    shown: Sequence[StoredImage],
    turns: Sequence[Turn],
    targets: Mapping[str, bytes] | None = None,
) -> Record:
    stem = name.rsplit(".", 1)[0]
    chinese = sum(bool(_CHINESE.search(turn.prompt + turn.answer)) for turn in turns)
    label = text(row, "label", "class")
    return row_record(
        delivery,
        f"{stem}-{number:07d}",
        shown,
        turns,
        subject=text(row, "patient_id", "patient", "subject_id", "subject"),
        modality=modality_of(_domain(row)),
        facts={"description": f"label {label}"} if label else None,
        targets=targets,
        file=name,
        locator=f"row {number}",
        licence=text(row, "licence", "license") or "unknown",
        language="zh" if turns and chinese * 2 > len(turns) else "en",
        split=split_of(text(row, "split")) or split_of(name),
    )


def pair_turns(said: Sequence[tuple[str, str]]) -> list[Turn]:
    """Question and answer in turn, marks of images taken out; a system message at the start goes before the first
    question. Raises ImageError, reason 'broken conversation', for any other order or an empty answer."""
    said = [(role, _clean(words)) for role, words in said]
    system = ""
    if said and said[0][0] == "system":
        system, said = said[0][1], said[1:]
    turns = []
    if not said or len(said) % 2:
        raise ImageError("broken conversation", f"{len(said)} messages; questions and answers come in pairs")
    for (asks, prompt), (answers, answer) in zip(said[::2], said[1::2], strict=True):
        if asks not in ASKS or answers not in ANSWERS:
            raise ImageError("broken conversation", f"{asks!r} then {answers!r}; a question comes before its answer")
        if not answer:
            raise ImageError("broken conversation", f"no answer to {prompt[:60]!r}")
        prompt = f"{system}\n{prompt}".strip() if system and not turns else prompt
        turn = question(prompt, answer)
        tells = not prompt or (turn.kind is TurnKind.OPEN and len(said) == 2 and _TELLS.search(prompt))
        turns.append(Turn(prompt=prompt, answer=answer, kind=TurnKind.CAPTION) if tells else turn)
    return turns


def _messages(row: Row) -> tuple[list[tuple[str, str]], list[str]]:
    """((role, words) in order, paths of images named inside the messages); a flat row is one question."""
    talk = next((row[name] for name in _TALKS if isinstance(row.get(name), list)), None)
    if talk is None:
        asked = text(row, "question", "query", "prompt", "instruction")
        return [("user", asked), ("assistant", need(row, "answer", "response", "output"))] if asked else [], []
    said: list[tuple[str, str]] = []
    images: list[str] = []
    for message in talk:
        if not isinstance(message, dict):
            raise ImageError("broken conversation", f"a message is an object, got {str(message)[:40]!r}")
        content = message.get("value", message.get("content"))
        if isinstance(content, list):
            words, named = _parts(content)
            images += named
        else:
            words = text({"content": content}, "content")
        said.append((text(message, "from", "role").lower(), words))
    return said, images


def _parts(content: Sequence[Any]) -> tuple[str, list[str]]:
    """Texts and images of a message that comes in parts."""
    words: list[str] = []
    images: list[str] = []
    for part in content:
        if not isinstance(part, dict):
            raise ImageError("broken conversation", f"a part is an object, got {str(part)[:40]!r}")
        image = part.get("image_url", part.get("image"))
        if image is not None:
            images += _names(image)
        elif found := text(part, "text"):
            words.append(found)
    return "\n".join(words), images


def _images(value: Any) -> list[Any]:
    """What stands for images in a cell: a path, an object with bytes or a path, or a list of them."""
    if value is None or value == "":
        return []
    return [found for part in value for found in _images(part)] if isinstance(value, list) else [value]


def _names(value: Any) -> list[str]:
    """Paths in a part of a message: text, or an object with a path or an address."""
    if isinstance(value, Mapping):
        return [need(value, "path", "url")]
    if isinstance(value, str):
        return [value]
    raise ImageError("bad path", f"an image is a path, got {str(value)[:40]!r}")


def _domain(row: Row) -> str:
    domain = row.get("domain")
    if isinstance(domain, Mapping):
        return next((name for name, holds in domain.items() if holds), "")
    return text(row, "modality", "domain")


def _clean(words: str) -> str:
    return words.replace(IMAGE, " ").strip()
