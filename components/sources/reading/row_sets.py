"""A public set of one question, caption or report a row, declared by what tells it from the others."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError, LeftOutError
from components.images.stored import StoredImage
from components.records.record import Turn
from components.records.vocabulary import Modality, Split, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.languages import ENGLISH, language_of
from components.sources.reading.panels import panels
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import question, read_rows, row_record, split_of
from components.sources.reading.rows import Row, need, rows_of, text


@dataclass(frozen=True, slots=True)
class Told:
    """A row and where it stands."""

    row: Row
    file: str
    number: int
    image: str
    """Name of its image as the row gives it; empty where it holds the image itself."""

    def text(self, *columns: str) -> str:
        """The first of the columns that holds anything, else empty."""
        return text(self.row, *columns)

    def need(self, *columns: str) -> str:
        """As `text`; raises ImageError, reason 'missing field'."""
        return need(self.row, *columns)


@dataclass(frozen=True, kw_only=True, slots=True)
class RowSet:
    """One set. What differs from row to row is a function of what the row tells."""

    suffixes: tuple[str, ...]
    """Of its tables."""
    licence: str
    identity: str
    """Of a record: text with {image} and {file} (paths without suffix), {leaf} (file name of the image without suffix),
    {number} and {key}, the first filled column of `key`."""
    turn: Callable[[Told], Turn]
    image: tuple[str, ...] | Callable[[Told], str | StoredImage]
    """Columns of the image's path, or of Hugging Face's {bytes, path}; or what gives its path or the image itself."""
    embedded: str = "{file}-{number:07d}"
    """The identity of a record whose row holds the image itself."""
    key: tuple[str, ...] = ()
    folders: tuple[str, ...] | Callable[[Delivery], tuple[str, ...]] = ("",)
    """Where images may lie, in this order."""
    rows: Callable[[Path], Iterable[Row | ImageError]] = rows_of
    subject: Callable[[Told], str] = lambda told: ""
    """The patient, as far as the set says; empty: the image is its own."""
    modality: Callable[[Told], Modality] = lambda told: Modality.UNKNOWN
    anatomy: Callable[[Told], str] = lambda told: "unknown"
    split: Callable[[Told], Split | None] = lambda told: split_of(told.file)
    row_licence: Callable[[Told], str] = lambda told: ""
    """Of the row alone, where it states one."""
    figure: Callable[[Told], str] | None = None
    """The caption of a set of article figures: a figure of several panels is left out."""

    def read(self, delivery: Delivery) -> Iterator[Item]:
        """One record a row."""
        folders = self.folders if isinstance(self.folders, tuple) else self.folders(delivery)
        pictures = Pictures(delivery, folders)
        yield from read_rows(delivery, self.suffixes, self.rows, lambda *row: self._record(delivery, pictures, *row))

    def _record(self, delivery: Delivery, pictures: Pictures, file: str, number: int, row: Row) -> Item:
        told, shown = self._shown(Told(row, file, number, ""))
        turn = self.turn(told)
        picture = shown if isinstance(shown, StoredImage) else pictures.of(shown)
        if self.figure is not None:
            leave_out_panels(self.figure(told))
        return row_record(
            delivery,
            (self.identity if told.image or callable(self.image) else self.embedded).format(
                image=_bare(told.image),
                leaf=PurePosixPath(told.image).stem,
                file=_bare(file),
                number=number,
                key=told.text(*self.key) or f"{file}-{number}",
            ),
            [picture],
            [turn],
            subject=self.subject(told),
            modality=self.modality(told),
            anatomy=self.anatomy(told),
            file=file,
            locator=f"row {number}",
            licence=self.row_licence(told) or self.licence,
            language=ENGLISH if turn.prompt else language_of(turn.answer),
            split=self.split(told),
        )

    def _shown(self, told: Told) -> tuple[Told, object]:
        """What the row tells, with the name of its image; and the image or what points to it."""
        if callable(self.image):
            shown = self.image(told)
        else:
            held = [told.row[name] for name in self.image if name in told.row]
            shown = next((value for value in held if isinstance(value, dict | bytes)), None)
            if shown is None and any(value is not None for value in held or [""]):
                shown = told.need(*self.image)
        name = str(shown).strip() if isinstance(shown, str | int) else ""
        return Told(told.row, told.file, told.number, name), name or shown


def asked(ask: tuple[str, ...], answer: tuple[str, ...], closed: str = "") -> Callable[[Told], Turn]:
    """A question of the named columns; it is closed where the column `closed` says so, where there is none where the
    answer is yes or no."""

    def turn(told: Told) -> Turn:
        found = question(told.need(*ask), told.need(*answer))
        if not closed or closed not in told.row:
            return found
        kind = TurnKind.CLOSED if told.text(closed).upper() == "CLOSED" else TurnKind.OPEN
        return Turn(prompt=found.prompt, answer=found.answer, kind=kind)

    return turn


def caption(*columns: str) -> Callable[[Told], Turn]:
    """What is said of the image, without a question."""
    return lambda told: Turn(prompt="", answer=told.need(*columns), kind=TurnKind.CAPTION)


def leave_out_panels(caption: str) -> None:
    """Raise LeftOutError, 'compound figure', for the caption of a figure of several panels: it tells of none of them alone."""
    if letters := panels(caption):
        raise LeftOutError("compound figure", f"panels {', '.join(letters)}; its caption is of no one image")


def _bare(name: str) -> str:
    return name.rsplit(".", 1)[0]
