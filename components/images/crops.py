"""Small crops of thumbnails, in whole numbers: what a picture would be without a strip along its sides."""
# Shapes: N = thumbnails, C = crops, S = side of a thumbnail.

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PARTS = 80
"""A side is cut by so many parts of it at its start and at its end."""
Cut = tuple[int, int]
"""Parts that are left out at the start and at the end of a side."""
Crop = tuple[Cut, Cut]
"""The cut of the height and that of the width."""
WHOLE: Crop = ((0, 0), (0, 0))
CUTS: tuple[Cut, ...] = tuple((start, end) for start in range(5) for end in range(5))
"""Every cut of up to 5 % at either end, the whole side first."""
SMALL: tuple[Crop, ...] = (
    *(((k, k), (k, k)) for k in (1, 2, 3)),
    *((down, across) for k in (1, 3) for down in ((0, k), (k, 0)) for across in ((0, k), (k, 0))),
)
"""The middle, and what lies towards each corner: nearly every crop of up to 5 % at each end is close to the whole or to one of these."""


def cropped(thumbnails: NDArray[np.float64], crops: Sequence[Crop]) -> NDArray[np.float64]:
    """Each crop of whole numbers, stretched to the full side again; its values are larger by the parts that are left of
    the height and of the width, and exact. Shapes: (S, S) -> (C, S, S), or (N, 1, S, S) -> (N, C, S, S)."""
    down, across = _stretching(thumbnails.shape[-1], tuple(crops))
    return down @ thumbnails @ across


@lru_cache(maxsize=512)
def _stretching(side: int, crops: tuple[Crop, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each crop does to the height from the left and to the width from the right. Shapes: (C, S, S) each."""
    down = np.stack([_stretched(side, cut) for cut, _ in crops])
    return down, np.stack([_stretched(side, cut).T for _, cut in crops])


@lru_cache
def _stretched(side: int, cut: Cut) -> NDArray[np.float64]:
    """Takes a column of S cells to one of what the cut leaves: sums over the cells' shares. Shape: (S, S)."""
    start, end = cut
    edges = start * side + (PARTS - start - end) * np.arange(side + 1)
    cells = PARTS * np.arange(side + 1)
    low, high = np.maximum(edges[:-1, None], cells[:-1]), np.minimum(edges[1:, None], cells[1:])
    return np.maximum(0, high - low).astype(np.float64)
