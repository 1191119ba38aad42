"""What an image looks like from afar: enough to find its copies that were encoded again, scaled, cropped or windowed."""

import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from components.images.hashes import VIEWS, thumbnail, view_hashes
from components.images.likeness import is_alike

SIDE = 32
_VIEW_BYTES = 8 * VIEWS
BYTES = _VIEW_BYTES + SIDE * SIDE


class Look(ABC):
    """What an image looks like from afar."""

    __slots__ = ()

    @property
    @abstractmethod
    def data(self) -> bytes:
        """The views, then the thumbnail: BYTES bytes, as tables hold them."""

    @property
    @abstractmethod
    def hash(self) -> int:
        """64 bits; 0 for an image of one colour, which looks like nothing."""

    @property
    def views(self) -> bytes:
        """Hashes of the image as it is, of small crops and of other gammas; 8 bytes each, the highest first."""
        return self.data[:_VIEW_BYTES]

    @property
    def thumbnail(self) -> NDArray[np.uint8]:
        """Grey levels. Shape: (SIDE, SIDE)."""
        return np.frombuffer(self.data, np.uint8, offset=_VIEW_BYTES).reshape(SIDE, SIDE)

    def is_like(self, other: "Look") -> bool:
        """Whether the thumbnails show one picture, or one of them a small crop of it; window and gamma do not count."""
        return is_alike(self.thumbnail, other.thumbnail)


@dataclass(frozen=True, slots=True)
class SeenLook(Look):
    """A look in memory."""

    data: bytes = field(repr=False)

    @property
    def hash(self) -> int:
        return int.from_bytes(self.data[:8], "big")


class LookFile:
    """Looks on disk, for as long as it is there: millions of them are more than memory holds."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the looks
        self._count = 0

    def keep(self, data: bytes) -> "KeptLook":
        """Put away what `Look.data` is."""
        self._file.seek(0, 2)
        self._file.write(data)
        self._count += 1
        return KeptLook(int.from_bytes(data[:8], "big"), self, self._count - 1)

    def read(self, number: int) -> bytes:
        """The data of the look of that number."""
        self._file.seek(number * BYTES)
        return self._file.read(BYTES)


@dataclass(frozen=True, slots=True)
class KeptLook(Look):
    """A look of a file; only its hash is in memory."""

    hash: int = field()
    _file: LookFile = field(repr=False, compare=False)
    _number: int

    @property
    def data(self) -> bytes:
        return self._file.read(self._number)


def look_of(pixels: NDArray[np.uint8]) -> Look:
    """The look of (H, W) or (H, W, 3) uint8 pixels."""
    small = thumbnail(pixels)
    views = view_hashes(small[None])[0]
    return SeenLook(views.astype(">u8").tobytes() + (small // 16).astype(np.uint8).tobytes())
