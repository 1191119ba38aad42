import numpy as np
import pytest

from components.images import windows
from components.images.windows import bands, colouring, drop_grey_channels, percentile_limits, window


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
    assert colouring(image) == (True, False)
    image[:20, :20] = (250, 0, 0)
    assert colouring(image) == (True, True)
    assert drop_grey_channels(image).shape == (100, 100, 3)


def test_compression_noise_is_not_colour():
    noise = np.random.default_rng(0).integers(100, 110, (20, 20, 3), dtype=np.uint8)
    assert drop_grey_channels(noise).shape == (20, 20)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 31, 3), (300, 211)])
@pytest.mark.parametrize("top", [1, 2, 9, 300, 65_536])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_percentiles_of_sixteen_bits_are_those_of_numpy_bit_by_bit(shape, top, order):
    random = np.random.default_rng(top)
    for low, high in ((0.5, 99.5), (1.0, 99.0), (0.0, 100.0), (33.3, 66.7)):
        values = random.integers(0, top, shape).astype(order)
        first, last = (float(x) for x in np.percentile(values.astype(np.float32), (low, high)))
        if last <= first:
            first, last = float(values.min()), float(values.max())
        assert percentile_limits(values, low, high) == (first, last if last > first else first + 1.0)


def test_what_is_done_band_by_band_is_what_is_done_at_once(monkeypatch):
    random = np.random.default_rng(3)
    values, colours = random.normal(100, 50, (83, 41)), random.integers(0, 256, (83, 41, 3), dtype=np.uint8)
    deep = random.integers(0, 65_536, (83, 41), dtype=np.uint16)
    values[::9, ::7] = np.nan

    def found() -> list:
        limits = percentile_limits(values), percentile_limits(deep)
        return [limits, window(values, *limits[0]).tolist(), colouring(colours), drop_grey_channels(colours).tolist()]

    whole = found()
    monkeypatch.setattr(windows, "BAND", 300)
    assert len(list(bands(values.shape))) == 12
    assert found() == whole
    assert drop_grey_channels(np.repeat(colours[..., :1], 3, axis=2)).shape == (83, 41)
