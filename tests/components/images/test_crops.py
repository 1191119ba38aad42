import numpy as np
import pytest

from components.images.crops import PARTS, WHOLE, cropped


def test_a_crop_is_stretched_to_the_full_side_again():
    """On a slope a crop shows the values of its own place and size; down and across are not mixed up."""
    side = 32
    places = np.arange(side, dtype=np.float64)
    slope = 100 * places[:, None] + 3 * places
    (found,) = cropped(slope, [((4, 0), (0, 2))])
    inner = (np.arange(side) + 0.5) / side
    down = (4 / PARTS + inner * (1 - 4 / PARTS)) * side - 0.5
    across = inner * (1 - 2 / PARTS) * side - 0.5
    expected = 100 * down[:, None] + 3 * across
    # A cell is flat within: a slope becomes steps of up to a quarter of one.
    assert np.abs(found / (76 * 78) - expected).max() < 100 * 0.26


def test_crops_are_whole_numbers_and_the_whole_is_the_whole():
    picture = np.random.default_rng(0).integers(0, 256, (32, 32)).astype(np.float64)
    whole, part = cropped(picture, [WHOLE, ((1, 2), (3, 0))])
    assert np.array_equal(whole, picture * PARTS**2)
    assert np.array_equal(part, np.floor(part))
    assert part.mean() == pytest.approx(77 * 77 * picture.mean(), rel=0.02)


def test_a_flat_picture_stays_flat():
    flat = np.full((32, 32), 7.0)
    assert (cropped(flat, [((1, 2), (3, 0))]) == 7 * 77 * 77).all()
