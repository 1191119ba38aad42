"""A drawing that is a training image over again is told from one that is not."""

import io

import numpy as np
from PIL import Image

from components.assembly.dataset import LabelledImage
from components.evaluation.copied import FRESH_SCORER, TrainingImages
from components.evaluation.images import encode
from components.evaluation.predictions import ONE_STEP, prediction_row
from components.records.vocabulary import Modality, Split
from components.storage.keys import sha256_bytes
from tests.components.evaluation.material import drawing


def picture(number: int, side: int = 64) -> np.ndarray:
    """A few soft blobs, as a drawn body has them; another number, another picture."""
    draw = np.random.default_rng(number)
    y, x = np.mgrid[0:side, 0:side] / side
    blobs = sum(a * np.exp(-((x - u) ** 2 + (y - v) ** 2) / s) for a, u, v, s in draw.uniform(0.02, 1, (6, 4)))
    grey = np.asarray(255 * blobs / blobs.max()).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def trained(number: int) -> LabelledImage:
    data = encode(picture(number))
    return LabelledImage(
        id=f"one/{number}",
        source="one",
        split=Split.TRAIN,
        patient_key=f"p{number}",
        modality=Modality.CT,
        anatomy="brain",
        facts={},
        image=data,
        sha256=sha256_bytes(data),
        targets={},
    )


def drawn(number: int, image: bytes, variant: str = "plain"):
    return prediction_row(drawing(number), variant=variant, seed=0, image=None, response_image=image)


def jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=70)
    return out.getvalue()


def test_copies_are_found_through_jpeg_and_other_sizes_and_nothing_else_is():
    known = TrainingImages.of(trained(number) for number in range(20))
    smaller = np.asarray(Image.fromarray(picture(3)).resize((48, 48), Image.Resampling.BILINEAR))
    rows = [
        drawn(0, encode(picture(5))),
        drawn(1, jpeg(picture(7))),
        drawn(2, encode(smaller)),
        drawn(3, encode(picture(100))),
        drawn(4, encode(picture(101))),
        drawn(5, encode(np.zeros((64, 64, 3), np.uint8))),
        drawn(6, encode(picture(5)), ONE_STEP),
    ]
    found = list(known.score(rows))
    assert [(score.item_id, score.correct) for score in found] == [
        (f"t2i/{number:03d}", right) for number, right in enumerate((0, 0, 0, 1, 1, 1))
    ]
    assert {score.scorer_id for score in found} == {FRESH_SCORER}


def test_without_training_images_nothing_is_a_copy():
    (found,) = TrainingImages.of(()).score([drawn(0, encode(picture(1)))])
    assert found.correct == 1
