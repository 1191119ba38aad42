"""Ultrasound frames: what the header calls a region is shown, a name inside of one holds it, and no pixel outside leaves."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.fixtures.dicom_files import dicom_file, sequence_item

LEFT, RIGHT = (20, 60, 200, 260), (220, 60, 400, 260)
"""Left, top, right, bottom of the two regions."""


def frame(*written: tuple[int, int]) -> np.ndarray:
    """A frame (300, 420) of two fans of speckle, with a name at each of the places (x, y)."""
    speckle = np.random.default_rng(3).gamma(2.0, 12.0, (300, 420))
    values = np.zeros((300, 420))
    for x0, y0, x1, y1 in (LEFT, RIGHT):
        values[y0:y1, x0:x1] = speckle[y0:y1, x0:x1]
    image = Image.fromarray(values.clip(0, 120).astype(np.uint8))
    for place in written:
        ImageDraw.Draw(image).text(place, "SMITH JOHN", fill=230, font=ImageFont.load_default(16))
    return np.asarray(image)


def region(x0, y0, x1, y1, kind=1):
    corners = {"MinX0": x0, "MinY0": y0, "MaxX1": x1, "MaxY1": y1}
    return sequence_item(RegionDataType=kind, **{f"RegionLocation{corner}": value for corner, value in corners.items()})


@pytest.fixture
def scanned(tmp_path, read):
    """scanned(values, *regions, labels=…) is (records, others) of a clinic's delivery of one frame."""

    def scan(values, *regions, labels=""):
        tags = {"SequenceOfUltrasoundRegions": [region(*where) for where in regions]} if regions else {}
        dicom_file(tmp_path / "raw" / "a.dcm", values, Modality="US", **tags)
        if labels:
            (tmp_path / "raw" / "labels.csv").write_text(f"file,fact,value\n{labels}\n")
        records, others = read(tmp_path / "raw", "clinic", "dicom")
        return list(records.values()), others

    return scan


def test_a_name_outside_of_the_regions_leaves_with_no_record(scanned):
    values = frame((20, 10), (210, 270))
    records, others = scanned(values, LEFT, RIGHT)
    assert not others and len(records) == 2
    for record, (x0, y0, x1, y1) in zip(records, (LEFT, RIGHT), strict=True):
        assert record.image.decode().shape == (y1 - y0, x1 - x0)
        assert record.image.decode().max() <= 120 < values.max()


def test_a_name_inside_a_region_holds_that_frame_until_somebody_looked(scanned):
    values = frame((230, 70))
    records, (held,) = scanned(values, LEFT, RIGHT)
    assert len(records) == 1, "the region before it, in which nothing is written"
    assert held.reason == "burned-in text" and "frame 0" in held.detail
    records, others = scanned(values, LEFT, RIGHT, labels="a.dcm,burned_in,no")
    assert not others and len(records) == 2


def test_a_name_over_the_border_of_a_region_holds_it(scanned):
    _, (held,) = scanned(frame((160, 100)), LEFT)
    assert held.reason == "burned-in text"


def test_without_regions_or_with_none_inside_the_frame_it_is_held_whole(scanned):
    for regions in ((), ((0, 0, 500, 400),)):
        records, (held,) = scanned(frame(), *regions)
        assert not records and held.reason == "burned-in risk" and "crop" in held.detail


def test_a_region_that_is_no_tissue_is_not_shown(scanned):
    spectrum = (*RIGHT, 3)
    records, others = scanned(frame((230, 70)), LEFT, spectrum)
    assert len(records) == 1 and not others
