import numpy as np
import pytest
from PIL import Image

from components.images.limits import ImageError
from components.images.reading import read_image


def test_the_content_decides_and_not_the_name(tmp_path):
    path = tmp_path / "picture.dcm"
    Image.fromarray(np.full((5, 6), 7, np.uint8)).save(path, "PNG")
    assert read_image(path).shape == (5, 6)


def test_a_folder_and_a_text_file_are_no_images(tmp_path):
    with pytest.raises(ImageError, match="no file"):
        read_image(tmp_path)
    (tmp_path / "a.png").write_text("hello" * 100)
    with pytest.raises(ImageError, match="not an image"):
        read_image(tmp_path / "a.png")
