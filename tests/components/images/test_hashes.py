import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.images import hashes as module
from components.images.hashes import (
    DISTANCE,
    VIEWS,
    Pairs,
    hamming,
    image_hashes,
    near_between,
    near_pairs,
    thumbnail,
    view_hashes,
)
from components.images.limits import ImageError
from components.images.raster import read_raster
from components.images.volume import read_volume
from components.images.windows import window
from components.sources.delivery import corpus, locate


def corpus_file(source: str, name: str):
    return locate(next(file for file in corpus()[source] if file.file == name))


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Real ones: eyes in colour, slices of a body in three planes, a drawing of a head's inside."""
    eyes = [read_raster(corpus_file("fundus", f"{name}.jpg")) for name in ("HRF_04_g", "HRF_07_dr", "retina")]
    body = read_volume(corpus_file("totalsegmentator", "example_ct.nii.gz"))
    slices = [
        window(body.slice(plane, index), -160, 240) for plane in ("axial", "coronal", "sagittal") for index in (25, 55)
    ]
    return [*eyes, *slices]


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out))


def scaled(image: np.ndarray, share: float) -> np.ndarray:
    height, width = (round(side * share) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def cropped(image: np.ndarray, share: float) -> np.ndarray:
    height, width = image.shape[:2]
    top, left = round(height * share / 2), round(width * share / 2)
    return np.ascontiguousarray(image[top : height - top, left : width - left])


@pytest.mark.parametrize(
    "change",
    [
        lambda image: jpeg(image, 30),
        lambda image: scaled(image, 0.5),
        lambda image: scaled(image, 1.7),
        lambda image: cropped(image, 0.02),
        lambda image: window(image.astype(np.float32), -40, 330),
        lambda image: jpeg(scaled(window(image.astype(np.float32), 5, 245), 0.6), 60),
    ],
    ids=["jpeg", "half", "larger", "crop", "window", "all"],
)
def test_the_same_picture_stays_within_the_distance(pictures, change):
    before, after = image_hashes(pictures), image_hashes([change(picture) for picture in pictures])
    assert hamming(before, after).max() <= DISTANCE


@pytest.mark.parametrize("flip", [lambda image: image[:, ::-1], lambda image: image[::-1]], ids=["sideways", "over"])
def test_a_flipped_picture_is_another_one(pictures, flip):
    flipped = [np.ascontiguousarray(flip(picture)) for picture in pictures]
    assert hamming(image_hashes(pictures), image_hashes(flipped)).min() > 3 * DISTANCE


def test_a_crop_of_four_percent_at_two_ends_or_at_all_and_another_gamma_are_near_to_a_view(pictures):
    views = view_hashes(np.stack([thumbnail(picture) for picture in pictures]))
    assert views.shape == (len(pictures), VIEWS)
    assert views[:, 0].tolist() == image_hashes(pictures).tolist()
    for change in (lower_right, lambda image: cropped(image, 0.08), darker):
        after = image_hashes([change(picture) for picture in pictures])
        assert hamming(views, after[:, None]).min(axis=1).max() <= DISTANCE


def lower_right(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return np.ascontiguousarray(image[height // 25 :, width // 25 :])


def darker(image: np.ndarray) -> np.ndarray:
    return (255 * (image / 255) ** 1.25).round().astype(np.uint8)


def test_noise_does_not_decide_on_a_picture_that_equals_its_mirror_image(pictures):
    generator = np.random.default_rng(3)
    for picture in pictures:
        grey = picture if picture.ndim == 2 else picture[..., 1]
        even = np.maximum(grey, grey[:, ::-1])
        noisy = np.clip(even + generator.integers(-1, 2, even.shape), 0, 255).astype(np.uint8)
        before, after = image_hashes([even, noisy])
        assert hamming(before, after) <= 2


def test_different_pictures_are_far_apart(pictures):
    assert len(near_pairs(image_hashes(pictures), 2 * DISTANCE).first) == 0


def test_a_batch_gives_what_each_picture_gives_alone_and_grey_is_grey(pictures):
    batch = image_hashes(pictures)
    assert [int(image_hashes([picture])[0]) for picture in pictures] == batch.tolist()
    grey = pictures[-1]
    assert image_hashes([np.stack([grey] * 3, axis=2)])[0] == batch[-1]


@pytest.mark.parametrize(("height", "width"), [(517, 803), (300, 129), (40, 1000)])
def test_a_thumbnail_shows_each_place_where_it_lies(height, width):
    """On a slope the mean of a cell is the value at its centre, whatever the size; channels count alike."""
    down, across = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    slope = 20 + 150 * down[:, None] + 60 * across
    colour = np.rint(slope[..., None] + np.array([-12, 0, 12])).astype(np.uint8)
    centres = (np.arange(32) + 0.5) / 32
    expected = 20 + 150 * centres[:, None] + 60 * centres
    inner = np.s_[1:-1, 1:-1]  # the filter ends at the border
    assert np.abs(thumbnail(colour) / 16 - expected)[inner].max() < 1


def test_hashes_are_what_they_were():
    """Stored hashes are compared with later ones: another formula needs another name."""
    waves = np.add.outer(np.sin(np.arange(50) / 5), np.cos(np.arange(70) / 9))
    assert image_hashes([((waves + 2) * 60).astype(np.uint8)]).tolist() == [0x1F80462690108180]


def test_one_colour_has_no_direction_and_no_pixels_are_refused():
    assert image_hashes([np.full((7, 90), 200, np.uint8), np.zeros((64, 64, 3), np.uint8)]).tolist() == [0, 0]
    assert image_hashes([]).shape == (0,)
    with pytest.raises(ImageError, match="no pixels"):
        image_hashes([np.zeros((0, 5), np.uint8)])


@settings(max_examples=60, deadline=None)
@given(
    centres=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12),
    changes=st.lists(st.tuples(st.integers(0, 11), st.lists(st.integers(0, 63), max_size=6)), max_size=40),
    distance=st.integers(0, 5),
)
def test_pairs_are_those_of_comparing_all_with_all(centres, changes, distance):
    near = [centres[of % len(centres)] ^ sum(1 << bit for bit in set(bits)) for of, bits in changes]
    hashes = np.array([*centres, *near], np.uint64)
    apart = hamming(hashes[:, None], hashes[None])
    originals = {int(value): number for number, value in reversed(list(enumerate(hashes)))}
    expected = sorted(
        (i, j, int(apart[i, j]))
        for j in range(len(hashes))
        for i in range(j)
        if apart[i, j] <= distance
        # Of equal hashes only the first one is paired with others, and the others with it.
        and originals[int(hashes[i])] == i
        and (apart[i, j] == 0 or originals[int(hashes[j])] == j)
    )
    assert rows(near_pairs(hashes, distance)) == expected


@settings(max_examples=60, deadline=None)
@given(
    hashes=st.lists(st.integers(0, 2**64 - 1), max_size=12, unique=True),
    changes=st.lists(st.tuples(st.integers(0, 11), st.lists(st.integers(0, 63), max_size=6)), max_size=40),
    distance=st.integers(0, 5),
    at_once=st.sampled_from([1, 3, 1000]),
)
def test_pairs_between_two_sets_are_those_of_comparing_all_with_all(hashes, changes, distance, at_once):
    near = [hashes[of % len(hashes)] ^ sum(1 << bit for bit in set(bits)) for of, bits in changes if hashes]
    mine, others = np.array(hashes, np.uint64), np.array([*near, 7], np.uint64)
    apart = hamming(mine[:, None], others[None])
    expected = [(i, j, int(apart[i, j])) for i, j in np.argwhere(apart <= distance).tolist()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_AT_ONCE", at_once)
        assert sorted(rows(near_between(mine, others, distance))) == expected


def test_a_thousand_equal_hashes_are_a_thousand_pairs():
    pairs = near_pairs(np.concatenate([np.full(1000, 7, np.uint64), [np.uint64(6)]]))
    assert len(pairs.first) == 1000
    assert set(pairs.first.tolist()) == {0}
    assert pairs.distance.tolist() == [0] * 999 + [1]


def test_a_distance_that_compares_all_with_all_is_refused():
    with pytest.raises(ValueError, match="distance must be in 0 to 16, got 20"):
        near_pairs(np.zeros(3, np.uint64), 20)


def rows(pairs: Pairs) -> list[tuple[int, int, int]]:
    return list(zip(*(column.tolist() for column in pairs), strict=True))
