import numpy as np
import pytest

from components.images.limits import ImageError
from components.images.resample import onto_grid
from components.images.volume import Volume


def ramp(shape: tuple[int, int, int], affine: np.ndarray) -> Volume:
    """Values that are 2 x + 3 y - z in millimetres: linear interpolation finds them exactly."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
    place = np.tensordot(affine[:3, :3], index, 1) + affine[:3, 3, None, None, None]
    return Volume(2 * place[0] + 3 * place[1] - place[2], affine)


def affine(spacing: tuple[float, float, float], origin: tuple[float, float, float], turn: float = 0.0) -> np.ndarray:
    found = np.eye(4)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    found[:3, :3] = rotation @ np.diag(spacing)
    found[:3, 3] = origin
    return found


def test_values_stay_where_they_are_in_millimetres():
    moving = ramp((30, 40, 20), affine((1.0, 1.2, 2.0), (-15, -24, -20), turn=0.1))
    grid = ramp((12, 14, 10), affine((1.5, 1.1, 1.3), (-8, -6, -5)))
    found = onto_grid(moving, grid)
    assert found.data.shape == (12, 14, 10) and found.affine is grid.affine
    np.testing.assert_allclose(found.data, grid.data, atol=1e-3)


def test_labels_are_never_mixed_and_outside_is_background():
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[2:5], labels[5:8] = 1, 4
    moving = Volume(labels, affine((2, 2, 2), (0, 0, 0)))
    grid = Volume(np.zeros((27, 21, 19)), affine((0.7, 0.9, 1.0), (0.3, -1, 0)))
    found = onto_grid(moving, grid, labels=True)
    assert set(np.unique(found.data)) == {0, 1, 4} and found.data.dtype == np.uint8
    mixed = onto_grid(moving, grid)
    assert len(np.unique(mixed.data)) > 3
    far = Volume(np.zeros((5, 12, 5)), affine((2, 2, 2), (8, 0, 8)))
    assert not onto_grid(moving, far, labels=True).data[:, 10:].any()


def test_volumes_of_two_places_are_no_pair():
    here, there = ramp((10, 10, 10), affine((1, 1, 1), (0, 0, 0))), ramp((10, 10, 10), affine((1, 1, 1), (7, 0, 0)))
    with pytest.raises(ImageError, match="grids apart: by its affine it covers 31% of the other volume"):
        onto_grid(here, there)
