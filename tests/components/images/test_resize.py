"""Sizes, borders and labels survive the way to the stored image."""

import numpy as np
import pytest

from components.images.resize import border_colour, degrade, fit_image, pad_to_square


def test_square_images_have_the_asked_side_and_the_content_in_the_middle() -> None:
    image = np.full((30, 60, 3), 200, np.uint8)
    image[0] = image[-1] = image[:, 0] = image[:, -1] = (10, 20, 30)
    fitted = fit_image(image, 20, square=True)
    assert fitted.shape == (20, 20, 3)
    assert fitted[1, 10].tolist() == [10, 20, 30]
    assert fitted[10, 10].tolist() == [200, 200, 200]


def test_without_square_the_aspect_is_kept_and_small_images_are_left_alone() -> None:
    assert fit_image(np.zeros((30, 60), np.uint8), 20, square=False).shape == (10, 20)
    small = np.zeros((7, 9), np.uint8)
    assert fit_image(small, 20, square=False) is small


def test_labels_never_gain_a_colour() -> None:
    palette = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
    labels = palette[np.random.default_rng(1).integers(0, 3, (50, 37))]
    fitted = fit_image(labels, 16, square=True, labels=True)
    colours = {tuple(pixel) for pixel in fitted.reshape(-1, 3).tolist()}
    assert colours <= {tuple(pixel) for pixel in palette.tolist()}


def test_the_border_colour_occurs_in_the_border() -> None:
    image = np.random.default_rng(2).integers(0, 255, (5, 7), dtype=np.uint8)
    edge = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])
    assert border_colour(image) in edge
    assert pad_to_square(image).shape == (7, 7)


def test_degrading_keeps_the_size_and_loses_detail() -> None:
    image = np.zeros((32, 24), np.uint8)
    image[::2] = 255
    low = degrade(image, 4)
    assert low.shape == image.shape
    assert low.std() < 0.2 * image.std()
    with pytest.raises(ValueError, match=r"2x32 cannot be degraded 4 times"):
        degrade(np.zeros((32, 2), np.uint8), 4)
