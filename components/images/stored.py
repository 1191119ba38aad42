"""An image as tables hold it, with all that curation asks of its pixels: they are decoded once, when it is read."""

import base64
import math
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.limits import ImageError, check_size
from components.images.looks import Look, SeenLook, look_of
from components.images.png import encode_png, pixels_sha256
from components.images.raster import read_bare
from components.images.windows import bands, colouring

_FORMATS = ("PNG", "JPEG")
_LEVELS = np.arange(256, dtype=np.int64)
_BLACK, _WHITE = 5, 250
"""The last level that counts as black and the first that counts as white: JPEG blurs both ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredImage:
    """8 bits, grey or RGB, upright, windowed, without a word of where it comes from."""

    data: bytes = field(repr=False)
    """PNG; where it was delivered as JPEG, that JPEG without its metadata."""
    width: int
    height: int
    sha256: str
    """Of the decoded pixels."""
    pixels: str
    """The same; of RGB whose channels are equal, that of one of them, so that it equals the grey image."""
    mean: float
    deviation: float
    """Standard deviation of the channel that varies most."""
    clipped: float
    """Share of white among the values that are not black, 0 to 1."""
    colour: bool
    """Clearly, in at least one pixel of a hundred."""
    grey: bool
    """Stored as one channel; a pale stain is neither grey nor in colour."""
    look: Look

    @classmethod
    def of(cls, source: Path | bytes) -> "StoredImage":
        """The image of a PNG, JPEG, TIFF, WebP or BMP file, or of its bytes. Raises ImageError."""
        pixels, bare = read_bare(source)
        return cls.of_pixels(pixels, bare)

    @classmethod
    def of_pixels(cls, pixels: NDArray[np.uint8], data: bytes | None = None) -> "StoredImage":
        """The image of (H, W) or (H, W, 3) uint8 pixels; `data` decodes to them, where it is there already."""
        height, width = pixels.shape[:2]
        check_size(width, height)
        pixels = np.ascontiguousarray(pixels)
        is_grey = pixels.ndim == 2
        differs, is_coloured = (False, False) if is_grey else colouring(pixels)
        sha256 = pixels_sha256(pixels)
        counts = np.sum([_counts(pixels[rows]) for rows in bands(pixels.shape)], axis=0)
        # Whole numbers up to the last step, so that every machine finds the same.
        sums, squares = counts @ _LEVELS, counts @ _LEVELS**2
        varied = max(width * height * int(q) - int(s) ** 2 for s, q in zip(sums, squares, strict=True))
        return cls(
            data=data or encode_png(pixels),
            width=width,
            height=height,
            sha256=sha256,
            pixels=pixels_sha256(pixels[..., 0]) if not (is_grey or differs) else sha256,
            mean=int(sums.sum()) / (len(counts) * width * height),
            deviation=math.sqrt(varied) / (width * height),
            clipped=int(counts[:, _WHITE:].sum()) / max(1, int(counts[:, _BLACK + 1 :].sum())),
            colour=is_coloured,
            grey=is_grey,
            look=look_of(pixels),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W) or (H, W, 3), as of its pixels."""
        return (self.height, self.width) if self.grey else (self.height, self.width, 3)

    def decode(self) -> NDArray[np.uint8]:
        """Its pixels, not to be written to."""
        return decode_stored(self.data)

    def without_data(self) -> "StoredImage":
        """What is known of it, without its bytes and its look."""
        return replace(self, data=b"", look=SeenLook(b""))


def _counts(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each grey level occurs. Shape: (channels, 256)."""
    return np.array(Image.fromarray(pixels).histogram()).reshape(-1, 256)


def decode_stored(data: bytes) -> NDArray[np.uint8]:
    """The (H, W) or (H, W, 3) pixels of a stored image, not to be written to. Raises ImageError for anything else."""
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            check_size(image.width, image.height)
            if image.mode not in ("L", "RGB"):
                raise ImageError("wrong mode", f"a stored image is L or RGB, this one is {image.mode}")
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError("undecodable", f"not a readable {' or '.join(_FORMATS)}: {error}") from None


def stored_size(data: bytes) -> tuple[int, int]:
    """(width, height) of a stored image, from its header."""
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            return image.size
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError("undecodable", f"not a readable image: {error}") from None


def data_uri(data: bytes) -> str:
    """A stored image as pages hold it."""
    return f"data:image/{stored_format(data)};base64,{base64.b64encode(data).decode()}"


def stored_format(data: bytes) -> str:
    """`png` or `jpeg`: the end of a stored image's file name and of its media type."""
    return "png" if data.startswith(b"\x89PNG") else "jpeg"
