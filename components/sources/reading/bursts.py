"""Sets without patient names, whose images come in bursts of one examination: what looks alike is one patient's."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from components.images.hashes import image_hashes, near_pairs
from components.images.limits import ImageError
from components.images.raster import read_raster
from components.sources.delivery_folder import Delivery

NEAR = 8
"""Bits of 64 by which images of one burst may differ: more than between copies of one image."""


def burst_subjects(delivery: Delivery, files: Iterable[tuple[str, Path]]) -> dict[str, str]:
    """Name -> its burst, named by the first image of it; images that cannot be read are left out.

    Bursts are chains: each image is near to some other one of its burst.
    """
    names, hashes = [], []
    for name, path in sorted(files):
        try:
            delivery.check(path)
            hashes.append(int(image_hashes([read_raster(path)])[0]))
            names.append(name)
        except (ImageError, OSError):
            continue  # its record says why
    return joined(dict(zip(names, hashes, strict=True)))


def joined(hashes: Mapping[str, int]) -> dict[str, str]:
    """Name -> the first name, in order, of its chain of near hashes; an image of one colour (hash 0) is alone."""
    names = sorted(name for name in hashes if hashes[name])
    first = list(range(len(names)))

    def root(number: int) -> int:
        while first[number] != number:
            first[number] = first[first[number]]
            number = first[number]
        return number

    pairs = near_pairs(np.array([hashes[name] for name in names], np.uint64), NEAR)
    for one, other in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return {name: name for name in hashes} | {name: names[root(number)] for number, name in enumerate(names)}
