"""From rows to records: what every adapter of questions, captions and reports shares."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError
from components.images.raster import SUFFIXES
from components.images.stored import StoredImage
from components.records.record import Provenance, Record, Turn
from components.records.vocabulary import Modality, Split, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.columns import ReadRow, check_columns, is_empty
from components.sources.reading.pictures import annotations
from components.sources.reading.rows import Row, known
from components.sources.reading.splits import SPLITS as SPLITS
from components.sources.reading.splits import split_of as split_of
from components.sources.reading.unread_columns import UnreadColumns
from components.storage.keys import keyed_hash

YES_NO = ("yes", "no")
_DOUBTFUL = ("None", "NA")
"""What Python and R write for nothing, and words that answer many a question."""
_TABLES = frozenset((".csv", ".tsv", ".parquet"))
MODALITIES: Mapping[str, Modality] = {
    **dict.fromkeys(("ct", "computed tomography", "ct scan", "ct_scan", "cta"), Modality.CT),
    **dict.fromkeys(("mri", "mr", "magnetic resonance", "magnetic resonance imaging", "mr_t1", "mr_t2"), Modality.MRI),
    **dict.fromkeys(("x-ray", "xray", "x ray", "cxr", "dr", "chest_xray", "radiograph", "radiography"), Modality.XRAY),
    **dict.fromkeys(("ultrasound", "us"), Modality.ULTRASOUND),
    **dict.fromkeys(("fundus", "fundus photography", "retinal fundus", "color fundus"), Modality.FUNDUS),
    **dict.fromkeys(("histology", "histopathology", "pathology"), Modality.HISTOPATHOLOGY),
    **dict.fromkeys(("endoscopy", "colonoscopy", "gastroscopy"), Modality.ENDOSCOPY),
    **dict.fromkeys(("oct", "optical coherence tomography"), Modality.OCT),
    **dict.fromkeys(("pet", "spect", "nuclear medicine"), Modality.NUCLEAR),
}
"""What sources call a modality, lower-cased -> ours."""


def modality_of(word: str) -> Modality:
    """Our word for a source's, UNKNOWN where it says nothing that we know. What stands in brackets is left out."""
    return MODALITIES.get(word.split("(")[0].strip().lower(), Modality.UNKNOWN)


def patient_of(row: Mapping[str, object], *names: str) -> str:
    """The patient that the first filled of the named fields gives, empty for none; 12.0 is patient 12, whose column has
    empty cells."""
    return _WHOLE.sub(r"\1", known(row, *names))


_WHOLE = re.compile(r"^(\d+)\.0+$")


def question(prompt: str, answer: str, *, options: Sequence[str] = ()) -> Turn:
    """A question with its answer: a choice where there are options, closed where the answer is yes or no, else open."""
    if options:
        return Turn(prompt=prompt, answer=answer, kind=TurnKind.CHOICE, options=tuple(options))
    closed = answer.lower().rstrip(".") in YES_NO
    return Turn(prompt=prompt, answer=answer, kind=TurnKind.CLOSED if closed else TurnKind.OPEN)


def row_record(
    delivery: Delivery,
    native_id: str,
    pictures: Sequence[StoredImage],
    turns: Iterable[Turn],
    *,
    file: str,
    locator: str,
    licence: str,
    subject: str = "",
    modality: Modality = Modality.UNKNOWN,
    anatomy: str = "unknown",
    facts: Mapping[str, str] | None = None,
    origins: Mapping[str, str] | None = None,
    targets: Mapping[str, bytes] | None = None,
    language: str = "en",
    split: Split | None = None,
) -> Record:
    """The record of one row. Without a subject the patient is the first image, or the text where there is none. Raises
    ImageError, 'empty answer' or 'empty question', for one like `nan` that is no choice, and 'doubtful answer' for the
    None of a table."""
    turns = tuple(turns)
    _check_said(turns, file)
    first = pictures[0] if pictures else None
    said = keyed_hash(*(text for turn in turns for text in (turn.prompt, turn.answer)))
    return Record(
        id=f"{delivery.source}/{native_id}",
        source=delivery.source,
        subject=subject or (first.sha256 if first else said),
        modality=modality if first else Modality.TEXT,
        anatomy=anatomy,
        image=first,
        more_images=tuple(pictures[1:]),
        facts={**({"colour": "yes" if first.colour else "no"} if first else {}), **(facts or {})},
        origins=origins or {},
        targets=targets or {},
        turns=turns,
        language=language,
        delivered_split=split,
        licence=licence,
        provenance=Provenance(file=file, locator=locator, sha256=first.sha256 if first else ""),
    )


def read_rows(
    delivery: Delivery,
    suffixes: tuple[str, ...],
    rows: Callable[[Path], Iterable[Row | ImageError]],
    make: Callable[[str, int, Row], Item | Iterable[Item]],
    *,
    images: tuple[str, ...] = SUFFIXES,
    says_unread: bool = False,
) -> Iterator[Item]:
    """What `make(file, number, row)` says of each row of each file with one of the suffixes; files that end like `images`
    are left to the rows, any other is unreadable. With `says_unread` each column that says something and that no record
    has is one more item of its file."""
    for found in annotations(delivery, *suffixes, images=images):
        if isinstance(found, tuple):
            name, path = found
            unread = UnreadColumns() if says_unread else None
            yield from delivery.read(
                name, path, lambda p, n=name, u=unread: each_row(delivery, n, rows(p), make, unread=u)
            )
        else:
            yield found


def each_row(
    delivery: Delivery,
    name: str,
    rows: Iterable[Row | ImageError],
    make: Callable[[str, int, Row], Item | Iterable[Item]],
    *,
    unread: UnreadColumns | None = None,
) -> Iterator[Item]:
    """One item or more a row: what `make(name, number, row)` says, or an Unreadable (or LeftOut) where it raises ImageError. A file that
    breaks off in the middle is one more Unreadable. `unread` is told of each row that became a record, and ends the items."""
    number = -1
    try:
        for number, row in enumerate(rows):
            try:
                if isinstance(row, ImageError):
                    raise row
                read = ReadRow(row)
                made = make(name, number, read)
                items = _checked(read, [made] if not isinstance(made, Iterable) else list(made))
                if unread and any(isinstance(item, Record) for item in items):
                    unread.note(read)
                yield from items
            except ImageError as error:
                yield unreadable_row(delivery, name, number, error)
    except ImageError as error:
        yield unreadable_row(delivery, name, number + 1, error) if number >= 0 else delivery.unreadable(name, error)
    if unread:
        yield from unread.items(delivery, name)


def _checked(row: ReadRow, made: list[Item]) -> list[Item]:
    """What was made of a row. Raises ImageError where a record leaves out what changes its meaning."""
    for item in made:
        if isinstance(item, Record):
            check_columns(row, len(item.images))
    return made


def _check_said(turns: Iterable[Turn], file: str) -> None:
    for turn in turns:
        if turn.kind is not TurnKind.DRAWING and turn.answer not in turn.options and is_empty(turn.answer):
            _refuse(turn, file)
        if turn.prompt and is_empty(turn.prompt):
            raise ImageError("empty question", f"the question is {turn.prompt!r}; deliver it or leave the row out")


def _refuse(turn: Turn, file: str) -> None:
    """Raise ImageError for an answer that programs write where nothing is. The texts None and NA answer a question in JSON,
    which has null for nothing; in a table nobody can tell."""
    what = f"{turn.answer!r} to {turn.prompt[:60]!r}" if turn.prompt else repr(turn.answer)
    if turn.prompt and turn.answer in _DOUBTFUL:
        if not _TABLES & set(PurePosixPath(file.lower()).suffixes):
            return
        fix = f"write {turn.answer.lower() if turn.answer == _DOUBTFUL[0] else 'it out'} where it is meant, or leave the row out"
        raise ImageError("doubtful answer", f"the answer is {what}, which tables also hold where nothing is; {fix}")
    raise ImageError("empty answer", f"the answer is {what}; deliver it or leave the row out")


def unreadable_row(delivery: Delivery, name: str, number: int, error: ImageError) -> Item:
    """The item that stands for a row without usable content."""
    found = delivery.unreadable(name, error)
    return replace(found, id=f"{found.id}#{number:07d}", detail=f"row {number}: {error.detail}")
