"""labels.csv in a source's folder: what a curator knows of whole files and the files don't say (file, fact, value)."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from components.images.limits import ImageError
from components.images.windows import WINDOWS
from components.records.origins import LABEL
from components.records.record import Record
from components.records.vocabulary import Modality

NAME = "labels.csv"
COLUMNS = ("file", "fact", "value")
_MAX_BYTES = 64 * 2**20
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
        """The labels of a source's folder, empty without a file. Raises ImageError, reason 'bad labels', naming the row."""
        path = folder / NAME
        if not path.is_file():
            return cls()
        if path.stat().st_size > _MAX_BYTES:
            raise ImageError("bad labels", f"{NAME} is over the limit of {_MAX_BYTES} bytes")
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ImageError("bad labels", f"{NAME} is not UTF-8 at byte {error.start}; save it as UTF-8") from None
        found: dict[str, dict[str, str]] = {}
        try:
            rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise ImageError("bad labels", f"{NAME} needs the columns {', '.join(COLUMNS)}, has {rows.fieldnames}")
            for number, row in enumerate(rows, start=2):
                if None in row or None in row.values() or not row["file"] or not row["fact"]:
                    raise ImageError("bad labels", f"{NAME} line {number} does not hold file, fact and value")
                found.setdefault(row["file"].strip(), {})[row["fact"].strip()] = row["value"].strip()
        except csv.Error as error:
            raise ImageError("bad labels", f"{NAME} is not CSV: {error}") from None
        return cls(found)

    def of(self, file: str) -> Mapping[str, str]:
        """Facts of a file: those of every file first, then of its folders, its own win."""
        if not self.by_file:
            return _NONE
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
        return sorted(
            name
            for name in self.by_file
            if name != _EVERY_FILE
            and name not in files
            and not (name.endswith("/") and any(file.startswith(name) for file in files))
        )

    def apply(self, record: Record) -> Record:
        """The record with its file's labels. Raises ImageError, reason 'mislabelled', for an unknown modality."""
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
        own = {"modality", "anatomy", "subject", "licence"}
        facts = {name: value for name, value in labels.items() if name not in own}
        return replace(
            record,
            modality=modality,
            anatomy=labels.get("anatomy", record.anatomy),
            subject=labels.get("subject", record.subject),
            licence=labels.get("licence", record.licence),
            facts={**record.facts, **facts},
            origins={**record.origins, **dict.fromkeys(facts, LABEL)},
        )
