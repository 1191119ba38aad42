"""What is marked in one image, as COCO writes it: boxes are asked for, masks are a map of structures that may be drawn."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.limits import MAX_VOXELS, ImageError, LeftOutError
from components.images.png import encode_png
from components.images.stored import StoredImage
from components.records.record import Turn
from components.sources.reading.boxes import Box, box_turns, corners, hull_of, overlap
from components.sources.reading.columns import is_empty
from components.sources.reading.label_colours import painted
from components.sources.reading.rows import Row
from components.sources.reading.segmentations import segmented

_LOOSE, _TOGETHER = 1.0, 0.6
"""A box may be so many pixels larger than its mask whatever their sizes; the smaller takes so much of the place of both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """An image and what is marked in it."""

    picture: StoredImage
    size: tuple[int, int]
    """(width, height) that the marks are drawn in."""
    things: Sequence[Row]
    """Each with `category_id`, `bbox` and `segmentation`, as COCO has them."""
    names: Mapping[Any, str]
    """Category id -> name."""

    def turns(self) -> list[Turn]:
        """Where each category is. Raises ImageError, reason 'bad box'."""
        return boxes_of(self.things, self.names, self.size)

    def facts(self) -> dict[str, str]:
        """Which categories are marked; nothing where none is."""
        shown = sorted({self.names[mark["category_id"]] for mark in self.things})
        return {"description": "; ".join(shown)} if shown else {}

    def targets(self) -> dict[str, bytes]:
        """The map of what is marked, where every mark has a mask. Raises ImageError, 'bad mask', 'bad box' and 'too large'."""
        masks = self._masks()
        if not masks or len(masks) < len(self.things):
            return {}
        return {"structure_map": encode_png(_map(masks, self.names, self.size, self.picture))}

    def lack(self) -> LeftOutError | None:
        """Why there is no map though some marks have masks."""
        masks = self._masks()
        if not masks or len(masks) == len(self.things):
            return None
        what = f"{len(masks)} of its {len(self.things)} annotations have one"
        return LeftOutError("incomplete masks", f"{what}: a map of them would say that there is nothing else")

    def _masks(self) -> list[Row]:
        return [mark for mark in self.things if not is_empty(mark.get("segmentation"))]


def size_of(image: Row, picture: StoredImage) -> tuple[int, int]:
    """(width, height) that boxes and masks are drawn in: what the list says, else the picture's own. Raises ImageError,
    reason 'sizes differ', where the picture is no smaller or larger copy of that."""
    _, _, width, height = corners(0, 0, image.get("width") or picture.width, image.get("height") or picture.height)
    differs = abs(width * picture.height - height * picture.width)
    if width < 1 or height < 1 or differs > max(width, height, *picture.shape[:2]):
        what = f"the list says {width:g} x {height:g}, the image is {picture.width} x {picture.height} pixels upright"
        raise ImageError("sizes differ", f"{what}; deliver the image that was annotated, turned as it was")
    return int(width), int(height)


def boxes_of(found: Sequence[Row], names: Mapping[Any, str], size: tuple[int, int]) -> list[Turn]:
    """Where each category is in an image of that size (width, height), crowds left out. Raises ImageError, reason 'bad
    box'."""
    places: dict[str, list[Box]] = defaultdict(list)
    for mark in found:
        if (box := _box(mark)) is None:
            continue
        if max(box) <= 1 < min(size):
            raise ImageError("bad box", f"{mark['bbox']} is in shares of the image; COCO's boxes are in pixels")
        places[names[mark["category_id"]]].append(box)
    return box_turns(places, *size)


def _box(mark: Row) -> Box | None:
    """The box of an annotation, none of a crowd. Raises ImageError, reason 'bad box'."""
    box = mark.get("bbox")
    if mark.get("iscrowd") or "bbox" not in mark:
        return None
    if not isinstance(box, list) or len(box) != 4:
        raise ImageError("bad box", f"{str(box)[:40]!r}: a box is x, y, width, height")
    return corners(*box)


def _map(
    masks: Sequence[Row], names: Mapping[Any, str], size: tuple[int, int], picture: StoredImage
) -> NDArray[np.uint8]:
    """The categories in their colours, of the picture's size. Shape: (H, W, 3). Raises ImageError, reasons 'bad mask' and
    'too large'."""
    whole: dict[str, NDArray[np.bool_]] = {}
    if len({mark["category_id"] for mark in masks}) * size[0] * size[1] > MAX_VOXELS:
        raise ImageError("too large", f"the masks of all categories together are over {MAX_VOXELS} pixels")
    for mark in masks:
        mask = segmented(mark["segmentation"], *size)
        _check_together(mark, mask)
        name = names[mark["category_id"]]
        whole[name] = whole[name] | mask if name in whole else mask
    width, height = size
    down = np.arange(picture.height) * height // picture.height
    across = np.arange(picture.width) * width // picture.width
    return painted([(name, mask[np.ix_(down, across)]) for name, mask in whole.items()], picture.shape)


def _check_together(mark: Row, mask: NDArray[np.bool_]) -> None:
    """Raise ImageError, reason 'bad box', where box and mask of an annotation are at different places."""
    box = _box(mark)
    if box is None or not mask.any():
        return
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    hull = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    whole = hull_of(box, hull)
    parts = (box[2] - box[0]) * (box[3] - box[1]), (hull[2] - hull[0]) * (hull[3] - hull[1])
    around = (whole[2] - whole[0] - _LOOSE) * (whole[3] - whole[1] - _LOOSE)
    if not overlap(box, hull) or min(parts) < _TOGETHER * around:
        what = f"the box {mark['bbox']} and the mask's own {[round(edge) for edge in hull]} (left, top, right, bottom)"
        raise ImageError("bad box", f"{what} are two places; COCO's boxes are x, y, width, height")
