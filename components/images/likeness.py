"""Whether two thumbnails show one picture, by its fine detail: window, gamma and a small crop do not count.

Two bodies are alike in their large shapes; what tells them apart is how each place differs from those beside it. All
numbers are whole or rounded once, so that every machine finds the same.
"""
# Shapes: N = crops of a thumbnail, S = its side.

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from components.images.crops import CUTS, PARTS, SMALL, WHOLE, Crop, cropped

ALIKE = 0.65
"""Correlation of the fine detail from which on two thumbnails show one picture. All of 837 crops of up to 5 % of each side
reach it; pairs of two patients' chest X-rays reach 0.18 (standard deviation 0.07) and 0.51 at most."""
HOPELESS = 0.4
"""Where no first try reaches this, the crop is not looked for any closer."""
_STEPS = 16
"""Detail is told in so many parts of what is usual around it."""
_FIRST = (WHOLE, *SMALL)


def is_alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two thumbnails show one picture, as they are or one of them a small crop of the other. Shapes: (S, S)."""
    for whole, part in ((one, other), (other, one)):
        detail = _detail(part, [WHOLE])[0]
        (down, across), best = _best(whole, detail, _FIRST)
        for turn in range(4):
            if not HOPELESS <= best < ALIKE:
                break
            tries = [(cut, across) if turn % 2 else (down, cut) for cut in CUTS]
            (down, across), best = _best(whole, detail, tries)
        if best >= ALIKE:
            return True
    return False


def _best(whole: NDArray[np.uint8], detail: NDArray[np.float64], tries: Sequence[Crop]) -> tuple[Crop, float]:
    """The crop of the whole whose detail correlates best with this one, and how well. Shapes: (S, S), (S * S,)."""
    found = _detail(whole, tries)
    sizes = np.sqrt((found**2).sum(axis=1) * (detail**2).sum())
    correlations = found @ detail / np.maximum(1, sizes)
    number = int(correlations.argmax())
    return tries[number], float(correlations[number])


def _detail(thumbnail: NDArray[np.uint8], crops: Sequence[Crop]) -> NDArray[np.float64]:
    """How each place of each crop differs from those beside it, in parts of what is usual there; of mean zero.
    Shape: (S, S) -> (N, S * S)."""
    side = len(thumbnail)
    around = _around(side)
    grey = cropped(thumbnail.astype(np.float64), crops)
    # What one grey level became: detail much below it is noise and counts little.
    level = np.array([[[_left(down) * _left(across)]] for down, across in crops])
    differs = 9 * grey - around @ grey @ around
    usual = around @ np.abs(differs) @ around
    parts = np.floor(9 * _STEPS * differs / (usual + 81 * level)).reshape(len(crops), -1)
    return side**2 * parts - parts.sum(axis=1, keepdims=True)


def _left(cut: tuple[int, int]) -> int:
    return PARTS - sum(cut)


@lru_cache
def _around(side: int) -> NDArray[np.float64]:
    """Sums of a cell and the two beside it; at the border the cell counts twice. Shape: (S, S)."""
    sums = np.eye(side) + np.eye(side, k=1) + np.eye(side, k=-1)
    sums[0, 0] = sums[-1, -1] = 2
    return sums
