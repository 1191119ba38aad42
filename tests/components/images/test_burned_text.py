"""Text in real frames is found; anatomy, tissue and noise are no text."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from components.images.burned_text import GLYPHS, text_rows
from components.images.raster import read_raster
from components.images.volume import read_volume
from components.images.windows import window
from components.sources.delivery import corpus, locate
from tests.components.images.test_dicom_syntaxes import frame


@pytest.mark.parametrize("name", ["US1_UNCR.dcm", "examples_rgb_color.dcm", "OBXXXX1A.dcm", "gdcm-US-ALOKA-16.dcm"])
def test_text_over_an_ultrasound_is_found(name):
    assert len(text_rows(frame(name))) >= 3


def test_the_hospitals_name_lies_in_the_box_of_a_row():
    rows = text_rows(frame("US1_UNCR.dcm"))
    x0, y0, x1, y1 = rows[0].box  # BAPTIST MED CTR, at the upper left
    assert rows[0].glyphs == len("BAPTISTMEDCTR")
    assert (x0, y0) < (40, 40) and x1 < 220 and y1 < 50


@pytest.mark.parametrize(
    "name",
    ["RG1_UNCR.dcm", "RG3_UNCR.dcm", "JPEG-LL.dcm", "693_UNCR.dcm", "MR2_UNCR.dcm", "CT_small.dcm", "color-pl.dcm"],
)
def test_scans_without_text_have_none(name):
    assert text_rows(frame(name)) == []


def test_eyes_slices_and_tissue_have_none():
    for source, files in corpus().items():
        for file in files:
            if source in ("fundus", "histology") and file.file.endswith((".jpg", ".png")):
                assert text_rows(read_raster(locate(file))) == [], file.file
    body = read_volume(locate(next(f for f in corpus()["totalsegmentator"] if f.file == "example_ct.nii.gz")))
    for plane in ("axial", "coronal", "sagittal"):
        for index in range(10, 90, 10):
            assert text_rows(window(body.slice(plane, index), -160, 240)) == []


def test_noise_is_no_text():
    rng = np.random.default_rng(0)
    for density in (0.01, 0.1, 0.5):
        assert text_rows(((rng.random((300, 400)) < density) * 255).astype(np.uint8)) == []


@pytest.mark.parametrize("size", [12, 20, 32])
@pytest.mark.parametrize("place", [(8, 8), (300, 8), (8, 440), (300, 440)])
@pytest.mark.parametrize("ink", [255, 0])
def test_a_name_written_in_a_corner_is_found(size, place, ink):
    font = ImageFont.load_default(size)
    picture = Image.fromarray(np.full((480, 640), 255 - ink, np.uint8) // 2 + np.uint8(ink == 0) * 128)
    ImageDraw.Draw(picture).text(place, "MUSTERMANN 1952", fill=ink, font=font)
    rows = text_rows(np.asarray(picture))
    assert sum(row.glyphs for row in rows) >= GLYPHS
    x0, y0 = rows[0].box[:2]
    assert x0 >= place[0] - 2 and y0 >= place[1] - 2


def test_a_large_image_is_searched_at_a_smaller_size_and_boxes_are_in_its_own_pixels():
    picture = Image.new("L", (2800, 2400), 20)
    ImageDraw.Draw(picture).text((2000, 2300), "MUSTERMANN 1952", fill=250, font=ImageFont.load_default(48))
    (row,) = text_rows(np.asarray(picture))[:1]
    assert row.box[0] >= 1990 and row.box[1] >= 2290
