"""What a source says itself, question by question, caption or report, as samples: one conversation for each record."""

import re
from collections.abc import Iterator, Sequence

from components.assembly.conversations.prompts import own_prompt
from components.assembly.conversations.questions.types import with_options
from components.assembly.conversations.redactions import without_redactions
from components.assembly.conversations.samples import Pictures, sample_of
from components.assembly.corpus import Entry
from components.records.record import Turn
from components.records.sample import Piece, Sample, Text
from components.records.vocabulary import ImageRole, TaskGroup, TurnKind

TOLD = (TurnKind.CAPTION, TurnKind.REPORT)
_STRAY = re.compile(r"(?<=[.!?])(?:\s+\.)+(?=\s|$)")
"""A full stop behind a full stop: 'No acute disease. .'"""
_CLOSING = re.compile(r"(?i)\s*\bend of (?:the )?(?:report|impression|dictation)\b[.\s]*$")
OUTPUT = "output"
"""The target that a drawing with a condition ends in."""


def said(turn: Turn) -> str:
    """What the model learns to say: the answer without what a redaction mark belongs to, and of captions and reports
    without the sentences that say whom the findings were told to, without stray full stops and the words that only end a
    report."""
    is_told = turn.kind in TOLD
    left = without_redactions(turn.answer, is_told=is_told)
    return _CLOSING.sub("", _STRAY.sub("", left)) if is_told else left


def asked(entry: Entry, turn: Turn) -> str | None:
    """The question as it is put; a caption or report that was delivered without one gets one of ours in its language.
    None where we have none: the turn is left out."""
    if turn.kind is TurnKind.CHOICE:
        return with_options(turn.prompt, turn.options, entry.language)
    if turn.prompt or turn.kind not in TOLD or not entry.has_image:
        return turn.prompt
    return own_prompt(entry, turn, said(turn))


def unasked(entry: Entry) -> int:
    """How many of the record's turns are left out for want of a prompt in their language."""
    return sum(turn.kind is not TurnKind.DRAWING and asked(entry, turn) is None for turn in entry.turns)


def delivered_samples(entry: Entry, pictures: Pictures | None) -> Iterator[Sample]:
    """The record's own conversation, then what is drawn of it; `pictures` is None for text alone."""
    talk = [turn for turn in entry.turns if turn.kind is not TurnKind.DRAWING and asked(entry, turn) is not None]
    if talk:
        images = (pictures.own, *pictures.more) if pictures else ()
        pieces = _conversation(entry, talk, [picture.piece(ImageRole.UNDERSTAND) for picture in images])
        group = TaskGroup.I2T if pictures else TaskGroup.TEXT
        yield _sample(entry, "delivered", group, _task(talk[0]) if pictures else "text", pieces)
    if pictures is None:
        return
    drawn = [turn for turn in entry.turns if turn.kind is TurnKind.DRAWING]
    if drawn:
        yield _drawing(entry, drawn[0], pictures)
    elif _draws(entry):
        pieces = [Text(text=said(entry.turns[0])), pictures.own.piece(ImageRole.TARGET)]
        yield _sample(entry, "delivered-t2i", TaskGroup.T2I, "t2i", pieces)


def _conversation(entry: Entry, talk: Sequence[Turn], images: Sequence[Piece]) -> list[Piece]:
    """The turns with each image where its turn shows it; where none says, all images come first."""
    coming = iter(images)
    pieces = [] if any(turn.images_at for turn in talk) else list(coming)
    for turn in talk:
        pieces += _question(asked(entry, turn) or "", turn.images_at, coming)
        pieces.append(Text(text=said(turn), supervised=True))
    return pieces


def _question(prompt: str, images_at: Sequence[int], coming: Iterator[Piece]) -> Iterator[Piece]:
    """A prompt, cut where its images stand."""
    start = 0
    for end in images_at:
        if words := prompt[start:end].strip():
            yield Text(text=words)
        yield next(coming)
        start = end
    if rest := prompt[start:].strip() if images_at else prompt:
        yield Text(text=rest)


def _draws(entry: Entry) -> bool:
    """Whether a caption is enough to draw its image from: one caption, one image."""
    return len(entry.turns) == 1 and entry.turns[0].kind is TurnKind.CAPTION and not entry.more_pixels


def _drawing(entry: Entry, turn: Turn, pictures: Pictures) -> Sample:
    instruction: list[Piece] = [Text(text=turn.prompt)]
    if turn.answer:
        instruction.append(Text(text=said(turn), supervised=True))
    if OUTPUT not in pictures.targets:
        pieces = [*instruction, pictures.own.piece(ImageRole.TARGET)]
        return _sample(entry, "delivered-t2i", TaskGroup.T2I, "t2i", pieces)
    condition, output = pictures.own.piece(ImageRole.CONDITION), pictures.targets[OUTPUT].piece(ImageRole.TARGET)
    return _sample(entry, "delivered-edit", TaskGroup.INTERLEAVED, "edit", [condition, *instruction, output])


def _task(turn: Turn) -> str:
    return turn.kind.value if turn.kind in TOLD else "vqa"


def _sample(entry: Entry, name: str, group: TaskGroup, task: str, pieces: list[Piece]) -> Sample:
    return sample_of(entry, name, group, task, pieces, entry.provenance.method)
