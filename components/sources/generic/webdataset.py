"""WebDataset: tar files read from start to end and never unpacked. Members of one record share their name up to the first dot
and follow each other: an image, or several as `left.png` and `right.png`, with txt (its caption) or json (a row like any
other)."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError
from components.images.raster import SUFFIXES
from components.images.stored import StoredImage
from components.sources.delivery_folder import UNREAD, Delivery, Item
from components.sources.generic.conversations import caption_beside, make_record
from components.sources.reading.columns import ReadRow, check_columns
from components.sources.reading.json_stream import MAX_ROW, json_value
from components.sources.reading.opened import BrokenOff
from components.sources.reading.pictures import Pictures, annotations
from components.sources.reading.row_records import unreadable_row
from components.sources.reading.rows import Row
from components.sources.reading.unread_columns import UnreadColumns

IMAGES = tuple(suffix.removeprefix(".") for suffix in SUFFIXES)
TEXTS = ("txt", "json", "cls")
UNREAD_PICTURES = ("dcm", "nii", "nii.gz", "mp4", "gif", "svs")
"""Kinds of pictures that belong into another format's folder."""
_LABELS = re.compile(r"seg|mask|label|annot", re.IGNORECASE)
"""In the kind of an image that shows labels."""
_MAX_MEMBER = 256 * 2**20
_MAX_NAME = 64 * 2**10
"""Bytes of a header that holds a name or a link of any length: tarfile reads it whole."""
_LONG_HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
_END, _LONGEST_END = 1024, 2**20
"""Bytes of the end of an archive, and of what may fill it up."""
_MOST_BARREN = 10_000
"""Members that follow each other and belong to no record."""
SampleFiles = dict[str, bytes]


class _Member(tarfile.TarInfo):
    """A member whose name is no bomb."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        member = super().frombuf(buf, encoding, errors)
        if member.type in _LONG_HEADERS and member.size > _MAX_NAME:
            raise ImageError("too large", f"a name of {member.size} bytes in the archive, the limit is {_MAX_NAME}")
        return member


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a group of members. A name that leads out, a link, or a kind of member met twice spoils its group."""
    for found in annotations(delivery, ".tar"):
        if isinstance(found, tuple):
            name, path = found
            yield from delivery.read(name, path, lambda p, n=name: _records(delivery, n, p))
        else:
            yield found


def _records(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    seen, unread = set[str](), UnreadColumns()
    for number, (key, group) in enumerate(_groups(path)):
        try:
            if isinstance(group, ImageError):
                raise group
            if key in seen:
                raise ImageError("duplicate key", f"{key[:80]!r} comes twice, apart from each other")
            seen.add(key)
            row, shown = _row(key, group)
            record = make_record(delivery, name, number, row, shown, Pictures(delivery))
            check_columns(row, len(record.images))
            told = [record, *caption_beside(row, record)]
            unread.note(row)
            yield from told
        except ImageError as error:
            yield unreadable_row(delivery, name, number, error)
    yield from unread.items(delivery, name)


def _groups(path: Path) -> Iterator[tuple[str, SampleFiles | ImageError]]:
    """(key, members by kind) in the order of the stream; one group in memory at a time."""
    key, group, bad, barren = "", SampleFiles(), None, 0
    try:
        with tarfile.open(path, mode="r:", tarinfo=_Member) as archive:
            while member := archive.next():
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
                barren += 1
                if barren > _MOST_BARREN:
                    if key:
                        yield key, bad or group
                    raise BrokenOff(UNREAD, f"{path.name}: {barren} members in a row belong to no record; mend it")
                if member.isdir():
                    continue
                stem, kind = _split(member.name)
                if stem != key:
                    if key:
                        yield key, bad or group
                    key, group, bad = stem, SampleFiles(), None
                try:
                    if _last(kind) in IMAGES + TEXTS or kind in UNREAD_PICTURES:
                        barren = 0
                        _check(member, kind, group)
                        handle = archive.extractfile(member)
                        group[kind] = handle.read() if handle else b""
                except ImageError as error:
                    bad = bad or error
            end = archive.offset
    except ImageError as error:
        raise BrokenOff(error.reason, error.detail) from None
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BrokenOff("not a tar", f"{error}; pack it again and copy it whole") from None
    if key:
        yield key, bad or group
    _check_end(path, end)


def _check_end(path: Path, end: int) -> None:
    """Raise BrokenOff unless the file ends in the two empty blocks of a whole archive and in nothing else: tarfile itself
    takes a cut header for the end, and stops where a second archive begins."""
    with path.open("rb") as handle:
        handle.seek(max(path.stat().st_size - _END, 0))
        if handle.read() != bytes(_END):
            raise BrokenOff("not a tar", "the archive has no end: it was cut off; copy it whole")
        handle.seek(end)
        if any(handle.read(_LONGEST_END)):
            raise BrokenOff("not a tar", "more follows the end of the archive; deliver one archive a file")


def _split(name: str) -> tuple[str, str]:
    """(folder and name up to the first dot, the rest in lower case)."""
    path = PurePosixPath(name)
    stem, _, kind = path.name.partition(".")
    return str(path.parent / (stem or path.name)), kind.lower()


def _check(member: tarfile.TarInfo, kind: str, group: SampleFiles) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise ImageError("bad path", f"{member.name[:80]!r} leads out of the archive")
    if not member.isreg():
        raise ImageError("not a file", f"{member.name[:80]!r} is a link or a device")
    if kind in group:
        raise ImageError("duplicate key", f"{member.name[:80]!r} comes twice")
    if member.size > (MAX_ROW if kind in TEXTS else _MAX_MEMBER):
        raise ImageError("too large", f"{member.name[:80]!r} has {member.size} bytes")


def _row(key: str, group: SampleFiles) -> tuple[ReadRow, list[StoredImage]]:
    """What the texts of a group say, as a row, and its images in their order."""
    row: Row = {}
    if "json" in group:
        row = json_value(_text(key, "json", group))
        if not isinstance(row, dict):
            raise ImageError("not a row", f"{key}.json holds no object")
    for kind, column in (("txt", "caption"), ("cls", "label")):
        if kind not in group:
            continue
        said = _text(key, kind, group).strip()
        if str(row.get(column, said)).strip() != said:
            raise ImageError("unread member", f"{key}.{kind} says another {column} than {key}.json; keep one of them")
        row.setdefault(column, said)
    return ReadRow(row), [StoredImage.of(group[kind]) for kind in _pictures(key, group)]


def _pictures(key: str, group: SampleFiles) -> list[str]:
    """The kinds of the members that are the record's images. Raises ImageError where they cannot be told from others."""
    plain = [kind for kind in group if kind in IMAGES]
    named = [kind for kind in group if kind not in IMAGES and _last(kind) in IMAGES]
    unread = [kind for kind in group if kind in UNREAD_PICTURES or (_last(kind) in TEXTS and kind not in TEXTS)]
    if labels := [kind for kind in named if _LABELS.search(kind)]:
        raise ImageError("unread member", f"{key}.{labels[0]} seems to show labels, which are not read; take it out")
    if unread or (plain and named):
        what = (unread or named)[0]
        raise ImageError("unread member", f"{key}.{what} is not read: a name has one dot, before {', '.join(TEXTS)}")
    if len(plain) > 1:
        raise ImageError("unread member", f"{key} has {' and '.join(plain)}; name several images left.png, right.png")
    if named and all(kind.split(".")[0].isdigit() for kind in named) and not any(kind in group for kind in TEXTS):
        what = f"{key}.{named[0]}: what follows a name's first dot is its kind"
        raise ImageError("unread member", f"{what}; take the other dots out of the names")
    if not plain and not named:
        there = ", ".join(f"{key}.{kind}" for kind in sorted(group)) or f"{key} without a known kind"
        raise ImageError("missing image", f"{there}; an image beside it is {', '.join(IMAGES)}")
    return plain or named


def _last(kind: str) -> str:
    return kind.rsplit(".", 1)[-1]


def _text(key: str, kind: str, group: SampleFiles) -> str:
    try:
        return group[kind].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImageError("not text", f"{key}.{kind} is not UTF-8 at byte {error.start}; save it as UTF-8") from None
