"""Boxes that a source's answers give, moved from the delivered picture into the one that the data set holds."""

import re
from collections.abc import Iterable
from dataclasses import replace

from components.images.resize import square_around
from components.records.record import Turn
from components.records.vocabulary import TurnKind

_BOX = re.compile(r"\[(\d+), (\d+), (\d+), (\d+)\]")


def in_square(turns: Iterable[Turn], width: int, height: int) -> tuple[Turn, ...]:
    """The turns with their boxes in thousandths of the square that an image of that size is padded to; turns of any other
    kind as they are."""
    if width == height:
        return tuple(turns)
    side, top, left = square_around(height, width)

    def moved(box: re.Match[str]) -> str:
        x0, y0, x1, y1 = map(int, box.groups())
        across = [round((width * x + 1000 * left) / side) for x in (x0, x1)]
        down = [round((height * y + 1000 * top) / side) for y in (y0, y1)]
        return f"[{across[0]}, {down[0]}, {across[1]}, {down[1]}]"

    return tuple(
        replace(turn, answer=_BOX.sub(moved, turn.answer)) if turn.kind is TurnKind.BOXES else turn for turn in turns
    )
