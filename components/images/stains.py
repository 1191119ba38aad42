"""The two stains of an image of tissue as directions of absorbed light: a slide's own, nearly whatever part of it is shown.

After Macenko et al. 2009: stained pixels lie in a plane of optical densities, between the directions of the two stains.
"""

import numpy as np
from numpy.typing import NDArray

_STAINED = 0.15
"""Optical density, in every channel, from which on a pixel is stained."""
_FEWEST = 50
_STEP = 4
"""Every fourth pixel is looked at."""


def stain_directions(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Two unit vectors (R, G, B), one behind the other, the one with less red first. Shapes: (H, W, 3) -> (6,).

    All 0 for an image with hardly any stained pixel.
    """
    density = -np.log((image.reshape(-1, 3)[::_STEP].astype(np.float64) + 1) / 256)
    density = density[(density > _STAINED).all(axis=1)]
    if len(density) < _FEWEST:
        return np.zeros(6)
    _, axes = np.linalg.eigh(np.cov(density.T))
    plane = axes[:, 1:] * np.sign(axes[:, 1:].sum(axis=0))
    along = density @ plane
    ends = np.percentile(np.arctan2(along[:, 0], along[:, 1]), (1, 99))
    found = [plane @ np.array([np.sin(angle), np.cos(angle)]) for angle in ends]
    return np.concatenate(sorted((v * np.sign(v.sum()) / np.linalg.norm(v) for v in found), key=lambda v: float(v[0])))
