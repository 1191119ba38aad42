"""A 64-bit perceptual hash of images, and the pairs of hashes that are nearly equal.

The hash says which of the 64 slowest waves of a picture swing upwards. Scaling, JPEG, a very small crop or another window
change few of its bits; a flip changes many of them, because a mirrored body is another image. All arithmetic is on
integers, so that every machine finds the same bits.
"""
# Shapes: N = images or hashes, S = side of the thumbnail, F = waves a side, P = pairs.

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.crops import PARTS, SMALL, cropped
from components.images.limits import check_size

BITS = 64
DISTANCE = 5
"""Bits by which an image and some view of another image of one picture may differ."""
_SIDE = 32
_WAVES = 11
_FINE = 4
_UNIT = 4096
"""Fixed point of the cosines: a thumbnail's sums stay far below 2**53, so float64 products of them are exact."""
_COARSE, _LEAST = 2.0**16, 1024
"""A wave swings when its amplitude is at least one part in so many of all 64 together."""
_AT_ONCE = 2**22
"""Pairs that are compared at a time."""
_WHITE = 16 * 255
VIEWS = 1 + len(SMALL) + 2
"""Hashes of an image's views."""


class Pairs(NamedTuple):
    """`first` < `second`, positions in the searched hashes, and the bits by which they differ. Shapes: (P,)."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.uint8]


def image_hashes(images: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint64]:
    """Hashes of (H, W) or (H, W, 3) uint8 images of any sizes. Shape: (N,). An image of one colour has hash 0.

    Raises ImageError for an image without pixels or over the limits.
    """
    found = [thumbnail(image) for image in images]
    return thumbnail_hashes(np.stack(found)) if found else np.zeros(0, np.uint64)


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Means of an (H, W) or (H, W, 3) image, over its channels too, in sixteenths of a grey level. Shape: (S, S).

    Raises ImageError for an image without pixels or over the limits.
    """
    height, width = image.shape[:2]
    check_size(width, height)
    fine = _FINE * _SIDE
    across, down = max(1, width // fine), max(1, height // fine)
    # Boxes first, over the bytes as they lie: Pillow's own form of RGB would cost more than all the rest.
    flat = np.ascontiguousarray(image).reshape(height, -1)
    boxes = Image.fromarray(flat).reduce((flat.shape[1] // width * across, down))
    # Four times the side, then sums, keep what rounding would lose.
    small = boxes.resize((fine, fine), Image.Resampling.BILINEAR, box=(0, 0, width / across, height / down))
    sums = np.asarray(small).reshape(_SIDE, _FINE, fine).sum(axis=1, dtype=np.int64)
    return sums.reshape(_SIDE, _SIDE, _FINE).sum(axis=2)


def thumbnail_hashes(thumbnails: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hashes of what `thumbnail` makes of images. Shapes: (N, S, S) -> (N,)."""
    # The taper below makes the border count less: a crop takes the border first.
    values = thumbnails * _SIDE**2 - thumbnails.sum(axis=(1, 2), keepdims=True)
    waves = _tapered_cosines()
    amplitudes = waves @ (values // _SIDE).astype(np.float64) @ waves.T
    down, across = _slowest()
    # Whole numbers again, small enough for their sum to be exact in any order.
    chosen = np.floor(amplitudes[:, down, across] / _COARSE)
    # A picture equal to its mirror image has waves that do not swing at all: noise must not decide on their bits.
    swings = chosen * _LEAST > np.abs(chosen).sum(axis=1, keepdims=True)
    bits = np.packbits(swings, axis=1)
    return np.ascontiguousarray(bits).view(">u8").astype(np.uint64)[:, 0]


def view_hashes(thumbnails: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hashes of what `thumbnail` makes of images, first as they are, then of small crops and with the middle greys darker
    and brighter: a small crop of the image, or the image of another gamma, is near to one of them where it is far from
    the first. Shapes: (N, S, S) -> (N, V)."""
    whole = thumbnails[:, None]
    parts = np.array([[[prod(PARTS - sum(cut) for cut in crop)]] for crop in SMALL])
    crops = np.floor(cropped(whole.astype(np.float64), SMALL) / parts).astype(np.int64)
    bend = 3 * whole * (_WHITE - whole) // (10 * _WHITE)
    views = np.concatenate([whole, crops, whole - bend, whole + bend], axis=1)
    return thumbnail_hashes(views.reshape(-1, _SIDE, _SIDE)).reshape(-1, VIEWS)


def hamming(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Bits in which hashes differ, 0 to 64; shapes as numpy broadcasts them."""
    return np.bitwise_count(first ^ second)


def near_pairs(hashes: NDArray[np.uint64], distance: int = DISTANCE) -> Pairs:
    """Every pair of hashes that differ in at most `distance` bits, in order of (first, second). Shape: (N,) -> (P,).

    Of equal hashes each is paired with the first of them alone, and that one with what is near to all of them: a
    thousand blank images are a thousand pairs, not half a million.
    Raises ValueError for a distance outside 0 to 16, from where on the search would compare nearly all with all.
    """
    masks = _masks(distance)
    hashes = np.ascontiguousarray(hashes, np.uint64)
    values, home, group = np.unique(hashes, return_index=True, return_inverse=True)
    copies = np.flatnonzero(home[group] != np.arange(len(hashes)))
    first, second = [home[group[copies]]], [copies]
    for number, mask in enumerate(masks):
        a, b = _equal_under(values, mask)
        differing = values[a] ^ values[b]
        near = np.bitwise_count(differing) <= distance
        a, b, differing = a[near], b[near], differing[near]
        new = _is_new(differing, masks[:number])
        first.append(home[a[new]])
        second.append(home[b[new]])
    one, other = np.concatenate(first), np.concatenate(second)
    low, high = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((high, low))
    low, high = low[order], high[order]
    return Pairs(low, high, hamming(hashes[low], hashes[high]))


def near_between(hashes: NDArray[np.uint64], others: NDArray[np.uint64], distance: int = DISTANCE) -> Pairs:
    """Every pair of a hash (`first`) and one of the others (`second`) that differ in at most `distance` bits, each once,
    in no order. Shapes: (N,), (M,) -> (P,). Raises ValueError for a distance outside 0 to 16."""
    masks = _masks(distance)
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, mask in enumerate(masks):
        for a, b in _near_under(hashes, others, mask, distance):
            new = _is_new(hashes[a] ^ others[b], masks[:number])
            first.append(a[new])
            second.append(b[new])
    one, other = np.concatenate(first), np.concatenate(second)
    return Pairs(one, other, hamming(hashes[one], others[other]))


@lru_cache
def _tapered_cosines() -> NDArray[np.float64]:
    """DCT-II waves under the root of a Hann window, whole numbers. Shape: (F, S)."""
    place = np.arange(_SIDE)
    cosines = np.cos(np.pi * np.arange(_WAVES)[:, None] * (2 * place + 1) / (2 * _SIDE))
    taper = np.sin(np.pi * (place + 1) / (_SIDE + 1))
    return np.rint(cosines * taper * _UNIT)


@lru_cache
def _slowest() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(down, across) of the 64 slowest waves, the constant left out. Shapes: (64,), (64,)."""
    waves = sorted((d + a, max(d, a), d, a) for d in range(_WAVES) for a in range(_WAVES))[1 : BITS + 1]
    return np.array([wave[2] for wave in waves]), np.array([wave[3] for wave in waves])


def _masks(distance: int) -> list[np.uint64]:
    """Bit masks such that two hashes within the distance agree under at least one: with distance + 2 bands, two bands
    at least stay untouched. Raises ValueError for a distance outside 0 to 16."""
    if not 0 <= distance <= 16:
        raise ValueError(f"distance must be in 0 to 16, got {distance}")
    edges = [BITS * band // (distance + 2) for band in range(distance + 3)]
    bands = [((1 << high) - 1) ^ ((1 << low) - 1) for low, high in pairwise(edges)]
    return [np.uint64(one | other) for one, other in combinations(bands, 2)]


def _equal_under(values: NDArray[np.uint64], mask: np.uint64) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of all pairs of values that are equal where the mask has ones."""
    keys = values & mask
    order = np.argsort(keys)
    keys = keys[order]
    first, second = [], []
    start, step = np.arange(len(keys)), 1
    while len(start := start[start + step < len(keys)]):
        start = start[keys[start] == keys[start + step]]
        first.append(order[start])
        second.append(order[start + step])
        step += 1
    return _joined(first), _joined(second)


def _near_under(
    hashes: NDArray[np.uint64], others: NDArray[np.uint64], mask: np.uint64, distance: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Positions of the near pairs of a hash and another one that are equal where the mask has ones, so many at a time
    that memory stays small where thousands are equal."""
    keys, wanted = (_key(values, mask, len(hashes).bit_length()) for values in (hashes, others))
    order = np.argsort(keys)
    # A table of the keys costs less than sorting the others.
    mine, sizes = hashes[order], np.bincount(keys, minlength=int(wanted.max(initial=0)) + 1)
    starts = np.cumsum(sizes) - sizes
    counts = sizes[wanted]
    ends = np.cumsum(counts)
    bounds = np.searchsorted(ends, np.arange(_AT_ONCE, ends[-1] if len(ends) else 0, _AT_ONCE))
    for low, high in pairwise([0, *bounds.tolist(), len(ends)]):
        run = counts[low:high]
        # Of each other hash its run of equal keys, one run after the other.
        places = np.arange(run.sum()) + np.repeat(starts[wanted[low:high]] - (np.cumsum(run) - run), run)
        differing = mine[places] ^ np.repeat(others[low:high], run)
        near = np.flatnonzero(np.bitwise_count(differing) <= distance)
        near = near[differing[near] & mask == 0]
        yield order[places[near]], np.repeat(np.arange(low, high), run)[near]


def _key(values: NDArray[np.uint64], mask: np.uint64, bits: int) -> NDArray[np.int64]:
    """Small whole numbers of about so many bits, equal for values that are equal under a mask of two bands or one. Shape: (N,)."""
    bands = list(re.finditer("1+", f"{int(mask):b}"[::-1]))
    key = np.zeros(len(values), np.uint64)
    for band in bands:
        width = np.uint64(min(len(band[0]), bits // len(bands) + 1))
        key = key << width | values >> np.uint64(band.start()) & (np.uint64(1) << width) - np.uint64(1)
    return key.astype(np.int64)


def _is_new(differing: NDArray[np.uint64], earlier: Sequence[np.uint64]) -> NDArray[np.bool_]:
    """Whether no earlier mask gave the pair with these differing bits: it agrees under several. Shapes: (P,) -> (P,)."""
    new = np.ones(len(differing), bool)
    for mask in earlier:
        new &= (differing & mask) != 0
    return new


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
