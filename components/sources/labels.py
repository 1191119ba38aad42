"""labels.csv in a source's folder: what a curator knows of whole files and the files don't say (file, fact, value)."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from components.images.limits import ImageError
from components.images.windows import WINDOWS
from components.records.origins import LABEL
from components.records.record import Record
from components.records.vocabulary import Modality, Split
from components.sources.reading.delimited import table_rows
from components.sources.reading.opened import BrokenOff
from components.sources.reading.splits import side_of
from components.sources.reading.stored_labels import StoredLabels

NAME = "labels.csv"
COLUMNS = ("file", "fact", "value")
_IN_MEMORY = 8 * 2**20
"""Bytes of a table that is held in memory whole: some twelve times as many there."""
_HANDLING = ("crop", "burned_in", "defaced", "kind", "contrasts")
"""Facts about how to read the file; they tell the adapter something and do not end in the record."""
_EVERY_FILE = "*"
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Labels:
    """File, folder (ending in '/') or '*' (every file) -> fact -> value."""

    by_file: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Labels":
        """The labels of a source's folder, empty without a file; a table of any size, on disk where it is large. Raises
        ImageError, reason 'bad labels', naming the row."""
        path = folder / NAME
        if not path.is_file():
            return cls()
        found: dict[str, dict[str, str]] | StoredLabels
        found = {} if path.stat().st_size <= _IN_MEMORY else StoredLabels()
        for number, (said, fact, value) in enumerate(_rows(path), start=1):
            file = composed(said)
            if isinstance(found, StoredLabels):
                found.put(number, file, fact, value)
            else:
                found.setdefault(file, {})[fact] = value
        return cls(found)

    def of(self, file: str) -> Mapping[str, str]:
        """Facts of a file: those of every file first, then of its folders, its own win."""
        if not self.by_file:
            return _NONE
        file = composed(file)
        parts = file.split("/")
        folders = ["/".join(parts[: n + 1]) + "/" for n in range(len(parts) - 1)]
        found: dict[str, str] = {}
        for name in (_EVERY_FILE, *folders, file):
            found |= self.by_file.get(name, _NONE)
        return found

    def crop(self, file: str) -> tuple[int, int, int, int] | None:
        """The box x0 y0 x1 y1 to cut out of the file's frames, or None. Raises ImageError, reason 'bad labels'."""
        text = self.of(file).get("crop")
        if text is None:
            return None
        try:
            x0, y0, x1, y1 = (int(part) for part in text.split())
        except ValueError:
            raise ImageError(
                "bad labels", f"crop of {file} is {text!r}; four pixel numbers x0 y0 x1 y1 are needed"
            ) from None
        if not (0 <= x0 < x1 and 0 <= y0 < y1):
            raise ImageError("bad labels", f"crop of {file} is {text!r}; x0 < x1 and y0 < y1 are needed")
        return x0, y0, x1, y1

    def windows(self, file: str) -> tuple[str, ...]:
        """The windows of CT to see the file through, one record each: names of WINDOWS joined by ';'. Empty without a
        wish. Raises ImageError, reason 'bad labels'."""
        names = tuple(
            dict.fromkeys(name.strip() for name in self.of(file).get("window", "").split(";") if name.strip())
        )
        if unknown := [name for name in names if name not in WINDOWS]:
            raise ImageError("bad labels", f"window of {file} is {unknown[0]!r}; known: {', '.join(WINDOWS)}")
        return names

    def missing(self, files: set[str]) -> list[str]:
        """Names that the labels speak of and the folder does not hold."""
        files = set(map(composed, files))
        folders = {file[: at + 1] for file in files for at, letter in enumerate(file) if letter == "/"}
        return sorted(name for name in self.by_file if name != _EVERY_FILE and name not in files | folders)

    def apply(self, record: Record) -> Record:
        """The record with its file's labels. Raises ImageError, reason 'mislabelled', for an unknown modality or split."""
        labels = {name: value for name, value in self.of(record.provenance.file).items() if name not in _HANDLING}
        if not labels:
            return record
        modality = record.modality
        if "modality" in labels:
            try:
                modality = Modality(labels["modality"])
            except ValueError:
                known = ", ".join(m.value for m in Modality)
                raise ImageError(
                    "mislabelled", f"modality {labels['modality']!r} of {record.provenance.file}; known: {known}"
                ) from None
        if "window" in record.facts or modality is not Modality.CT:
            labels.pop("window", None)
        own = {"modality", "anatomy", "subject", "licence", "split"}
        facts = {name: value for name, value in labels.items() if name not in own}
        return replace(
            record,
            modality=modality,
            anatomy=labels.get("anatomy", record.anatomy),
            subject=labels.get("subject", record.subject),
            licence=labels.get("licence", record.licence),
            delivered_split=_split(labels["split"], record) if labels.get("split") else record.delivered_split,
            facts={**record.facts, **facts},
            origins={**record.origins, **dict.fromkeys(facts, LABEL)},
        )


def composed(name: str) -> str:
    """The name with its accents composed: a Mac writes them as letters of their own."""
    return unicodedata.normalize("NFC", name)


def _split(said: str, record: Record) -> Split:
    if split := side_of(said):
        return split
    raise ImageError("mislabelled", f"split {said!r} of {record.provenance.file}; write train, val or test")


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """File, fact and value of each row."""
    try:
        rows = table_rows(path, columns=COLUMNS)
        head = next(rows, None)
        names = tuple(name.strip() for name in head.values()) if isinstance(head, dict) else ()
        if set(names) != set(COLUMNS):
            raise ImageError("bad labels", f"{NAME} needs the columns {', '.join(COLUMNS)}, has {list(names) or head}")
        for number, row in enumerate(rows, start=2):
            if isinstance(row, ImageError):
                raise ImageError("bad labels", f"{NAME} line {number} does not hold file, fact and value: {row.detail}")
            said = dict(zip(names, (cell.strip() for cell in row.values()), strict=True))
            if not said["file"] or not said["fact"]:
                raise ImageError("bad labels", f"{NAME} line {number} does not hold file, fact and value")
            yield said["file"], said["fact"], said["value"]
    except BrokenOff as error:
        raise ImageError("bad labels", f"{NAME}: {error.reason}, {error.detail}") from None
