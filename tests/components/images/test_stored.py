import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.images.limits import ImageError
from components.images.raster import read_raster
from components.images.stored import StoredImage, decode_stored, stored_format
from components.sources import delivery

GREY = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
NAME = b"Eleanor Rigby"
PHOTOGRAPHS = sorted(Path(delivery.__file__).with_name("shipped").glob("fundus/*.jpg"))


def jpeg(pixels: np.ndarray, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", **options)
    return out.getvalue()


def png(pixels: np.ndarray, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


def noted() -> dict:
    """What cameras write beside a JPEG's image."""
    exif = Image.Exif()
    exif[0x010E] = NAME.decode()
    return {"exif": exif.tobytes(), "comment": NAME, "icc_profile": NAME * 9, "dpi": (72, 72)}


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}, {"optimize": True}])
@pytest.mark.parametrize("pixels", [GREY, COLOUR])
def test_a_jpeg_stays_one_without_a_word_and_with_the_same_pixels(pixels, options):
    file = jpeg(pixels, **options, **noted()) + NAME
    assert NAME in file
    stored = StoredImage.of(file)
    assert stored_format(stored.data) == "jpeg"
    assert NAME not in stored.data
    np.testing.assert_array_equal(stored.decode(), read_raster(file))


def test_a_png_stays_one_without_a_word():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Patient", NAME.decode())
    file = png(COLOUR, pnginfo=info, compress_level=9) + NAME
    stored = StoredImage.of(file)
    assert NAME in file and NAME not in stored.data and len(stored.data) < len(file)
    np.testing.assert_array_equal(stored.decode(), COLOUR)


def test_a_png_with_room_behind_its_image_loses_what_is_in_there():
    file = png(COLOUR)
    end = file.index(b"IEND") - 4
    hidden = len(NAME).to_bytes(4, "big") + b"IEND" + NAME + bytes(4)
    stored = StoredImage.of(file[:end] + hidden)
    assert NAME not in stored.data
    np.testing.assert_array_equal(stored.decode(), COLOUR)


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(GREY).convert("RGB"),
        Image.fromarray(COLOUR).convert("CMYK"),
        Image.fromarray(COLOUR).convert("P"),
        Image.fromarray(COLOUR).convert("RGBA"),
        Image.fromarray(GREY).convert("1"),
        Image.fromarray(GREY.astype(np.uint16) * 200),
    ],
    ids=lambda image: image.mode,
)
def test_what_is_no_plain_grey_or_rgb_is_encoded_anew_as_what_it_shows(image):
    out = io.BytesIO()
    image.save(out, "JPEG" if image.mode == "CMYK" else "PNG")
    stored = StoredImage.of(out.getvalue())
    assert stored_format(stored.data) == "png"
    np.testing.assert_array_equal(stored.decode(), read_raster(out.getvalue()))


def test_a_turned_jpeg_is_stored_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = StoredImage.of(jpeg(COLOUR, exif=exif.tobytes()))
    assert (stored.width, stored.height) == (40, 60) and stored.decode().shape == (60, 40, 3)


def test_real_photographs_keep_their_pixels_and_lose_only_bytes():
    assert len(PHOTOGRAPHS) >= 4
    for file in PHOTOGRAPHS:
        stored = StoredImage.of(file)
        assert len(stored.data) <= file.stat().st_size
        np.testing.assert_array_equal(stored.decode(), np.asarray(Image.open(file)))


def test_what_is_known_of_an_image_is_what_its_pixels_say():
    stored = StoredImage.of_pixels(COLOUR)
    assert (stored.width, stored.height, stored.colour, stored.grey) == (60, 40, True, False)
    assert stored.mean == pytest.approx(COLOUR.mean())
    assert stored.deviation == pytest.approx(COLOUR.std(axis=(0, 1)).max())


def test_grey_and_the_same_image_as_rgb_have_equal_pixels_and_another_shape_has_not():
    grey, rgb = StoredImage.of_pixels(GREY), StoredImage.of_pixels(np.repeat(GREY[..., None], 3, axis=2))
    assert grey.pixels == rgb.pixels and grey.sha256 != rgb.sha256
    assert grey.pixels != StoredImage.of_pixels(GREY.reshape(60, 40)).pixels


def test_only_what_we_store_is_decoded():
    for data in (b"", b"GIF89a", png(np.zeros((4, 4), np.uint8))[:40]):
        with pytest.raises(ImageError):
            decode_stored(data)
