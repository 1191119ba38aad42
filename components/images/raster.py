"""PNG, JPEG, TIFF, WebP and BMP files through Pillow, with everything checked before it is decoded."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from components.images.bare import bare_jpeg, bare_png
from components.images.colour import in_srgb, said_profile
from components.images.deep_colour import deep_colour, is_deep_colour
from components.images.limits import MAX_FILE_BYTES, MAX_PIXELS, ImageError, check_size
from components.images.windows import bands, drop_grey_channels, percentile_limits, window

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_JPEG = ("JPEG", "MPO")
_MAX_SCANS = 100
"""Passes of a progressive JPEG; encoders write about ten, and each costs as much as the whole image."""
_BARE = {"PNG": bare_png, "JPEG": bare_jpeg}
"""Format -> what takes a file's metadata away."""
_REDUCED = 1
"""TIFF NewSubfileType of a smaller copy, as pyramids have them."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")


def read_raster(source: Path | bytes, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The image of a file, or of a file's bytes, as (H, W) or (H, W, 3) uint8: upright, alpha on white, 16 bits windowed, grey as grey.

    Raises ImageError with reason 'empty file', 'not an image', 'too large', 'no pixels', 'several images', 'unsupported
    values' or 'undecodable'.
    """
    return read_bare(source, max_pixels=max_pixels)[0]


def read_bare(source: Path | bytes, *, max_pixels: int = MAX_PIXELS) -> tuple[NDArray[np.uint8], bytes | None]:
    """What `read_raster` reads; and the file's own bytes without its metadata, where they are PNG or JPEG of those very
    pixels. Raises what `read_raster` raises.
    """
    with opened(source) as image:
        check_size(image.width, image.height, max_pixels=max_pixels)
        is_jpeg = image.format in _JPEG
        data = _coded(source) if is_jpeg else b""
        _check_parts(image, data)
        profile = said_profile(image.info)
        if is_deep_colour(image):
            with opened(source) as again:
                return drop_grey_channels(_coloured(_pixels(deep_colour(image, again)), profile)), None
        stored = _pixels(image)
        pixels = _coloured(stored, profile)
        if pixels is not stored:
            return drop_grey_channels(pixels), None
        grey = drop_grey_channels(pixels)
        bare = _BARE.get(image.format or "")
        if bare is None or image.mode not in ("L", "RGB") or grey is not pixels or _orientation(image) != 1:
            return grey, None
        return pixels, bare(data if is_jpeg else _coded(source))


@contextmanager
def opened(source: Path | bytes, formats: tuple[str, ...] = FORMATS) -> Iterator[Image.Image]:
    """The image file, open; whatever Pillow raises for broken content, inside the block too, becomes an ImageError."""
    if isinstance(source, Path):
        check_file(source)
    else:
        _check_length(len(source))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(source if isinstance(source, Path) else BytesIO(source), formats=formats) as image:
                yield image
    except ImageError:
        raise
    except Image.UnidentifiedImageError:
        raise ImageError("not an image", f"the content is none of {', '.join(formats)}") from None
    except Image.DecompressionBombError as error:
        raise ImageError("too large", str(error)) from None
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, MemoryError) as error:
        # Pillow's decoders raise all of these for broken content; the file is quarantined with the decoder's words.
        raise ImageError("undecodable", f"{type(error).__name__}: {error}; {_fix(error)}") from None


def _fix(error: Exception) -> str:
    """What helps: a coding that Pillow has no decoder for is no fault of the file."""
    lacks = any(words in str(error).lower() for words in ("not available", "unsupported", "unknown", "not supported"))
    return "write it as PNG, its coding is not read here" if lacks else "the file is cut or broken: copy it whole"


def check_file(path: Path) -> None:
    """Raise ImageError for a file without bytes or over the size limit."""
    _check_length(path.stat().st_size)


def _check_length(size: int) -> None:
    if size == 0:
        raise ImageError("empty file", "the file holds no bytes; deliver it again")
    if size > MAX_FILE_BYTES:
        raise ImageError("too large", f"the file is {size} bytes, over the limit of {MAX_FILE_BYTES}")


def _coded(source: Path | bytes) -> bytes:
    """The bytes of a PNG or JPEG file. A PNG's are not in memory while it is decoded: of 16 bits they may be as many as its pixels."""
    return source if isinstance(source, bytes) else source.read_bytes()


def _check_parts(image: Image.Image, data: bytes) -> None:
    """Raise ImageError for a JPEG of endless passes and for a file of which only a part would be read."""
    if image.format in _JPEG and data.count(b"\xff\xda") > _MAX_SCANS:
        raise ImageError("too large", f"a JPEG of more than {_MAX_SCANS} passes")
    if image.format not in ("TIFF", "PNG", "WEBP"):
        return
    try:
        image.seek(1)
    except EOFError:
        return
    is_smaller_copy = image.format == "TIFF" and image.tag_v2.get(254, 0) & _REDUCED  # type: ignore[attr-defined]
    if not is_smaller_copy:
        raise ImageError("several images", "the file has more than one page or frame; deliver each as its own file")
    image.seek(0)


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    upright = image if _orientation(image) == 1 else ImageOps.exif_transpose(image)
    mode = upright.mode
    if mode.startswith("I") or mode == "F":
        values = np.asarray(upright)
        return window(values, *percentile_limits(values))
    is_see_through = mode in ("RGBA", "LA", "PA", "RGBa", "La") or (mode == "P" and "transparency" in upright.info)
    shown = "L" if mode in ("1", "L") else "RGB"
    shape = (upright.height, upright.width, *((3,) if shown == "RGB" else ()))
    pixels = np.empty(shape, np.uint8)
    for rows in bands(shape):
        # What Pillow makes on the way to an array is as large as the image, several times over.
        is_whole = rows.stop >= upright.height and rows.start == 0
        part = upright if is_whole else upright.crop((0, rows.start, upright.width, min(rows.stop, upright.height)))
        pixels[rows] = np.asarray(_on_white(part) if is_see_through else part if mode == shown else part.convert(shown))
    return pixels


def _coloured(pixels: NDArray[np.uint8], profile: bytes | None) -> NDArray[np.uint8]:
    """The pixels in sRGB; grey levels stay what they are."""
    return in_srgb(pixels, profile) if pixels.ndim == 3 else pixels


def _on_white(image: Image.Image) -> Image.Image:
    """The image in RGB, white where it lets light through."""
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def turn_of(source: Path) -> int:
    """How the file's EXIF data turn its image: 1 where its pixels lie upright. Raises ImageError."""
    with opened(source) as image:
        return _orientation(image)


def _orientation(image: Image.Image) -> int:
    """1 where the pixels lie upright."""
    return image.getexif().get(ExifTags.Base.Orientation, 1)
