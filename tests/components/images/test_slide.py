import struct

import numpy as np
import pytest

from components.images.limits import ImageError
from components.images.slide import haematoxylin_only, read_slide, slide_tiles, tiles, tissue_share


def test_tiles_cover_the_image_without_reaching_beyond_it():
    image = np.zeros((10, 14, 3), np.uint8)
    image[4:8, 8:12] = 9
    found = {(x, y): tile for x, y, tile in tiles(image, side=4, stride=4)}
    assert sorted(found) == [(x, y) for x in (0, 4, 8) for y in (0, 4)]
    assert (found[(8, 4)] == 9).all()
    assert all(tile.shape == (4, 4, 3) for tile in found.values())


def test_glass_is_not_tissue():
    image = np.full((10, 10, 3), 240, np.uint8)
    image[:4] = (180, 60, 150)
    assert tissue_share(image) == pytest.approx(0.4)


def test_haematoxylin_alone_removes_the_brown():
    brown, blue = (150, 100, 50), (110, 100, 170)
    image = np.full((8, 8, 3), brown, np.uint8)
    image[4:] = blue
    alone = haematoxylin_only(image).astype(int)
    assert alone.shape == image.shape
    assert alone[0, 0].min() > 150
    assert alone[7, 7, 2] > alone[7, 7, 0]


def test_a_text_file_is_no_slide(tmp_path):
    path = tmp_path / "a.svs"
    path.write_text("no slide")
    with pytest.raises(ImageError) as caught:
        read_slide(path)
    assert caught.value.reason == "undecodable"


@pytest.fixture
def pyramid(tmp_path):
    """A slide of glass with a stained block, 640 x 512 pixels, and its quarter."""
    import tifffile

    image = np.full((512, 640, 3), 240, np.uint8)
    image[128:320, 192:448] = np.random.default_rng(0).integers((150, 30, 120), (200, 90, 180), (192, 256, 3))
    path = tmp_path / "a.svs"
    with tifffile.TiffWriter(path) as writer:
        for step in (1, 4):
            options = {"tile": (128, 128), "compression": "zlib", "photometric": "rgb", "subfiletype": int(step > 1)}
            writer.write(np.ascontiguousarray(image[::step, ::step]), **options)
    return path, image


def test_a_slide_too_large_for_memory_gives_the_same_stained_tiles_as_a_small_one(pyramid, monkeypatch):
    path, image = pyramid
    whole = list(slide_tiles(path, side=64, stride=64, tissue=0.4))
    assert {(x, y) for x, y, _ in whole} == {(x, y) for x in range(192, 448, 64) for y in range(128, 320, 64)}
    monkeypatch.setattr("components.images.slide.MAX_PIXELS", 100_000)
    by_tile = list(slide_tiles(path, side=64, stride=64, tissue=0.4))
    assert [(x, y) for x, y, _ in by_tile] == [(x, y) for x, y, _ in whole]
    for x, y, tile in by_tile:
        assert (tile == image[y : y + 64, x : x + 64]).all()


def test_a_large_slide_is_read_where_its_overview_shows_tissue_alone(pyramid, monkeypatch):
    import openslide

    monkeypatch.setattr("components.images.slide.MAX_PIXELS", 100_000)
    asked = []
    read = openslide.OpenSlide.read_region
    monkeypatch.setattr(
        openslide.OpenSlide,
        "read_region",
        lambda self, at, level, size: asked.append(at) or read(self, at, level, size),
    )
    found = list(slide_tiles(pyramid[0], side=64, stride=64, tissue=0.4))
    assert len(found) == 12
    assert len(asked) < 25, "80 tiles lie on the slide, most of them glass"


def test_a_large_slide_without_a_small_level_is_refused(tmp_path, monkeypatch):
    import tifffile

    tifffile.imwrite(tmp_path / "a.svs", np.full((512, 640, 3), 200, np.uint8), tile=(128, 128), photometric="rgb")
    monkeypatch.setattr("components.images.slide.MAX_PIXELS", 100_000)
    with pytest.raises(ImageError, match="640 x 512 pixels, over the limit of 100000"):
        list(slide_tiles(tmp_path / "a.svs", side=64, stride=64, tissue=0.4))


def test_stored_tiles_of_any_size_do_not_end_the_process(pyramid):
    path = pyramid[0]
    data = bytearray(path.read_bytes())
    at = struct.unpack_from("<I", data, 4)[0]
    for entry in range(struct.unpack_from("<H", data, at)[0]):
        place = at + 2 + 12 * entry
        if struct.unpack_from("<H", data, place)[0] == 322:  # TileWidth
            data[place : place + 12] = struct.pack("<HHII", 322, 4, 1, 2**25 + 64)
    path.write_bytes(data)
    for read in (read_slide, lambda path: list(slide_tiles(path, side=64, stride=64, tissue=0.4))):
        with pytest.raises(ImageError, match="stored tiles of 33554496 x 128 pixels"):
            read(path)
