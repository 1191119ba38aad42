"""What a training sample looks like, task by task."""

from dataclasses import replace

import numpy as np
import pytest

from components.assembly.conversations.definitions import read_definitions, text_samples
from components.assembly.conversations.samples import fit_pictures
from components.assembly.dataset import Dataset
from components.images.png import encode_png
from components.images.resize import fit_image
from components.images.stored import decode_stored
from components.records.sample import Image, Sample, Text
from components.records.vocabulary import ImageRole
from components.storage.keys import sha256_bytes

SHAPES = {
    "caption": ["understand", "text", "answer"],
    "t2i": ["text", "target"],
    "super_resolution": ["condition", "text", "target"],
    "translation": ["condition", "text", "target"],
    "organ_map": ["condition", "text", "target"],
    "text": ["text", "answer"],
}


def shape(sample: Sample) -> list[str]:
    return [
        piece.role.value if isinstance(piece, Image) else "answer" if getattr(piece, "supervised", False) else "text"
        for piece in sample.pieces
    ]


@pytest.fixture
def samples(assemble_corpus) -> list[Sample]:
    return list(Dataset(assemble_corpus()).samples("train"))


def test_every_task_has_its_pieces_in_order(samples: list[Sample]) -> None:
    for sample in samples:
        if sample.task == "vqa":
            found = shape(sample)
            assert found[0] == "understand" and found[1:] == ["text", "answer"] * ((len(found) - 1) // 2)
        else:
            assert shape(sample) == SHAPES[sample.task], sample.id
    assert {sample.task for sample in samples} == {"vqa", *SHAPES}
    assert len({sample.id for sample in samples}) == len(samples)


def test_images_are_square_fitted_and_grey_stays_grey(samples: list[Sample]) -> None:
    for sample in samples:
        for piece in sample.pieces:
            if isinstance(piece, Image):
                pixels = decode_stored(piece.data)
                assert pixels.shape[:2] == (16, 16)
                if sample.source == "mri":
                    assert pixels.ndim == 2


@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize("size", [(16, 16), (12, 16), (28, 20)])
def test_a_picture_that_fits_already_has_the_bytes_of_one_fitted_and_encoded_again(settings, size, square) -> None:
    settings = replace(settings, square=square)
    pixels = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    png = encode_png(pixels)
    found = fit_pictures(png, {"organ_map": png}, [png], settings)
    for picture, labels in ((found.own, False), (found.targets["organ_map"], True), (found.more[0], False)):
        fitted = fit_image(pixels, settings.image_side, square=square, labels=labels)
        assert picture.data == encode_png(fitted)
        assert picture.sha256 == sha256_bytes(picture.data)


def test_super_resolution_starts_blurred_and_ends_sharp(samples: list[Sample]) -> None:
    sample = next(s for s in samples if s.task == "super_resolution" and s.source == "ct")
    condition, _, target = sample.pieces
    assert isinstance(condition, Image) and isinstance(target, Image)
    low, high = (np.abs(np.diff(decode_stored(p.data).astype(int), axis=0)).mean() for p in (condition, target))
    assert low < high
    assert sample.provenance.method.startswith("derived: condition degraded")


def test_organ_maps_keep_their_exact_colours(samples: list[Sample]) -> None:
    targets = [s.pieces[-1] for s in samples if s.task == "organ_map"]
    assert targets
    for piece in targets:
        assert isinstance(piece, Image) and piece.role is ImageRole.TARGET
        assert {tuple(p) for p in decode_stored(piece.data).reshape(-1, 3).tolist()} == {(0, 0, 0), (255, 0, 0)}


def test_definitions_are_short_sentences_each_asked_in_two_ways() -> None:
    texts = list(text_samples())
    assert len(texts) == 2 * len(read_definitions()) >= 100
    for sample in texts:
        question, answer = sample.pieces
        assert isinstance(question, Text) and isinstance(answer, Text)
        assert question.text[0].isupper() and question.text[-1] in "?." and not question.supervised
        assert answer.text.endswith(".") and len(answer.text) < 120 and answer.supervised
