"""What became of an image's coding on its way into the data set: what fits is not coded again."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from components.assembly.conversations.samples import fit_pictures
from components.assembly.dataset import Dataset, ImageShape
from components.assembly.export import export_jsonl
from components.images.stored import StoredImage, decode_stored, stored_format, stored_size
from components.records.sample import Image
from components.training.pixels import rgb_pixels
from model.image_transform import ImageTransform


def jpeg(png: bytes) -> bytes:
    out = BytesIO()
    PIL.Image.open(BytesIO(png)).save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.fixture
def dataset(assemble_corpus, corpus, settings, picture) -> Path:
    """Every record's image was delivered as JPEG and is small enough."""
    records = {
        source: [replace(item, image=StoredImage.of(jpeg(item.image.data))) for item in items]
        for source, items in corpus.items()
    }
    return assemble_corpus(records, replace(settings, image_side=32, square=False))


@pytest.mark.parametrize(("side", "square", "kept"), [(32, False, True), (32, True, False), (16, False, False)])
def test_a_jpeg_that_fits_stays_as_it_is_and_one_that_is_scaled_or_padded_becomes_png(
    settings, picture, side, square, kept
) -> None:
    data = jpeg(picture("one"))
    own = fit_pictures(data, {}, (), replace(settings, image_side=side, square=square)).own
    assert (own.data == data) is kept
    assert stored_format(own.data) == ("jpeg" if kept else "png")


def test_shards_hold_the_delivered_jpegs_and_their_sizes(dataset) -> None:
    index = Dataset(dataset).samples("train")
    formats = set()
    for number in range(len(index)):
        sample, layout = index.read_with_layout(number)
        shapes = [piece for piece in layout if isinstance(piece, ImageShape)]
        images = [piece for piece in sample.pieces if isinstance(piece, Image)]
        for shape, image in zip(shapes, images, strict=True):
            assert (shape.width, shape.height) == stored_size(image.data) == (24, 30)
            formats.add(stored_format(image.data))
    # The blurred side of a pair, a label map and a paired volume are made here.
    assert formats == {"jpeg", "png"}


def test_training_sees_the_pixels_that_pillow_sees(dataset) -> None:
    transform = ImageTransform(stride=4, max_side=32, min_side=16)
    index = Dataset(dataset).samples("train")
    images = [piece for number in range(20) for piece in index.read(number).pieces if isinstance(piece, Image)]
    jpegs = [image.data for image in images if stored_format(image.data) == "jpeg"]
    assert jpegs
    for data in jpegs:
        width, height = transform.size(*stored_size(data))
        bare = PIL.Image.open(BytesIO(data)).convert("RGB").resize((width, height), PIL.Image.Resampling.BICUBIC)
        assert (rgb_pixels(data, transform) == np.asarray(bare)).all()


def test_the_report_and_the_export_name_the_coding(dataset, tmp_path) -> None:
    report = (dataset / "report.html").read_text()
    assert "data:image/jpeg;base64," in report and "data:image/png;base64," in report
    export_jsonl(dataset, tmp_path / "out", "train")
    files = list((tmp_path / "out" / "images").iterdir())
    assert {path.suffix for path in files} == {".jpeg", ".png"}
    for path in files:
        with PIL.Image.open(path) as image:
            assert f".{image.format.lower()}" == path.suffix


def test_the_judge_and_the_autoencoder_read_them(dataset) -> None:
    images = list(Dataset(dataset).images("train"))
    assert {stored_format(image.image) for image in images} == {"jpeg"}
    assert {decode_stored(image.image).shape[:2] for image in images} == {(30, 24)}
