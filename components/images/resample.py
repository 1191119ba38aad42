"""A volume on another volume's grid, by their affines alone: nothing is registered."""

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.volume import Volume

LEAST_OVERLAP = 0.5
"""Share of the grid that the volume must reach: below, the two do not show the same place."""


def onto_grid(volume: Volume, grid: Volume, *, labels: bool = False) -> Volume:
    """The volume's values at the voxels of `grid`, linear in between, 0 outside; `labels` by nearest neighbour.

    Raises ImageError, reason 'grids apart', when it covers less than half of the grid, and where one of the two does not
    say how it lies.
    """
    from scipy.ndimage import affine_transform

    if not (volume.is_placed and grid.is_placed):
        raise ImageError("grids apart", "its shape differs, and a header without sform and qform says no place")
    step = np.linalg.inv(volume.affine) @ grid.affine
    share = _overlap(step, volume.data.shape, grid.data.shape)
    if share < LEAST_OVERLAP:
        raise ImageError("grids apart", f"by its affine it covers {share:.0%} of the other volume; register them first")
    values = np.asarray(volume.data)
    found = affine_transform(
        values if labels else values.astype(np.float32),
        step[:3, :3],
        step[:3, 3],  # type: ignore[arg-type]
        output_shape=grid.data.shape,
        order=0 if labels else 1,
        mode="grid-constant",
    )
    return Volume(found, grid.affine)


def _overlap(step: NDArray[np.float64], shape: tuple[int, ...], grid: tuple[int, ...]) -> float:
    """Share of the grid's voxels (looked at on a lattice of 16 a side) that fall inside the volume."""
    places = np.meshgrid(*(np.linspace(0, side - 1, 16) for side in grid), indexing="ij")
    at = np.stack([place.ravel() for place in places])
    found = step[:3, :3] @ at + step[:3, 3:4]
    inside = ((found > -0.5) & (found < np.array(shape)[:, None] - 0.5)).all(axis=0)
    return float(inside.mean())
