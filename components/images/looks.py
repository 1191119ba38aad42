"""What an image looks like from afar: enough to find its copies that were encoded again, scaled, cropped or windowed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.images.hashes import thumbnail, thumbnail_hashes

ALIKE = 0.95
"""Correlation of two thumbnails from which on two images with near hashes are taken for one; hashes of two patients'
chest X-rays can be near by chance, their thumbnails then correlate at about 0.75."""
SIDE = 16


@dataclass(frozen=True, slots=True)
class Look:
    """What an image looks like from afar."""

    hash: int
    """64 bits; 0 for an image of one colour, which looks like nothing."""
    thumbnail: bytes
    """16 x 16 grey levels."""

    def is_like(self, other: "Look") -> bool:
        """Whether the thumbnails correlate: brightness and contrast do not count."""
        one, two = (np.frombuffer(look.thumbnail, np.uint8).astype(np.float64) for look in (self, other))
        one, two = one - one.mean(), two - two.mean()
        size = np.sqrt((one @ one) * (two @ two))
        return bool(size > 0 and one @ two >= ALIKE * size)

    def to_bytes(self) -> bytes:
        """As tables hold it."""
        return self.hash.to_bytes(8, "big") + self.thumbnail

    @classmethod
    def from_bytes(cls, data: bytes) -> "Look":
        """The look that `to_bytes` wrote."""
        return cls(int.from_bytes(data[:8], "big"), data[8:])


def look_of(pixels: NDArray[np.uint8]) -> Look:
    """The look of (H, W) or (H, W, 3) uint8 pixels."""
    small = thumbnail(pixels)
    # Four means in sixteenths of a grey level become one in whole ones.
    grey = small.reshape(SIDE, 2, SIDE, 2).sum(axis=(1, 3)) // (4 * 16)
    return Look(int(thumbnail_hashes(small[None])[0]), grey.astype(np.uint8).tobytes())
