"""LabelMe: a JSON file an image, with shapes in pixels. Polygons are masks, rectangles and circles boxes."""

import base64
import binascii
import math
from collections.abc import Iterator
from pathlib import Path

from components.images.limits import ImageError
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.boxes import edges
from components.sources.reading.films import Films
from components.sources.reading.pictures import annotations
from components.sources.reading.rows import Row, json_object, text
from components.sources.reading.sidecars import Sidecar, Sidecars, beside, hull_box

_MAX_BYTES = 256 * 2**20
"""Of a file with its image in it."""
_UNREAD = ("line", "linestrip", "point", "points")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a JSON file, with the image beside it, else the one in it; one without shapes says that nothing is
    marked. Lines and points are named and not read."""
    files: list[tuple[str, Path]] = []
    for found in annotations(delivery, ".json"):
        if isinstance(found, tuple):
            files.append(found)
        else:
            yield found
    films = Films(delivery)
    yield from Sidecars(delivery, films, _parse).items(files)
    yield from films.unnamed(lambda name: True)


def _parse(name: str, path: Path) -> Sidecar:
    whole = json_object(path, _MAX_BYTES)
    shapes, flags = whole.get("shapes"), whole.get("flags")
    if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
        raise ImageError("not LabelMe", "a LabelMe file has a list of shapes; take the file out")
    read = [shape for shape in shapes if _kind(shape) not in _UNREAD]
    return Sidecar(
        images=beside(name, text(whole, "imagePath").replace("\\", "/")),
        marks=[_mark(shape) for shape in read],
        size={side: whole[key] for side, key in _SIDES if isinstance(whole.get(key), int | float)},
        embedded=_embedded(whole.get("imageData")),
        flags=sorted(name for name, is_set in flags.items() if is_set is True) if isinstance(flags, dict) else [],
        unread=[f"shapes of the kind {_kind(shape)}" for shape in shapes if _kind(shape) in _UNREAD],
        is_upright=True,
    )


_SIDES = (("width", "imageWidth"), ("height", "imageHeight"))


def _kind(shape: Row) -> str:
    return text(shape, "shape_type") or "polygon"


def _mark(shape: Row) -> Row:
    name, kind, points = text(shape, "label"), _kind(shape), shape.get("points")
    if not name or not isinstance(points, list) or len(points) < 2:
        raise ImageError("bad shape", f"the {kind} {name[:40]!r} has no label or no points; name both or take it out")
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise ImageError("bad shape", f"the points of the {kind} {name[:40]!r} are not pairs of numbers")
    corners = [edges(0, 0, *point)[2:] for point in points]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    polygon = None
    if kind == "circle":
        radius = math.dist(corners[0], corners[1])
        xs, ys = [xs[0] - radius, xs[0] + radius], [ys[0] - radius, ys[0] + radius]
    elif kind == "polygon":
        polygon = [[value for corner in corners for value in corner]]
    elif kind not in ("rectangle", "mask"):
        raise ImageError("bad shape", f"a shape of the kind {kind[:40]!r} is not known")
    return {"category_id": name, "bbox": hull_box(xs, ys), "segmentation": polygon}


def _embedded(data: object) -> bytes:
    if not isinstance(data, str) or not data:
        return b""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise ImageError("undecodable", "imageData is no image in base64; deliver the image beside the file") from None
