import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from components.images.limits import ImageError
from components.images.raster import read_raster

RED = (200, 10, 10)


def save(path, image, **options):
    image.save(path, **options)
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def test_grey_stored_as_rgb_comes_back_as_one_channel(tmp_path):
    grey = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)
    path = save(tmp_path / "a.png", Image.fromarray(np.stack([grey] * 3, axis=2)))
    assert (read_raster(path) == grey).all()


def test_colour_stays_colour(tmp_path):
    assert read_raster(save(tmp_path / "a.png", Image.new("RGB", (4, 3), RED))).shape == (3, 4, 3)


def test_transparent_pixels_become_white(tmp_path):
    image = Image.new("RGBA", (4, 4), (*RED, 0))
    image.putpixel((1, 2), (*RED, 255))
    read = read_raster(save(tmp_path / "a.png", image))
    assert tuple(read[2, 1]) == RED
    assert tuple(read[0, 0]) == (255, 255, 255)


def test_palette_with_transparency_becomes_rgb_on_white(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([9, 9, 9, *RED])
    image.putpixel((0, 0), 0)
    read = read_raster(save(tmp_path / "a.png", image, transparency=0))
    assert tuple(read[0, 0]) == (255, 255, 255)
    assert tuple(read[3, 3]) == RED


def test_exif_rotation_is_applied(tmp_path):
    image = Image.new("RGB", (8, 4), RED)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_raster(save(tmp_path / "a.jpg", image, exif=exif)).shape == (8, 4, 3)


def test_cmyk_becomes_rgb(tmp_path):
    read = read_raster(save(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0))))
    assert read[4, 4, 0] > 200
    assert read[4, 4, 1] < 60


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_windowed_and_not_clipped_to_white(tmp_path, suffix):
    values = np.linspace(1000, 40000, 64 * 64).reshape(64, 64).astype(np.uint16)
    read = read_raster(save(tmp_path / f"a.{suffix}", Image.fromarray(values)))
    assert read.dtype == np.uint8
    assert read[0, 0] < 5
    assert read[-1, -1] > 250
    assert 110 < np.median(read) < 145


def test_constant_sixteen_bit_image_does_not_divide_by_zero(tmp_path):
    assert read_raster(save(tmp_path / "a.png", Image.fromarray(np.full((9, 9), 700, np.uint16)))).max() <= 255


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"this is a letter, not an image", "not an image"),
        (b"GIF89a" + bytes(200), "not an image"),
        (png_header(50_000, 50_000) + chunk(b"IDAT", zlib.compress(bytes(99))), "too large"),
        (b"BM" + bytes(60), "undecodable"),
    ],
)
def test_broken_files_have_their_reason(tmp_path, content, reason):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_raster(path)
    assert caught.value.reason == reason


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_truncated_file_is_undecodable_and_never_half_an_image(tmp_path, suffix):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8))
    path = save(tmp_path / f"a.{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError):
        read_raster(path)


def jpeg_of_side(side: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG")
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def circular_tiff() -> bytes:
    entry = struct.pack("<HHII", 256, 3, 1, 8)
    return b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


def text_bomb() -> bytes:
    text = zlib.compress(bytes(64 * 2**20), 9)
    image = zlib.compress(bytes(65 * 64))
    return png_header(64, 64) + chunk(b"zTXt", b"k\x00\x00" + text) + chunk(b"IDAT", image) + chunk(b"IEND", b"")


@pytest.mark.parametrize("content", [jpeg_of_side(65_535), circular_tiff(), text_bomb()], ids=["jpeg", "tiff", "ztxt"])
def test_bombs_are_refused_at_once(tmp_path, content):
    path = tmp_path / "bomb"
    path.write_bytes(content)
    begin = time.perf_counter()
    with pytest.raises(ImageError):
        read_raster(path)
    assert time.perf_counter() - begin < 5


def test_the_pixel_limit_can_be_set_lower(tmp_path):
    path = save(tmp_path / "a.png", Image.new("L", (100, 100)))
    with pytest.raises(ImageError, match="100 x 100 pixels, over the limit of 5000"):
        read_raster(path, max_pixels=5000)


def test_pages_beyond_the_first_are_never_dropped_in_silence(tmp_path):
    pages = [Image.new("L", (40, 30), grey) for grey in (10, 200)]
    for suffix in ("tif", "webp"):
        path = save(tmp_path / f"a.{suffix}", pages[0], save_all=True, append_images=pages[1:])
        with pytest.raises(ImageError) as caught:
            read_raster(path)
        assert caught.value.reason == "several images"


def test_smaller_copies_of_a_pyramid_are_no_further_images(tmp_path):
    import tifffile

    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(np.full((64, 64), 90, np.uint8))
        writer.write(np.full((32, 32), 90, np.uint8), subfiletype=1)
    assert (read_raster(tmp_path / "a.tif") == 90).all()


def test_a_jpeg_of_endless_passes_is_refused(tmp_path):
    path = save(tmp_path / "a.jpg", Image.new("L", (64, 64)), progressive=True)
    data = path.read_bytes()
    at = data.rindex(b"\xff\xda")
    path.write_bytes(data[:at] + data[at:-2] * 200 + data[-2:])
    with pytest.raises(ImageError, match="more than 100 passes"):
        read_raster(path)
