"""How much header a DICOM file may have, found out before and while pydicom reads it: each element costs it microseconds."""

import io
import mmap
from pathlib import Path

from components.images.limits import ImageError

MAX_ITEMS = 50_000
"""Items of sequences and fragments of compressed pixels in one file."""
MAX_READS = 200_000
"""Reads of one data set; an element takes two."""
MAX_SEQUENCE_BYTES = 8 * 2**20
"""Of one sequence that says its length."""
_ITEM_TAGS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


class LimitedReader(io.BufferedReader):
    """A file that is read so many times and no more: then ImageError, 'too large'."""

    def __init__(self, raw: io.RawIOBase | io.BytesIO) -> None:
        super().__init__(raw)  # type: ignore[arg-type]
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_READS:
            raise ImageError("too large", f"the header takes more than {MAX_READS} reads; split the file")
        return super().read(size)


def check_items(path: Path) -> None:
    """Raise ImageError, 'too large', for a file of more than MAX_ITEMS items; nothing of it is parsed."""
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        check_items_of(data)


def check_items_of(data: bytes | mmap.mmap) -> None:
    """As `check_items`, for the file's bytes."""
    for tag in _ITEM_TAGS:
        count, at = 0, data.find(tag)
        while at >= 0:
            count += 1
            if count > MAX_ITEMS:
                raise ImageError("too large", f"the file has more than {MAX_ITEMS} items; split it")
            at = data.find(tag, at + 4)
