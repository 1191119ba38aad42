"""NumPy archives (.npz) read image by image: nothing is unpickled, and no more than one image is in memory."""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from components.images.limits import ImageError, check_packed, check_size
from components.images.raster import check_file

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError),
    *(tokenize.TokenError, SyntaxError, ValueError, TypeError, KeyError, MemoryError),
)
"""What zipfile and numpy raise for broken content."""
_MAX_DIRECTORY = 2**20
"""Bytes of the list of entries: a set has a dozen."""
_END, _WIDE_END = b"PK\5\6", b"PK\6\7"
_LARGEST_ENTRY = 2**26
"""Bytes of one row: more is no image of a set."""


def archive_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Array -> shape, from the headers alone. Raises ImageError: 'pickle refused', 'not an archive', or for the file."""
    check_file(path)
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                check_packed(entry.compress_size, entry.file_size, entry.filename[:80])
            return {name.removesuffix(".npy"): _header(archive, name)[0] for name in archive.namelist()}
    except _BROKEN as error:
        raise _broken(error) from None


def archive_rows(path: Path, name: str) -> Iterator[NDArray]:
    """The entries along the first axis of an array of whole numbers. Raises ImageError as `archive_shapes` does."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as handle:
            shape, dtype = _read_header(handle, name)
            count = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
            if count > _LARGEST_ENTRY:
                raise ImageError(
                    "too large", f"an entry of {name} has {count} bytes, over the limit of {_LARGEST_ENTRY}"
                )
            for _ in range(shape[0]):
                data = handle.read(count)
                if len(data) != count:
                    raise ImageError("undecodable", f"{name} breaks off; deliver the file again")
                yield np.frombuffer(data, dtype).reshape(shape[1:])
    except _BROKEN as error:
        raise _broken(error) from None


def check_image(shape: tuple[int, ...]) -> None:
    """Raise ImageError unless (H, W) or (H, W, 3)."""
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3):
        raise ImageError("not images", f"an entry of shape {shape} is neither grey (H, W) nor RGB (H, W, 3)")
    check_size(shape[1], shape[0])


def _check_directory(path: Path) -> None:
    """Raise ImageError for a list of entries that zipfile would need seconds and gigabytes to read."""
    with path.open("rb") as handle:
        handle.seek(max(path.stat().st_size - 2**16 - 22, 0))
        tail = handle.read()
    at = tail.find(_END)
    while at >= 0:
        if int.from_bytes(tail[at + 12 : at + 16], "little") > _MAX_DIRECTORY:
            raise ImageError("too large", f"the list of entries is over the limit of {_MAX_DIRECTORY} bytes")
        at = tail.find(_END, at + 1)
    if _WIDE_END in tail:
        raise ImageError("too large", "an archive of more than 65 535 entries or 4 GiB")


def _header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    with archive.open(name) as handle:
        return _read_header(handle, name)


def _read_header(handle, name: str) -> tuple[tuple[int, ...], np.dtype]:
    version = npy.read_magic(handle)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, by_column, dtype = read(handle)
    if dtype.hasobject:
        raise ImageError("pickle refused", f"{name} holds Python objects; reading them could run code")
    if by_column or dtype.kind not in "ui" or not shape:
        raise ImageError(
            "unsupported values", f"{name} is {dtype} of shape {shape}; whole numbers in row order are read"
        )
    return shape, dtype


def _broken(error: Exception) -> ImageError:
    if isinstance(error, ImageError):
        return error
    return ImageError("not an archive", f"{type(error).__name__}: {error}; deliver the .npz again")
