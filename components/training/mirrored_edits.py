"""Mirrored and turned images of an edit: more training pairs out of few, where left, right, top and bottom mean nothing.

The given image, the drawn one and what the ViT sees of it are turned alike. A drawing from words and an organ map are never
turned: a liver has its side.
"""

from collections.abc import Mapping

import numpy as np

from components.storage.keys import unit_interval
from components.training.layout import Visit

# Shapes: h, w = rows and columns.

TURNS: Mapping[str, int] = {"super_resolution": 8, "staining": 8, "translation": 2}
"""Task -> how many of the eight turns its images may take: detail has no direction, a head stays upright."""
MIRRORED, FLIPPED, TRANSPOSED = 1, 2, 4


def turn_of(task: str, visit: Visit, seed: str, *, square: bool) -> int:
    """The turn of this visit, by key; 0, none, for tasks that have no other. Where not all images of the sample are
    square, none is transposed: what the ViT and the autoencoder are shown of one may be square and no square."""
    turn = int(unit_interval(seed, "turn", visit.key, visit.pass_number) * TURNS.get(task, 1))
    return turn if square else turn & ~TRANSPOSED


def turned(pixels: np.ndarray, turn: int) -> np.ndarray:
    """Pixels [h, w, 3] mirrored, flipped and transposed, as the turn says."""
    pixels = pixels[:, ::-1] if turn & MIRRORED else pixels
    pixels = pixels[::-1] if turn & FLIPPED else pixels
    return pixels.transpose(1, 0, 2) if turn & TRANSPOSED else pixels
