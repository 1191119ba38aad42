"""Annotation files as text: what is no text stays marked in its place, and what breaks off says so."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from components.images.limits import ImageError

_NO_TEXT = re.compile("[\udc80-\udcff]")
"""What `surrogateescape` makes of a byte that is no text."""
_BYTES_BEGIN = 0xDC00


class BrokenOff(ImageError):
    """Nothing after some place of a file can be read: nobody knows how many rows follow, so that the source stops."""


def open_text(path: Path, newline: str | None = None, encoding: str = "utf-8-sig") -> TextIO:
    """The file, gzipped or not, as text: UTF-16 by its mark, else the encoding. `check_text` finds the bytes that are none.

    Raises ImageError, 'empty file', and BrokenOff for a file that cannot be opened.
    """
    try:
        with path.open("rb") as handle:
            start = handle.read(4)
        if not start:
            # JSON lines without a row are a file without a byte; of every other kind something has been cut off.
            kind = ImageError if path.suffix.lower() == ".jsonl" else BrokenOff
            raise kind("empty file", "the file holds no bytes; copy it whole or remove it")
        if path.suffix.lower() == ".gz":
            return cast(TextIO, gzip.open(path, "rt", encoding=encoding, newline=newline, errors="surrogateescape"))
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return path.open(encoding="utf-16", newline=newline)
        return path.open(encoding=encoding, newline=newline, errors="surrogateescape")
    except OSError as error:
        raise _unopened(error) from None


@contextmanager
def reading() -> Iterator[None]:
    """What reading an opened file may raise, as BrokenOff."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise BrokenOff("not text", f"{error.reason} at byte {error.start}; save the file as UTF-8") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BrokenOff(
            "undecodable", f"the gzipped file is broken: {error}; pack it again and copy it whole"
        ) from None
    except OSError as error:
        raise _unopened(error) from None


def check_text(text: str) -> None:
    """Raise ImageError, 'not text', where the text holds a byte that was none."""
    if not text.isascii() and (found := _NO_TEXT.search(text)):
        byte = ord(found.group()) - _BYTES_BEGIN
        near = _NO_TEXT.sub("?", text[max(0, found.start() - 20) : found.end() + 10])
        raise ImageError("not text", f"byte 0x{byte:02x} near {near!r} is not UTF-8; save the file as UTF-8")


def _unopened(error: OSError) -> BrokenOff:
    return BrokenOff("undecodable", f"{error.strerror or error}; check the file's rights and its disk")
