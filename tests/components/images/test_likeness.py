"""Fine detail tells two pictures apart that are alike in their large shapes, whatever the window."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from components.images.hashes import thumbnail
from components.images.likeness import is_alike


def small(image: np.ndarray) -> np.ndarray:
    return (thumbnail(np.ascontiguousarray(image)) // 16).astype(np.uint8)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.asarray(Image.fromarray(skimage.data.retina()[200:1200, 200:1200]).resize((320, 320)))


@pytest.mark.parametrize(
    "box", [(16, 16, 320, 320), (0, 0, 304, 304), (16, 0, 320, 304), (16, 16, 304, 304), (0, 9, 315, 316)]
)
def test_a_crop_of_up_to_five_percent_of_each_side_is_alike_either_way(picture, box):
    left, top, right, bottom = box
    crop = picture[top:bottom, left:right]
    assert is_alike(small(picture), small(crop)) and is_alike(small(crop), small(picture))


def test_a_larger_crop_is_another_picture(picture):
    assert not is_alike(small(picture), small(picture[40:, 40:]))


@pytest.mark.parametrize("gamma", [0.7, 1.4])
def test_gamma_and_window_do_not_count(picture, gamma):
    changed = 200 * (picture / 255) ** gamma + 30
    assert is_alike(small(picture), small(changed.astype(np.uint8)))


def test_another_detail_in_the_same_large_shapes_is_another_picture():
    """As of two bodies: light and shade in common, and of each its own texture."""
    generator = np.random.default_rng(0)
    place = np.linspace(0, np.pi, 64)
    shape = 100 + 80 * np.sin(place)[:, None] * np.sin(2 * place)
    one, two = (shape + 6 * generator.standard_normal((64, 64)) for _ in range(2))
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.95
    assert not is_alike(small(one.astype(np.uint8)), small(two.astype(np.uint8)))
    assert is_alike(small(one.astype(np.uint8)), small((0.7 * one + 5).astype(np.uint8)))


def test_a_mirror_image_is_another_and_one_colour_is_like_nothing(picture):
    assert not is_alike(small(picture), small(picture[:, ::-1]))
    grey = np.full((32, 32), 90, np.uint8)
    assert not is_alike(grey, grey)
    assert not is_alike(grey, small(picture))
