"""Names in pixels hold an image, read or not, whatever their case, size, direction and ground; anatomy and noise do not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from components.images import writing
from components.images.letter_rows import rated_rows
from components.images.text_reader import read_line, reader_version
from components.images.volume import read_volume
from components.images.windows import window
from components.images.writing import find_writing, way_of_looking
from components.sources.delivery import corpus, locate
from tests.components.images.test_dicom_syntaxes import frame

NAMES = ("Smith, John", "Li Wei", "Kim, Min-ji", "Ng, A.", "Hill, Tim", "GARCIA LOPEZ", "WANG^LEI", "Ali Hatipoglu")


@pytest.fixture(params=["nothing reads", "read"])
def way(request, monkeypatch):
    """Both ways of looking, whatever is installed here; the second where something reads."""
    if request.param == "nothing reads":
        monkeypatch.setattr(writing, "reader_version", lambda: "")
    elif not reader_version():
        pytest.skip("the extra unimed[ocr] is not installed")
    return request.param


def film(text: str, size: int, *, side: int = 512, ink: int = 255, noise: float = 4.0, turns: int = 0) -> np.ndarray:
    """A film with a bright body and a name beside it."""
    values = np.random.default_rng(size).normal(0, noise, (side, side))
    y, x = np.mgrid[:side, :side] / side - 0.55
    values += 30 + 90 * (x**2 + y**2 < 0.12)
    picture = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    ImageDraw.Draw(picture).text((9, 7), text, fill=ink, font=ImageFont.load_default(size))
    return np.ascontiguousarray(np.rot90(np.asarray(picture), turns))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("size", "ink"), [(12, 255), (14, 110), (24, 90), (36, 170)])
def test_a_name_on_a_film_is_found_where_it_stands(name, size, ink, way):
    found = find_writing(film(name, size, ink=ink))
    assert found is not None
    x0, y0, x1, y1 = found.box
    assert x0 < 9 + size * len(name) and y0 < 10 + size and x1 > 9 and y1 > 7


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_name_is_found_too(turns, way):
    assert find_writing(film("Kim, Min-ji", 18, turns=turns))


@pytest.mark.parametrize(("side", "noise", "size"), [(700, 15, 28), (1024, 30, 36), (2048, 6, 18)])
def test_a_name_in_a_bar_over_a_noisy_film_is_found(side, noise, size, way):
    values = np.clip(np.random.default_rng(0).normal(110, noise, (side, side)), 0, 255).astype(np.uint8)
    values[: 2 * size + 10] = 0
    picture = Image.fromarray(values)
    ImageDraw.Draw(picture).text((10, 8), "TESTPATIENT ANNA", fill=255, font=ImageFont.load_default(size))
    assert find_writing(np.asarray(picture))


@pytest.mark.parametrize(
    ("ground", "ink"),
    [
        ((0, 0, 0), (255, 220, 0)),
        ((0, 0, 0), (40, 60, 255)),
        ((190, 60, 30), (255, 255, 255)),
        ((235, 215, 225), (20, 20, 60)),
    ],
)
def test_coloured_letters_on_a_coloured_ground_are_found(ground, ink, way):
    picture = Image.new("RGB", (400, 300), ground)
    ImageDraw.Draw(picture).text((20, 30), "Eva Roth", fill=ink, font=ImageFont.load_default(20))
    assert find_writing(np.asarray(picture))


@pytest.mark.parametrize("name", ["US1_UNCR.dcm", "examples_rgb_color.dcm", "OBXXXX1A.dcm", "gdcm-US-ALOKA-16.dcm"])
def test_what_a_machine_wrote_over_an_ultrasound_is_found(name, way):
    assert find_writing(frame(name))


def test_scans_in_which_nothing_is_written_pass_when_read_and_most_of_them_unread(way):
    body = read_volume(locate(next(f for f in corpus()["totalsegmentator"] if f.file == "example_ct.nii.gz")))
    names = ("RG1_UNCR.dcm", "RG3_UNCR.dcm", "693_UNCR.dcm", "MR2_UNCR.dcm", "CT_small.dcm", "JPEG-LL.dcm")
    clean = {name: frame(name) for name in names} | {
        f"{plane} {index}": window(body.slice(plane, index), -160, 240)
        for plane in ("axial", "coronal", "sagittal")
        for index in range(10, 90, 20)
    }
    held = [name for name, pixels in clean.items() if find_writing(pixels)]
    assert len(held) <= (0 if way == "read" else len(clean) // 4), held


def test_an_empty_image_has_no_rows():
    for pixels in (np.zeros((1, 1), np.uint8), np.full((40, 50, 3), 255, np.uint8), np.zeros((300, 2), np.uint8)):
        assert rated_rows(pixels) == [] and find_writing(pixels) is None


def test_the_verdict_says_what_read_or_what_would(monkeypatch):
    image = film("GARCIA LOPEZ", 24)
    if reader_version():
        found = find_writing(image)
        assert found and reader_version() in found.how and "onnxruntime" in way_of_looking()
    monkeypatch.setattr(writing, "reader_version", lambda: "")
    found = find_writing(image)
    assert found and "(with unimed[ocr] it would be read)" in found.how
    assert way_of_looking().endswith("nothing reads")


@pytest.mark.skipif(not reader_version(), reason="the extra unimed[ocr] is not installed")
def test_a_line_is_read():
    picture = Image.new("L", (150, 26), 20)
    ImageDraw.Draw(picture).text((6, 3), "12.03.1961", fill=240, font=ImageFont.load_default(18))
    letters = read_line(np.asarray(picture))
    assert "".join(letter.text for letter in letters) == "12.03.1961"
    assert all(0.5 < letter.sure <= 1 for letter in letters)
