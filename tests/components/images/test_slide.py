import numpy as np
import pytest

from components.images.limits import ImageError
from components.images.slide import haematoxylin_only, read_slide, tiles, tissue_share


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
