"""Validated records as assembly sees them: facts first, for every record; images later, one row group at a time."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from sys import intern

import numpy as np
import pyarrow.parquet as pq

from components.assembly.lookalikes import Look, look_of
from components.images.png import decode_png
from components.images.windows import channel_spread
from components.records.keys import keyed_hash
from components.records.record import Provenance, Turn
from components.records.schema import turn_from_row
from components.records.vocabulary import Modality, Split
from components.validation.validated import record_files

COLOUR_SPREAD, COLOUR_SHARE = 48, 0.002
"""An image is in colour when this share of its pixels has channels that lie further apart than the spread."""


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
    """What the source itself says, as delivered."""
    language: str = "en"
    """Of the turns, two letters."""
    split: Split = Split.TRAIN

    @property
    def family(self) -> tuple[str, str, str]:
        """What looks alike: modality, region, and contrast or stain."""
        return self.modality.value, self.anatomy, self.facts.get("contrast") or self.facts.get("stain") or ""

    @property
    def has_image(self) -> bool:
        """Whether there is anything to see."""
        return self.modality is not Modality.TEXT

    def on(self, split: Split) -> "Entry":
        """The same record on that side."""
        return self if split is self.split else replace(self, split=split)


@dataclass(frozen=True, slots=True)
class _Place:
    file: Path
    group: int
    row: int


class Corpus:
    """Every validated record of the named sources, in the order of their ids, whatever the order on disk."""

    def __init__(self, validated: Path, sources: Sequence[str]) -> None:
        """Reads facts and hashes pixels. Raises ValueError for a source that was not validated or an id met twice."""
        self._places: dict[str, _Place] = {}
        self._loaded: tuple[tuple[Path, int], list[dict]] | None = None
        entries: list[Entry] = []
        for source in sorted(sources):
            files = record_files(validated / source)
            if not files:
                raise ValueError(f"{validated / source} holds no records; run `unimed retrain` to validate {source}")
            for file in files:
                entries += self._read_file(file, source)
        self.entries: tuple[Entry, ...] = tuple(sorted(entries, key=lambda entry: entry.id))

    def images(self, identity: str) -> tuple[bytes, dict[str, bytes], list[bytes]]:
        """The record's PNG, its paired images by name and its further ones. Quick when asked in the order of ids."""
        place = self._places[identity]
        if self._loaded is None or self._loaded[0] != (place.file, place.group):
            table = pq.ParquetFile(place.file).read_row_group(place.group, columns=["image", "targets", "more_images"])
            self._loaded = ((place.file, place.group), table.to_pylist())
        row = self._loaded[1][place.row]
        return row["image"], dict(row["targets"]), row["more_images"]

    def _read_file(self, file: Path, source: str) -> list[Entry]:
        parquet = pq.ParquetFile(file)
        names = [name for name in parquet.schema_arrow.names if name != "targets"]
        found = []
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=[*names, "targets.key_value.key"])
            for number, row in enumerate(table.to_pylist()):
                entry = _entry(row)
                if entry.source != source:
                    raise ValueError(
                        f"{file} holds {entry.id} of source {entry.source}; remove data/validated/{source}"
                    )
                if entry.id in self._places:
                    raise ValueError(f"record {entry.id} occurs twice in data/validated; ids must be unique")
                self._places[entry.id] = _Place(file, group, number)
                found.append(entry)
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


def pixel_hash(pixels: np.ndarray) -> str:
    """Hash of shape and values; RGB whose channels are equal counts as grey."""
    if pixels.ndim == 3 and all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in (1, 2)):
        pixels = pixels[..., 0]
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def is_coloured(pixels: np.ndarray) -> bool:
    """Whether the image shows colour: enough pixels whose channels differ."""
    if pixels.ndim == 2:
        return False
    return bool((channel_spread(pixels) > COLOUR_SPREAD).mean() > COLOUR_SHARE)


def _entry(row: dict) -> Entry:
    modality, turns = Modality(row["modality"]), tuple(map(turn_from_row, row["turns"]))
    facts, origin = dict(row["facts"]), row["provenance"]
    more = [_look(png) for png in row["more_images"]]
    looks: tuple[Look, ...] = ()
    if modality is Modality.TEXT:
        pixels = keyed_hash(*(normal_text(text) for turn in turns for text in (turn.prompt, turn.answer)))
    else:
        pixels, coloured, look = _look(row["image"])
        looks = (look, *(other for _, _, other in more))
        facts.setdefault("colour", "yes" if coloured else "no")
    return Entry(
        id=row["id"],
        # Millions of records say the same few things: each is held once.
        source=intern(row["source"]),
        patient_key=intern(row["patient_key"]),
        modality=modality,
        anatomy=intern(row["anatomy"]),
        facts=_shared(tuple(facts.items())),
        targets=tuple(sorted(_target_name(target) for target in row["targets"])),
        delivered_split=Split(row["delivered_split"]) if row["delivered_split"] else None,
        position=row["position"],
        licence=intern(row["licence"]),
        provenance=Provenance(
            file=intern(origin["file"]),
            locator=intern(origin["locator"]),
            sha256=origin["sha256"],
            method=intern(origin["method"]),
        ),
        pixels=pixels,
        more_pixels=tuple(other for other, _, _ in more),
        looks=looks,
        turns=turns,
        language=intern(row["language"]),
    )


@lru_cache(maxsize=2**14)
def _shared(facts: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """One mapping for all records of the same facts; nobody writes to it."""
    return {intern(name): intern(value) for name, value in facts}


@lru_cache(maxsize=4)
def _look(png: bytes) -> tuple[str, bool, Look]:
    """(hash of the pixels, whether they show colour, what they look like). Rows about one image follow each other."""
    pixels = decode_png(png)
    return pixel_hash(pixels), is_coloured(pixels), look_of(pixels)


def _target_name(item: object) -> str:
    match item:
        case str():
            return item
        case {"key": str(name)}:
            return name
        case (str(name), *_):
            return name
    raise ValueError(f"a map key was expected, got {item!r}")
