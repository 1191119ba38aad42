import numpy as np

from components.images.windows import channel_spread, drop_grey_channels, is_coloured, percentile_limits, window


def test_window_maps_its_ends_to_black_and_white_and_its_middle_to_grey():
    values = np.array([[-1000.0, -160.0, 40.0, 240.0, 3000.0]])
    assert window(values, -160, 240).tolist() == [[0, 0, 128, 255, 255]]


def test_not_a_number_becomes_black():
    assert window(np.array([[np.nan, 1.0]]), 0, 1).tolist() == [[0, 255]]


def test_percentiles_ignore_outliers():
    values = np.concatenate([np.linspace(0, 100, 10_000), [1e9]])
    low, high = percentile_limits(values)
    assert 0 <= low < 1
    assert 99 < high < 101


def test_percentiles_of_a_constant_image_still_span_something():
    low, high = percentile_limits(np.full((5, 5), 7))
    assert high > low


def test_one_coloured_corner_makes_an_image_coloured_and_a_few_pixels_do_not():
    image = np.full((100, 100, 3), 80, np.uint8)
    image[:2, :2] = (250, 0, 0)
    assert not is_coloured(channel_spread(image))
    image[:20, :20] = (250, 0, 0)
    assert is_coloured(channel_spread(image))
    assert drop_grey_channels(image).shape == (100, 100, 3)


def test_compression_noise_is_not_colour():
    noise = np.random.default_rng(0).integers(100, 110, (20, 20, 3), dtype=np.uint8)
    assert drop_grey_channels(noise).shape == (20, 20)
