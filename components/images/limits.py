"""What is refused before a single pixel is decoded."""

MAX_PIXELS = 50_000_000
"""Width times height of one image."""
MAX_SIDE = 32_768
MAX_FRAMES = 10_000
"""Frames of one clip or DICOM file."""
MAX_VOXELS = 200_000_000
MAX_FILE_BYTES = 2 * 2**30


MAX_RATIO, RATIO_FROM_BYTES = 100, 64 * 2**20
"""Plain bytes a packed one, and from how many plain bytes on: images and texts never pack so well."""


class ImageError(ValueError):
    """An image that cannot be used. `reason` is two stable words for the accounting, the message is for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class LeftOutError(ImageError):
    """What is no image by nature (a structured report, a directory of files), or what a set's own rule leaves out: nothing
    is wrong with the delivery, so that it is filtered with its reason, not quarantined."""


def check_packed(packed: int, plain: int, what: str) -> None:
    """Raise ImageError, 'too large', for so many plain bytes in so few packed ones that unpacking is what they are for."""
    if plain > RATIO_FROM_BYTES and plain > MAX_RATIO * packed:
        raise ImageError("too large", f"{what} would grow from {packed} to {plain} bytes, over {MAX_RATIO} times")


def check_size(width: int, height: int, *, max_pixels: int = MAX_PIXELS, max_side: int = MAX_SIDE) -> None:
    """Raise ImageError for an image without pixels or over the limits."""
    if width < 1 or height < 1:
        raise ImageError("no pixels", f"the image is {width} x {height} pixels")
    if width > max_side or height > max_side or width * height > max_pixels:
        raise ImageError(
            "too large", f"{width} x {height} pixels, over the limit of {max_pixels} pixels and {max_side} a side"
        )
