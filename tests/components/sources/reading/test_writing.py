"""What was looked at once is remembered; what public sources hold is not looked at."""

import sqlite3

import numpy as np
import pytest
from PIL import Image, ImageDraw

from components.images import writing as looking
from components.images.limits import ImageError
from components.images.text_reader import reader_version
from components.recipes.sources import SourceSettings
from components.records.record import Record, Unreadable
from components.sources.reading import writing
from components.sources.table import KEPT_PRIVATE, MODULES, adapter_code, opened, read_source
from components.storage.code import code_hashes

PLAIN = np.random.default_rng(0).integers(40, 60, (160, 220), dtype=np.uint8)


def written() -> np.ndarray:
    image = Image.fromarray(PLAIN)
    ImageDraw.Draw(image).text((8, 10), "Ng, A.", fill=240, font_size=14)
    return np.asarray(image)


@pytest.fixture
def clinic(tmp_path):
    """clinic(private) -> the items of a folder of two pictures, one with a name in it."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name, pixels in (("a.png", PLAIN), ("b.png", written())):
        Image.fromarray(pixels).save(folder / name)
    (folder / "labels.csv").write_text(
        "file,fact,value\n*,modality,X-ray\n*,anatomy,chest\na.png,subject,1\nb.png,subject,2\n*,licence,own\n"
    )

    def read(*, private: bool) -> list[Record | Unreadable]:
        settings = SourceSettings(path="raw", format="images", options={"private": private})
        return list(read_source(folder, "clinic", settings, private=tmp_path / ".unimed"))

    return read


def test_a_second_reading_looks_at_no_image_again(clinic, monkeypatch, tmp_path):
    looked = []
    monkeypatch.setattr(writing, "find_writing", lambda image: looked.append(image) or looking.find_writing(image))
    first, again = clinic(private=True), clinic(private=True)
    assert len(looked) == 2 and first == again
    assert [type(item) for item in first] == [Record, Unreadable] and first[1].reason == "burned-in text"
    with sqlite3.connect(tmp_path / ".unimed" / writing.NAME) as database:
        rows = database.execute("SELECT found FROM seen").fetchall()
    assert len(rows) == 2 and all("Ng" not in found for (found,) in rows), "what was read is kept nowhere"


def test_another_way_of_looking_looks_again(clinic, monkeypatch):
    clinic(private=True)
    looked = []
    monkeypatch.setattr(writing, "find_writing", lambda image: looked.append(image))
    monkeypatch.setattr(writing, "way_of_looking", lambda: "another")
    assert all(isinstance(item, Record) for item in clinic(private=True)) and len(looked) == 2
    clinic(private=True)
    assert len(looked) == 2


def test_a_public_source_is_not_looked_at(clinic, monkeypatch):
    monkeypatch.setattr(writing, "find_writing", lambda image: pytest.fail("looked at a public image"))
    assert all(isinstance(item, Record) for item in clinic(private=False))


def test_without_a_reader_the_detail_names_the_extra(clinic, monkeypatch):
    monkeypatch.setattr(looking, "reader_version", lambda: "")
    (item,) = (item for item in clinic(private=True) if isinstance(item, Unreadable))
    assert item.reason == "burned-in text" and "(with unimed[ocr] it would be read)" in item.detail
    assert "`burned_in,no`" in item.detail


def test_an_image_outside_any_workspace_is_looked_at_each_time(tmp_path):
    (tmp_path / "raw").mkdir()
    settings = SourceSettings(path="raw", format="images", options={"private": True})
    delivery, _ = opened(tmp_path / "raw", "clinic", settings, None)
    assert delivery.private is None
    with pytest.raises(ImageError, match=r"an image shows .* `burned_in,no`"):
        writing.refuse_writing(delivery, written(), "an image")


def test_a_new_reader_makes_stale_what_may_be_private_and_nothing_else():
    made_with = code_hashes(adapter_code())["made_with"]
    reads = {name for name, packages in made_with["adapters"].items() if "onnxruntime" in packages}
    assert "onnxruntime" not in made_with["validation"]
    may_be = {name for name in MODULES if name in KEPT_PRIVATE} | {"dicom"}
    if reader_version():
        assert may_be <= reads and "rapidocr-onnxruntime" in made_with["adapters"]["dicom"]
    assert not reads & {"busi", "slake", "fundus", "histology", "nifti"}
