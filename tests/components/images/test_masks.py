import numpy as np
import pytest
from PIL import Image

from components.images.limits import ImageError
from components.images.masks import fitting, read_mask, white

MASK = np.zeros((6, 9), bool)
MASK[2:4, 3:8] = True


@pytest.mark.parametrize(("name", "high"), [("a.png", 1), ("b.png", 255), ("c.gif", 255), ("d.tif", 7), ("e.bmp", 255)])
def test_a_mask_is_read_whatever_its_high_value_is_called(tmp_path, name, high):
    Image.fromarray(MASK.astype(np.uint8) * high).save(tmp_path / name)
    np.testing.assert_array_equal(read_mask(tmp_path / name), MASK)


def test_noise_of_jpeg_is_no_label(tmp_path):
    big = np.kron(MASK, np.ones((13, 13))).astype(np.uint8) * 255
    Image.fromarray(big).save(tmp_path / "a.jpg", quality=20)
    assert len(np.unique(np.asarray(Image.open(tmp_path / "a.jpg")))) > 2
    assert (read_mask(tmp_path / "a.jpg") != (big > 0)).mean() < 0.01
    Image.fromarray(np.full((32, 32), 3, np.uint8)).save(tmp_path / "empty.jpg")
    assert not read_mask(tmp_path / "empty.jpg").any()


def test_what_is_no_mask_is_refused_with_its_reason(tmp_path):
    frames = [Image.fromarray(MASK.astype(np.uint8) * value) for value in (255, 100)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "text.png").write_text("x")
    (tmp_path / "empty.png").touch()
    Image.fromarray(MASK).resize((200, 200)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:70])
    found = {}
    for name in ("two.gif", "text.png", "empty.png", "cut.png"):
        with pytest.raises(ImageError) as caught:
            read_mask(tmp_path / name)
        found[name] = caught.value.reason
    assert found == {
        "two.gif": "several images",
        "text.png": "not an image",
        "empty.png": "empty file",
        "cut.png": "undecodable",
    }
    with pytest.raises(ImageError, match="the mask is 9 x 6 pixels, its image 8 x 6"):
        fitting(MASK, (6, 8, 3))


def test_a_mask_as_a_picture_is_white_on_black():
    assert white(MASK).dtype == np.uint8 and set(np.unique(white(MASK))) == {0, 255}
