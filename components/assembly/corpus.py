"""Validated records as assembly sees them: facts first, for every record; images later, one row group at a time."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from sys import intern

import pyarrow.parquet as pq

from components.assembly.boxes import in_square
from components.images.looks import Look, LookFile
from components.records.record import Provenance, Turn
from components.records.schema import turn_from_row
from components.records.vocabulary import Modality, Split
from components.storage.keys import keyed_hash
from components.validation.validated import record_files


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A validated record without its image bytes."""

    id: str
    source: str
    patient_key: str
    modality: Modality
    anatomy: str
    facts: Mapping[str, str]
    targets: tuple[str, ...]
    """Names of its paired images."""
    delivered_split: Split | None
    position: float | None
    licence: str
    provenance: Provenance
    pixels: str
    """Hash of the decoded pixels; a grey image and the same image stored as RGB are equal. Of a record of text alone,
    hash of its texts."""
    more_pixels: tuple[str, ...] = ()
    """Of its further images."""
    looks: tuple[Look, ...] = ()
    """What its images look like, in order."""
    turns: tuple[Turn, ...] = ()
    """What the source itself says, as delivered; boxes in thousandths of the image as the data set holds it."""
    language: str = "en"
    """Of the turns, two letters."""
    split: Split = Split.TRAIN
    borrowed: tuple[tuple[str, str], ...] = ()
    """(paired image, id of the copy that it was delivered with)."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Fact -> who says it; empty of records that were validated before that was written down."""

    @property
    def family(self) -> tuple[str, str, str]:
        """What looks alike: modality, region, and contrast, tissue map or stain."""
        shown = (self.facts.get(name) for name in ("contrast", "map", "stain"))
        return self.modality.value, self.anatomy, next(filter(None, shown), "")

    @property
    def has_image(self) -> bool:
        """Whether there is anything to see."""
        return self.modality is not Modality.TEXT

    def on(self, split: Split) -> "Entry":
        """The same record on that side."""
        return self if split is self.split else replace(self, split=split)


_LONGEST_GROUP = 2**32


class Corpus:
    """Every validated record of the named sources, in the order of their ids, whatever the order on disk."""

    def __init__(self, validated: Path, sources: Sequence[str], *, square: bool = False) -> None:
        """Reads facts; with `square`, boxes are those of images that are padded to a square. Raises ValueError for a source that was not validated or an id met twice."""
        self._groups: list[tuple[Path, int]] = []
        self._places: dict[str, int] = {}
        """Record id -> number of its row group, times the longest group there may be, plus its row."""
        self._loaded: tuple[int, list[dict]] = -1, []
        self.files: list[Path] = []
        self._looks, self._square = LookFile(), square
        entries: list[Entry] = []
        for source in sorted(sources):
            files = record_files(validated / source)
            if not files:
                raise ValueError(f"{validated / source} holds no records; run `unimed retrain` to validate {source}")
            self.files += files
            for file in files:
                entries += self._read_file(file, source)
        self.entries: tuple[Entry, ...] = tuple(sorted(entries, key=lambda entry: entry.id))

    def images(self, entry: Entry) -> tuple[bytes, dict[str, bytes], list[bytes]]:
        """The record's image as it is stored, its paired images by name, borrowed ones too, and its further ones. Quick
        when asked in the order of ids."""
        image, targets, more = self._stored(entry.id)
        lent = {name: self._stored(identity)[1][name] for name, identity in entry.borrowed}
        return image, {**targets, **lent}, more

    def _stored(self, identity: str) -> tuple[bytes, dict[str, bytes], list[bytes]]:
        number, place = divmod(self._places[identity], _LONGEST_GROUP)
        if self._loaded[0] != number:
            file, group = self._groups[number]
            table = pq.ParquetFile(file).read_row_group(group, columns=["image", "targets", "more_images"])
            self._loaded = number, table.to_pylist()
        row = self._loaded[1][place]
        return row["image"], dict(row["targets"]), row["more_images"]

    def _read_file(self, file: Path, source: str) -> list[Entry]:
        parquet = pq.ParquetFile(file)
        names = [name for name in parquet.schema_arrow.names if name not in ("image", "more_images", "targets")]
        found = []
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=[*names, "targets.key_value.key"])
            for number, row in enumerate(table.to_pylist()):
                entry = _entry(row, self._looks, square=self._square)
                if entry.source != source:
                    raise ValueError(
                        f"{file} holds {entry.id} of source {entry.source}; remove data/validated/{source}"
                    )
                if entry.id in self._places:
                    raise ValueError(f"record {entry.id} occurs twice in data/validated; ids must be unique")
                self._places[entry.id] = len(self._groups) * _LONGEST_GROUP + number
                found.append(entry)
            self._groups.append((file, group))
        return found


def first_of_image(entries: Iterable[Entry]) -> list[Entry]:
    """The entries with an image, one for each image and side, the first by id: several rows may speak of one."""
    first: dict[tuple[str, str], Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.id):
        if entry.has_image:
            first.setdefault((entry.split.value, entry.pixels), entry)
    return list(first.values())


def normal_text(text: str) -> str:
    """The text as far as it tells two texts apart: case, blanks and most punctuation do not."""
    return re.sub(r"[^\w+\-<>=%/]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _entry(row: dict, looks: LookFile, *, square: bool) -> Entry:
    turns, origin = tuple(map(turn_from_row, row["turns"])), row["provenance"]
    if square:
        turns = in_square(turns, row["width"], row["height"])
    pixels, *more = [seen["pixels"] for seen in row["seen"]] or [_said(turns)]
    return Entry(
        id=row["id"],
        # Millions of records say the same few things: each is held once.
        source=intern(row["source"]),
        patient_key=intern(row["patient_key"]),
        modality=Modality(row["modality"]),
        anatomy=intern(row["anatomy"]),
        facts=_shared(tuple(row["facts"])),
        origins=_shared(tuple(row.get("origins") or ())),
        targets=tuple(sorted(_target_name(target) for target in row["targets"])),
        delivered_split=Split(row["delivered_split"]) if row["delivered_split"] else None,
        position=row["position"],
        licence=intern(row["licence"]),
        provenance=Provenance(
            file=intern(origin["file"]),
            locator=intern(origin["locator"]),
            sha256=pixels if origin["sha256"] == pixels else origin["sha256"],  # one text for both
            method=intern(origin["method"]),
        ),
        pixels=pixels,
        more_pixels=tuple(more),
        looks=tuple(looks.keep(seen["look"]) for seen in row["seen"]),
        turns=turns,
        language=intern(row["language"]),
    )


@lru_cache(maxsize=2**14)
def _shared(facts: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """One mapping for all records of the same facts; nobody writes to it."""
    return {intern(name): intern(value) for name, value in facts}


def _said(turns: Iterable[Turn]) -> str:
    return keyed_hash(*(normal_text(text) for turn in turns for text in (turn.prompt, turn.answer)))


def _target_name(item: object) -> str:
    match item:
        case str():
            return item
        case {"key": str(name)}:
            return name
        case (str(name), *_):
            return name
    raise ValueError(f"a map key was expected, got {item!r}")
