"""Conversations as JSON or JSON lines: LLaVA's `conversations`, OpenAI's and Qwen's `messages`, UniMedVL's `message`;
and flat rows with a question and an answer or a caption, in tables (CSV, TSV) too. Images are paths inside the source's
folder; a row without is text alone."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from components.images.limits import ImageError
from components.images.stored import StoredImage
from components.records.record import Record, Turn
from components.records.vocabulary import Split, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.choices import chosen, read_choices
from components.sources.reading.columns import HELD_OUT, PATIENTS, SPLITS, called, is_empty, names_picture, plain
from components.sources.reading.languages import ENGLISH, language_of
from components.sources.reading.messages import (
    ANSWERS,
    ASKS,
    IMAGE,
    SYSTEM,
    TALKS,
    Message,
    earlier,
    images_in,
    one_message,
    pair_turns,
    place_images,
    read_messages,
)
from components.sources.reading.opened import BrokenOff
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import modality_of, patient_of, read_rows, row_record, split_of
from components.sources.reading.rows import Row, known, need_answer, rows_of, text
from components.sources.reading.splits import side_of
from components.sources.reading.unread_columns import advice

_ASKED, _ANSWERED = ("question", "query", "prompt"), ("answer", "response", "output")
_SPEAKS = (*TALKS, *_ASKED, "instruction", "input", *_ANSWERED, "caption", "text")
_YES = ("true", "1", "1.0", "yes", "y", "x", "ja", "wahr", "si", "sí", "verdadero")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a row; a row that does not fit (marks without images, a turn without its answer) is unreadable."""
    yield from read_tables(delivery, (".json", ".jsonl", ".csv", ".tsv"), rows_of)


def read_tables(
    delivery: Delivery, suffixes: tuple[str, ...], rows: Callable[[Path], Iterable[Row | ImageError]]
) -> Iterator[Item]:
    """The records of all tables with one of the suffixes. What their rows leave out is counted: columns that say something
    and are not read, images that no row names."""
    pictures = Pictures(delivery, ("", "images"))

    def make(name: str, number: int, row: Row) -> list[Record]:
        try:
            record = read_row(delivery, pictures, name, number, row)
        except ImageError:
            pictures.claim(row, name)
            raise
        return [record, *caption_beside(row, record)]

    yield from read_rows(delivery, suffixes, rows, make, says_unread=True)
    yield from pictures.unnamed()


def read_row(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Record:
    """The record of a row that names or holds its images. Raises ImageError."""
    if "input_img" in row or "output_img" in row:
        return _unimedvl(delivery, pictures, name, number, row)
    return make_record(delivery, name, number, row, _given(row), pictures)


def make_record(
    delivery: Delivery, name: str, number: int, row: Row, given: Sequence[object], pictures: Pictures
) -> Record:
    """The record of a row with its images, or what names or holds them. Raises ImageError, reason 'placeholders', when
    marks and images differ."""
    said, choices = _talk(row), ()
    if said is None:
        said, choices = _flat(row)
    said, order = place_images(said, given)
    if said:
        turns = pair_turns(said, choices)
    else:
        caption = text(row, "caption", "text")
        turns = [Turn(prompt="", answer=caption, kind=TurnKind.CAPTION)] if caption else []
    if not turns:
        _refuse_unread(row, order)
    return _row(delivery, name, number, row, [pictures.of(image, name) for image in order], turns)


def caption_beside(row: Row, record: Record) -> list[Record]:
    """A second record of the row's images with its caption, where the row asks something besides: in one conversation each
    would tell the other."""
    if not record.images or not all(turn.prompt and turn.kind is not TurnKind.DRAWING for turn in record.turns):
        return []
    caption = known(row, "caption")
    if not caption or any(caption == turn.answer for turn in record.turns):
        return []
    turn = Turn(prompt="", answer=caption, kind=TurnKind.CAPTION)
    return [replace(record, id=f"{record.id}-caption", turns=(turn,), language=_language(row, (turn,)))]


def _given(row: Row) -> list[object]:
    """What names or holds the row's own images: its first filled column of pictures. Raises ImageError, 'missing image',
    where there are such columns and nothing in them."""
    columns = [column for column in row if names_picture(column)]
    columns.sort(key=lambda column: column not in ("image", "images"))
    filled = [column for column, value in row.items() if column in columns and not is_empty(value)]
    found = next((column for column in columns if column in filled), columns[0] if columns else "")
    return images_in(row[found], found) if found else []


def _refuse_unread(row: Row, shown: Sequence[object]) -> None:
    """Raise ImageError for a row without a turn that seems to hold one, or without an image that seems to hold rows: its
    words would be lost in silence."""
    if len(row) > 1 and not shown and all(isinstance(value, Mapping) for value in row.values()):
        raise BrokenOff(
            "not a row", f"one object holds {len(row)} others by name; deliver these as a list, or a line each"
        )
    for name, value in row.items():
        if name in TALKS and value:
            raise ImageError("broken conversation", f"{name} is a list of messages, got {str(value)[:40]!r}")
        near = [] if name in _SPEAKS or name.endswith("id") else get_close_matches(name, _SPEAKS, n=1, cutoff=0.85)
        if near and value:
            raise ImageError("unknown field", f"the row says nothing but in {name!r}; did you mean {near[0]!r}?")
    for name, value in () if any(map(_holds_image, shown)) else row.items():
        if isinstance(value, list) and len(value) > 1 and all(isinstance(part, Mapping) for part in value):
            what = f"{name!r} holds {len(value)} objects that nobody reads"
            raise BrokenOff("not a row", f"{what}; if they are the rows, deliver that list alone")
    for name, value in row.items():
        if not (is_empty(value) or names_picture(name)) and (fix := advice(plain(name), value)):
            raise ImageError("unread column", f"the row says nothing but in {name!r}, which is not read; {fix}")


def _holds_image(part: object) -> bool:
    return not isinstance(part, Mapping) or bool(part.get("path") or part.get("bytes"))


def _unimedvl(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Record:
    """A row of the published JSON lines: with input images a question, with output images a drawing, with both an edit.
    As published, an edit takes the first image of each side, and its last question and answer."""
    before, after = (
        [] if is_empty(row.get(column)) else images_in(row[column], column) for column in ("input_img", "output_img")
    )
    said = _talk(row) or []
    if not after:
        marks = sum(len(message.slots) for message in said)
        if marks != len(before):
            raise ImageError("placeholders", f"{marks} {IMAGE} marks but {len(before)} images")
        said, order = place_images(said, before)
        return _row(delivery, name, number, row, [pictures.of(image, name) for image in order], pair_turns(said))
    asked = [message.words for message in said if message.role in ASKS]
    replies = [message.words for message in said if message.role in ANSWERS]
    if not asked or not asked[-1]:
        raise ImageError("no instruction", "a row with an output image says what to draw")
    turn = Turn(prompt=asked[-1], answer=replies[-1] if replies else "", kind=TurnKind.DRAWING)
    output = pictures.of(after[0], name)
    shown = [pictures.of(before[0], name)] if before else [output]
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
    label = known(row, *called(row, "label", "class"))
    return row_record(
        delivery,
        f"{stem}-{number:07d}",
        shown,
        turns,
        subject=patient_of(row, *called(row, *PATIENTS)),
        modality=modality_of(_domain(row)),
        facts={"description": f"label {label}"} if label else None,
        targets=targets,
        file=name,
        locator=f"row {number}",
        licence=known(row, *called(row, "licence", "license")) or "unknown",
        language=_language(row, turns),
        split=_side(row) or split_of(name),
    )


def _side(row: Row) -> Split | None:
    """The split that the row's columns tell, None where they tell none."""
    for form, split in zip(HELD_OUT, (Split.TEST, Split.VAL), strict=True):
        if any(str(row[column]).strip().lower() in _YES for column in called(row, form)):
            return split
    return next(filter(None, (side_of(text(row, column)) for column in called(row, *SPLITS))), None)


def _language(row: Row, turns: Sequence[Turn]) -> str:
    """Two letters: what the row says, else what its words are written in: of a question Chinese or English."""
    said = known(row, *called(row, "language", "lang", "q_lang")).lower()
    if re.fullmatch(r"[a-z]{2}(?:[-_][a-z]+)?", said):
        return said[:2]
    chinese = sum(bool(_CHINESE.search(turn.prompt + turn.answer)) for turn in turns)
    if turns and chinese * 2 > len(turns):
        return "zh"
    return ENGLISH if any(turn.prompt for turn in turns) else language_of(" ".join(turn.answer for turn in turns))


def _talk(row: Row) -> list[Message] | None:
    """The messages of a row that holds a conversation; None for a flat row."""
    talk = next((row[name] for name in TALKS if isinstance(row.get(name), list)), None)
    if talk is None:
        return None
    said = read_messages(talk)
    return said if said and said[0].role == SYSTEM else [*_system(row), *said]


def _flat(row: Row) -> tuple[list[Message], tuple[str, ...]]:
    """(the messages, the choices) of a row with one question and its answer, and what was said before; nothing for a row
    that asks nothing. An instruction comes before what it is about."""
    asked = "\n".join(filter(None, (text(row, "instruction"), text(row, *_ASKED), text(row, "input"))))
    if not is_empty(row.get("input")) and not text(row, "input"):
        raise ImageError("no text", "'input' belongs to the question and is no text; deliver it as one")
    if not asked:
        if answer := text(row, *_ANSWERED):
            what = f"the answer {answer[:40]!r} has no question"
            raise ImageError("missing field", f"{what}; name it question, query, prompt or instruction")
        return [], ()
    choices = read_choices(row)
    answer = chosen(row, choices, *_ANSWERED) if choices else need_answer(row, *_ANSWERED)
    before = [] if is_empty(row.get("history")) else earlier(row["history"])
    said = [*_system(row), *before, one_message(ASKS[1], asked), one_message(ANSWERS[1], answer)]
    return said, choices


def _system(row: Row) -> list[Message]:
    words = text(row, "system", "system_prompt")
    return [one_message(SYSTEM, words)] if words else []


def _domain(row: Row) -> str:
    domain = row.get("domain")
    if isinstance(domain, Mapping):
        return next((name for name, holds in domain.items() if holds), "")
    return text(row, *called(row, "modality", "domain"))
