"""The pixels of a DICOM frame that show nothing: what padding fills and what a shutter covers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def hidden(stored: NDArray, dataset: Any) -> NDArray[np.bool_] | None:
    """True where a frame (H, W) of stored values shows nothing; None where all of it is picture."""
    found = _padding(stored, dataset)
    shutter = _shutter(stored.shape[:2], dataset)
    if found is None or shutter is None:
        return shutter if found is None else found
    return found | shutter


def shutter_of(pixels: NDArray, dataset: Any) -> NDArray[np.bool_] | None:
    """As `hidden`, for a picture in colour, which has no padding."""
    return _shutter(pixels.shape[:2], dataset)


def _padding(stored: NDArray, dataset: Any) -> NDArray[np.bool_] | None:
    first = _stored_number(dataset.get("PixelPaddingValue"), stored.dtype)
    if first is None:
        return None
    last = _stored_number(dataset.get("PixelPaddingRangeLimit"), stored.dtype)
    low, high = sorted((first, first if last is None else last))
    found = (stored >= low) & (stored <= high)
    return found if found.any() else None


def _stored_number(value: Any, dtype: np.dtype) -> int | None:
    """The number in the form of the stored values: writers give -2000 as 63536 and the other way round."""
    if value is None or isinstance(value, str | bytes):
        return None
    bits = 8 * dtype.itemsize
    number = int(value) % 2**bits
    return number - 2**bits if dtype.kind == "i" and number >= 2 ** (bits - 1) else number


def _shutter(shape: tuple[int, ...], dataset: Any) -> NDArray[np.bool_] | None:
    """What lies outside of every shutter that the header draws; rows and columns are counted from 1."""
    said = dataset.get("ShutterShape")
    shapes = [str(said)] if isinstance(said, str) else [str(word) for word in said or ()]
    rows, columns = np.ogrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    covered = np.zeros(shape, bool)
    if "RECTANGULAR" in shapes:
        names = ("UpperHorizontalEdge", "LowerHorizontalEdge", "LeftVerticalEdge", "RightVerticalEdge")
        edges = [dataset.get(f"Shutter{name}") for name in names]
        if None not in edges:
            top, bottom, left, right = (int(edge) for edge in edges)
            covered |= (rows <= top) | (rows >= bottom) | (columns <= left) | (columns >= right)
    if "CIRCULAR" in shapes:
        centre, radius = dataset.get("CenterOfCircularShutter"), dataset.get("RadiusOfCircularShutter")
        if centre and radius:
            covered |= (rows - int(centre[0])) ** 2 + (columns - int(centre[1])) ** 2 > int(radius) ** 2
    if "POLYGONAL" in shapes and len(dataset.get("VerticesOfThePolygonalShutter") or ()) >= 6:
        covered |= ~_inside([int(v) for v in dataset.VerticesOfThePolygonalShutter], shape)
    # A shutter that covers all, or nothing, is none.
    return covered if covered.any() and not covered.all() else None


def _inside(vertices: list[int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The polygon of (row, column) pairs, counted from 1."""
    from PIL import Image, ImageDraw

    drawn = Image.new("1", (shape[1], shape[0]))
    points = [(column - 1, row - 1) for row, column in zip(vertices[::2], vertices[1::2], strict=False)]
    ImageDraw.Draw(drawn).polygon(points, fill=1, outline=1)
    return np.asarray(drawn)
