import hashlib

import numpy as np
import pytest

from components.images.limits import ImageError
from components.images.png import encode_png, pixels_sha256
from components.images.stored import decode_stored


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_what_is_encoded_comes_back_pixel_for_pixel(shape):
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    png = encode_png(image)
    assert (decode_stored(png) == image).all()


def test_equal_images_encode_to_equal_bytes():
    image = np.tile(np.arange(40, dtype=np.uint8), (30, 1))
    digests = {hashlib.sha256(encode_png(image.copy())).hexdigest() for _ in range(3)}
    assert len(digests) == 1


def test_pixel_hash_tells_shapes_with_equal_bytes_apart():
    flat = np.zeros((4, 6), np.uint8)
    assert pixels_sha256(flat) != pixels_sha256(flat.reshape(6, 4))


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)])
def test_only_grey_or_rgb_bytes_are_encoded(bad):
    with pytest.raises(ValueError, match="uint8"):
        encode_png(bad)


@pytest.mark.parametrize("data", [b"", b"hello" * 10, encode_png(np.ones((9, 9), np.uint8) * 7)[:-30]])
def test_broken_png_is_refused_with_a_reason(data):
    with pytest.raises(ImageError) as caught:
        decode_stored(data)
    assert caught.value.reason == "undecodable"
