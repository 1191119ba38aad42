"""WebDataset: tar files read from start to end and never unpacked. Members of one record share their name up to the first dot
and follow each other: an image (png, jpg, jpeg, webp) with txt (its caption) or json (a row like any other)."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError
from components.images.stored import StoredImage
from components.sources.delivery_folder import UNREAD, Delivery, Item
from components.sources.generic.conversations import make_record
from components.sources.reading.pictures import annotations
from components.sources.reading.row_records import unreadable_row
from components.sources.reading.rows import MAX_ROW, Row

IMAGES = ("png", "jpg", "jpeg", "webp")
TEXTS = ("txt", "json", "cls")
_MAX_MEMBER = 256 * 2**20
_MAX_NAME = 64 * 2**10
"""Bytes of a header that holds a name or a link of any length: tarfile reads it whole."""
_LONG_HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
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
    seen: set[str] = set()
    for number, (key, group) in enumerate(_groups(path)):
        try:
            if isinstance(group, ImageError):
                raise group
            if key in seen:
                raise ImageError("duplicate key", f"{key[:80]!r} comes twice, apart from each other")
            seen.add(key)
            row, shown = _row(group)
            yield make_record(delivery, name, number, row, shown)
        except ImageError as error:
            yield unreadable_row(delivery, name, number, error)


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
                    raise ImageError(UNREAD, f"{path.name}: {barren} members in a row belong to no record; mend it")
                if member.isdir():
                    continue
                stem, kind = _split(member.name)
                if stem != key:
                    if key:
                        yield key, bad or group
                    key, group, bad = stem, SampleFiles(), None
                try:
                    if kind in IMAGES + TEXTS:
                        barren = 0
                        _check(member, kind, group)
                        handle = archive.extractfile(member)
                        group[kind] = handle.read() if handle else b""
                except ImageError as error:
                    bad = bad or error
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ImageError("not a tar", f"{error}; deliver the archive again") from None
    if key:
        yield key, bad or group
    if not _is_ended(path):
        raise ImageError("not a tar", "the archive has no end: it was cut off; deliver it again")


def _is_ended(path: Path) -> bool:
    """Whether the file ends in the two empty blocks of a whole archive. tarfile itself takes a cut header for the end."""
    with path.open("rb") as handle:
        handle.seek(max(path.stat().st_size - 1024, 0))
        return handle.read() == bytes(1024)


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


def _row(group: SampleFiles) -> tuple[Row, list[StoredImage]]:
    """What the texts of a group say, as a row, and its image."""
    row: Row = {}
    try:
        if "json" in group:
            row = json.loads(group["json"])
        if "txt" in group:
            row = {"caption": group["txt"].decode(), **(row if isinstance(row, dict) else {})}
    except (ValueError, RecursionError) as error:
        raise ImageError("not JSON" if "json" in group else "not text", f"{error}") from None
    if not isinstance(row, dict):
        raise ImageError("not a row", "the json member holds no object")
    if "cls" in group:
        row = {"label": group["cls"].decode("utf-8", "replace").strip(), **row}
    found = next((group[kind] for kind in IMAGES if kind in group), None)
    if found is None:
        raise ImageError("missing image", f"the group has {', '.join(sorted(group)) or 'no known member'}")
    return row, [StoredImage.of(found)]
