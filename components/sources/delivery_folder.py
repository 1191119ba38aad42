"""What an adapter is given: a source's folder as delivered, its files, its labels, and the way to build records."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError, LeftOutError
from components.images.stored import StoredImage
from components.recipes.sources import SourceSettings
from components.records.record import LeftOut, Provenance, Record, Unreadable
from components.records.vocabulary import Modality
from components.sources.labels import Labels
from components.sources.reading.known_layouts import layout_of
from components.sources.reading.opened import BrokenOff
from components.storage.atomic import TEMPORARY

Item = Record | Unreadable
MOST_UNREADABLE = 1000
"""Items of one file that follow each other, none of them a record: the rest of the file is not read."""
UNREAD = "too many errors"
"""The reason of what stands for that rest. As after any BrokenOff, nothing in it is accounted for, so that validation
stops the source."""
_ONE_BY_ONE = ("missing image",)
"""Reasons that a part of a set gives row after row, where the rest was not delivered."""
_ACCOMPANYING = ("LICENSE", "LICENCE", "SOURCES", "README", "NOTICE")
_PROSE = ("", ".txt", ".md", ".rst", ".pdf", ".html", ".htm", ".rtf", ".docx")
"""What such a file ends in: a table whose name begins so is a table."""
_IGNORED = (
    *("labels.csv", ".gitignore", ".gitkeep", ".gitattributes", ".DS_Store", ".directory", "Icon\r"),
    *("Thumbs.db", "ehthumbs.db", "desktop.ini", "dataset_infos.json", "dataset_dict.json"),
)
_POINTER, _LONGEST_POINTER = b"version https://git-lfs.github.com/spec/", 1024
"""How a pointer begins that Git LFS leaves where a file was not fetched, and its bytes at most."""
_COPIES = ("._", "~$")
"""What a Mac leaves beside each file that it packs, and an office program beside the one that is open."""
_COPIES_FOLDERS = frozenset(
    (
        *("__MACOSX", ".AppleDouble", ".Trash", ".Trashes", ".Spotlight-V100", ".fseventsd", ".TemporaryItems"),
        *("@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", ".thumbnails"),
        *(".git", ".dvc", ".cache", ".ipynb_checkpoints"),
    )
)
"""What systems, disk stations and tools keep for themselves: copies, thumbnails, what was thrown away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One source in the workspace."""

    folder: Path
    source: str
    settings: SourceSettings
    labels: Labels = field(default_factory=Labels)
    secret: bytes = field(default=b"", repr=False)
    """What keys ids and file names of a private source; empty for a public one, whose ids are the same everywhere."""
    patient_secret: bytes = field(default=b"", repr=False)
    """What keys its patients: the same for all sources of one namespace."""
    private: Path | None = None
    """The workspace's .unimed, of a private source that is read for one."""

    def files(self) -> Iterator[tuple[str, Path]]:
        """(name inside the folder, path) of each file that should hold records, in name order.

        Licences, notices, labels and editor droppings are not records. What a name or a link hides is the reader's to
        find out: `read` refuses what is not a plain file inside the folder.
        """
        for path in sorted(self.folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            name = path.name
            if name in _IGNORED or name.startswith((TEMPORARY, *_COPIES)):
                continue
            if not _COPIES_FOLDERS.isdisjoint(path.relative_to(self.folder).parts[:-1]):
                continue
            if name.upper().startswith(_ACCOMPANYING) and path.suffix.lower() in _PROSE:
                continue
            yield plain_name(path.relative_to(self.folder)), path

    def read(self, name: str, path: Path, read: Callable[[Path], Iterator[Item]]) -> Iterator[Item]:
        """What `read` makes of the file; a file that cannot be read becomes one Unreadable, after what it gave so far."""
        try:
            self.check(path)
            yield from self._until_hopeless(name, read(path))
        except ImageError as error:
            yield self.unreadable(name, error)
        except OSError as error:
            yield self.unreadable(
                name, ImageError("undecodable", f"{error.strerror or error}; check the file's rights")
            )

    def _until_hopeless(self, name: str, items: Iterator[Item]) -> Iterator[Item]:
        """The items, until MOST_UNREADABLE of them follow each other unreadable: a file of a million broken rows is one
        broken file."""
        unreadable = 0
        for item in items:
            yield item
            if isinstance(item, Record | LeftOut):
                unreadable = 0
            elif item.reason not in _ONE_BY_ONE:
                unreadable += 1
            if unreadable == MOST_UNREADABLE:
                detail = f"the rest of {name} was not read: {unreadable} of its items in a row hold no record; mend it"
                yield self.unreadable(f"{name}:rest", BrokenOff(UNREAD, detail))
                return

    def check(self, path: Path) -> None:
        """Raise ImageError for anything that is not a plain file inside the folder."""
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise ImageError("outside the folder", "a link that leads out of the source's folder is not followed")
        if not path.is_file():
            raise ImageError("not a file", "a broken link, a device or a pipe; deliver a plain file")
        if path.stat().st_size <= _LONGEST_POINTER and path.read_bytes().startswith(_POINTER):
            raise BrokenOff("not fetched", "Git LFS left a pointer in its place; fetch the file with `git lfs pull`")

    def unreadable(self, name: str, error: ImageError) -> Unreadable:
        """The record that stands for a file without usable content: of a LeftOutError one that is filtered."""
        kind = LeftOut if isinstance(error, LeftOutError) else Unreadable
        return kind(
            id=f"{self.source}/{name}",
            source=self.source,
            file=name,
            reason=error.reason,
            detail=error.detail,
            is_rest=isinstance(error, BrokenOff),
        )

    def unknown(self, name: str, expected: str) -> Unreadable:
        """The record that stands for a file that this source has no place for, saying what it is where that can be told."""
        told = layout_of(self.folder / name)
        what = f"{expected}; this is {told}" if told else f"{expected}; remove it or add it as its own source"
        return self.unreadable(name, ImageError("unknown file", what))

    def record(
        self,
        native_id: str,
        image: NDArray[np.uint8] | StoredImage,
        *,
        subject: str,
        modality: Modality,
        anatomy: str,
        file: str,
        licence: str,
        locator: str = "",
        facts: Mapping[str, str] | None = None,
        origins: Mapping[str, str] | None = None,
        targets: Mapping[str, bytes] | None = None,
        position: float | None = None,
        method: str = "as delivered",
    ) -> Record:
        """The record of one image, given as (H, W) or (H, W, 3) pixels or as it is stored."""
        stored = image if isinstance(image, StoredImage) else StoredImage.of_pixels(image)
        return Record(
            id=f"{self.source}/{native_id}",
            source=self.source,
            subject=subject,
            modality=modality,
            anatomy=anatomy,
            image=stored,
            facts={"colour": "yes" if stored.colour else "no", **(facts or {})},
            origins=origins or {},
            targets=targets or {},
            position=position,
            licence=licence,
            provenance=Provenance(file=file, locator=locator, sha256=stored.sha256, method=method),
        )


def plain_name(relative: Path) -> str:
    """The path with POSIX separators as text that any file can hold, whatever bytes the name is made of."""
    return os.fsencode(relative.as_posix()).decode("utf-8", "backslashreplace")
