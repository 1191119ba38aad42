from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.recipes.sources import SourceSettings
from components.records.record import Record, Unreadable
from components.sources.delivery import deliver
from components.sources.reading.pictures import UNNAMED
from components.sources.table import read_source

FORMATS = {"nilearn-mni": "mni152"}


@pytest.fixture(scope="session")
def raw(tmp_path_factory) -> Path:
    """The default corpus as delivered; tests copy what they change."""
    folder = tmp_path_factory.mktemp("raw")
    deliver(folder)
    return folder


@pytest.fixture
def draw():
    """draw(path, seed, colour=…) writes a picture there, different for every seed, and returns its path."""

    def write(path: Path, seed: int = 0, *, colour: bool = False) -> Path:
        shape = (60, 80, 3) if colour else (60, 80)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)).save(path)
        return path

    return write


@pytest.fixture(scope="session")
def read():
    """read(folder, source, format=…, **options) -> (records by id, unreadables), but for what counts images without a row:
    most tests draw more of them than they name."""

    def read_all(folder: Path, source: str, format_name: str = "", **options):
        name = format_name or FORMATS.get(source, source)
        settings = SourceSettings(path=f"data/raw/{source}", format=name, options=options)
        items = [item for item in read_source(folder, source, settings) if item.id != f"{source}/{UNNAMED}"]
        records = {item.id: item for item in items if isinstance(item, Record)}
        unreadable = [item for item in items if isinstance(item, Unreadable)]
        assert len(records) + len(unreadable) == len(items), "an id occurs twice"
        return records, unreadable

    return read_all


@pytest.fixture(scope="session")
def corpus_records(raw, read):
    """source -> {id: record} of the whole default corpus, read once."""
    sources = ("nilearn-mni", "totalsegmentator", "pyradiomics", "fundus", "histology", "ultrasound", "dicom")
    found = {}
    for source in sources:
        found[source], unreadable = read(raw / source, source)
        assert unreadable == []
    return found
