"""Colours of 16 bits keep what is in their lower bytes."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from components.images.limits import ImageError
from components.images.raster import read_raster
from components.images.windows import percentile_limits, window


def colours(top: int) -> np.ndarray:
    """Slopes in three directions, up to `top`. (40, 60, 3)."""
    down, across = np.mgrid[:40, :60]
    image = np.stack([down / down.max(), across / across.max(), 1 - down / down.max()], axis=-1)
    return np.rint(image * top).astype(np.uint16)


def png(values: np.ndarray, kind: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("top", [1000, 4095, 65_535])
def test_colours_are_windowed_together_whatever_of_the_sixteen_bits_they_use(tmp_path, top):
    values = colours(top)
    expected = window(values, *percentile_limits(values))
    assert expected.max() == 255 and expected.min() == 0
    np.testing.assert_array_equal(read_raster(png(values, 2)), expected)
    path = tmp_path / "a.tif"
    for order in "<>":
        for compression in (None, "zlib"):
            tifffile.imwrite(path, values, photometric="rgb", byteorder=order, compression=compression)
            np.testing.assert_array_equal(read_raster(path), expected, err_msg=f"{order} {compression}")


def test_transparent_parts_of_deep_colour_are_white():
    values = np.concatenate([colours(4095), np.full((40, 60, 1), 65_535, np.uint16)], axis=2)
    values[:10, :, 3] = 0
    found = read_raster(png(values, 6))
    assert (found[:10] == 255).all()
    limits = percentile_limits(values[..., :3])
    np.testing.assert_array_equal(found[10:], window(values[10:, :, :3], *limits))


def test_grey_with_alpha_of_sixteen_bits_is_refused_by_name():
    with pytest.raises(ImageError, match=r"unsupported values: LA;16B is not read; save it with 8 bits"):
        read_raster(png(np.ones((40, 60, 2), np.uint16), 4))


def test_a_turned_file_of_deep_colour_is_read_upright(tmp_path):
    values = colours(4095)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    expected = window(values, *percentile_limits(values))
    np.testing.assert_array_equal(read_raster(path), np.rot90(expected, -1))


def test_eight_bits_are_left_as_they_are(tmp_path):
    values = colours(100).astype(np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(values).save(path)
    np.testing.assert_array_equal(read_raster(path), values)
