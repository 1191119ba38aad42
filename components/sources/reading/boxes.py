"""Where something is, as a question with boxes for its answer: corners in thousandths of the delivered image. Where the
recipe pads images to a square, assembly moves them into it (`assembly/boxes.py`)."""

from collections.abc import Iterable, Mapping

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import TurnKind

_ASKED = (
    "Which parts of this image are labelled {}? "
    "Answer with boxes [left, top, right, bottom] in thousandths of the image."
)
"""Takes any name as it is: a nodule, ribs, cardiomegaly."""
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""


def edges(x0: object, y0: object, x1: object, y1: object) -> Box:
    """The box of two corners. Raises ImageError, reason 'bad box', where they are no numbers."""
    try:
        left, top, right, bottom = (float(value) for value in (x0, y0, x1, y1))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ImageError("bad box", f"{x0!r}, {y0!r}, {x1!r}, {y1!r} are not four numbers") from None
    return left, top, right, bottom


def corners(x: object, y: object, width: object, height: object) -> Box:
    """The box of a corner and a size. Raises ImageError, reason 'bad box', where they are no numbers."""
    left, top, across, down = edges(x, y, width, height)
    return left, top, left + across, top + down


def overlap(box: Box, other: Box) -> bool:
    """Whether the boxes share any place."""
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def hull_of(box: Box, other: Box) -> Box:
    """The smallest box around both."""
    return min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3])


def thousandths(box: Box, width: float, height: float) -> str:
    """[x0, y0, x1, y1] in thousandths. Raises ImageError, reason 'bad box', for one outside of the image."""
    x0, y0, x1, y1 = box
    if not (width > 0 and height > 0 and 0 <= x0 < x1 <= width + 1 and 0 <= y0 < y1 <= height + 1):
        raise ImageError("bad box", f"{list(box)} in an image of {width:g} x {height:g}; deliver it at its own size")
    values = (x0 / width, y0 / height, x1 / width, y1 / height)
    return f"[{', '.join(str(min(round(1000 * value), 1000)) for value in values)}]"


def box_turns(places: Mapping[str, Iterable[Box]], width: float, height: float) -> list[Turn]:
    """One question for each name that has boxes, by name."""
    said = {name: " ".join(thousandths(box, width, height) for box in boxes) for name, boxes in sorted(places.items())}
    return [
        Turn(prompt=_ASKED.format(name), answer=answer, kind=TurnKind.BOXES) for name, answer in said.items() if answer
    ]
