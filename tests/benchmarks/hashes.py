"""Perceptual hashes: images a second against a peer, and the search of a million hashes within its limits.
`python -m tests.benchmarks.hashes [--hashes N] [--turns N]` prints one JSON object a line.

The peer of hashing is imagehash's phash where that package is installed, else the same recipe by Pillow and scipy. The
peer of the search is comparing all with all, timed on a part and scaled; its limit is sorting the hashes once.
"""

import argparse
import json
import resource
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.hashes import VIEWS, hamming, image_hashes, near_between, near_pairs
from tests.benchmarks.contest import Contest, rate
from tests.benchmarks.peers import peer

IMAGES = 64
SIDE = 512
COMPARED = 4000
"""Hashes of which all pairs are compared to know the speed of comparing."""
SECONDS_LIMIT = 180.0
BYTES_LIMIT = 4 * 2**30


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    _hashing(arguments.turns)
    _searching(arguments.hashes, arguments.turns)
    return 0


def _hashing(turns: int) -> None:
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (IMAGES, 24, 24, 3), dtype=np.uint8)
    for kind, colours in (("grey", small[..., 0]), ("colour", small)):
        images = [np.asarray(Image.fromarray(image).resize((SIDE, SIDE))) for image in colours]
        peer_name, phash = _peer()
        row = Contest(
            name=f"hashes.images_per_second_{kind}",
            peer_name=peer_name,
            unit="images/s",
            goal=3.0,
            ours=lambda images=images: rate(IMAGES, lambda: image_hashes(images)),
            peer=lambda images=images, phash=phash: rate(IMAGES, lambda: [phash(image) for image in images]),
        ).run(turns)
        _say(row.name, row.ours, row.unit, row.peer_name, row.peer, row.ratio, row.goal)
        # What no hash can undercut: each pixel has to be read once.
        reading = max(rate(IMAGES, lambda images=images: [image.sum() for image in images]) for _ in range(turns))
        _say(f"{row.name}_of_reading", row.ours, row.unit, "one sum of all pixels", reading, row.ours / reading, None)


def _searching(count: int, turns: int) -> None:
    hashes, planted = _hashes_with_neighbours(count)
    seconds = []
    for _ in range(turns):
        seconds.append(1 / rate(1, lambda: _check(hashes, planted)))
    took = sorted(seconds)[turns // 2]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    part = hashes[:COMPARED]
    compared = rate(COMPARED**2, lambda: (hamming(part[:, None], part[None]) <= 4).sum())
    everything = count**2 / 2 / compared
    _say("hashes.search_seconds", took, "s", "all with all, scaled up", everything, everything / took, None)
    sorting = 1 / max(rate(1, lambda: np.argsort(hashes)) for _ in range(turns))
    _say("hashes.search_sorts", took, "s", "one sort of the hashes", sorting, sorting / took, None)
    share = count / 1_000_000
    _say(
        "hashes.search_time_limit",
        took,
        "s",
        "three minutes a million",
        SECONDS_LIMIT * share,
        SECONDS_LIMIT * share / took,
        1,
    )
    _say("hashes.search_memory", memory, "bytes", "the limit", BYTES_LIMIT, BYTES_LIMIT / memory, 1)


def search(count: int) -> tuple[float, int]:
    """(seconds, peak bytes of this process) of one search among so many hashes."""
    hashes, planted = _hashes_with_neighbours(count)
    seconds = 1 / rate(1, lambda: _check(hashes, planted))
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def search_views(count: int) -> tuple[float, int]:
    """(seconds, peak bytes of this process) of one search of so many hashes among as many images' views."""
    hashes, planted = _hashes_with_neighbours(count)
    further = np.random.default_rng(2).integers(0, 2**64, (VIEWS - 1) * count, dtype=np.uint64)
    views = np.concatenate([hashes, further])
    seconds = 1 / rate(1, lambda: _check_views(hashes, views, planted))
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _check_views(hashes: NDArray[np.uint64], views: NDArray[np.uint64], planted: int) -> None:
    found = len(near_between(hashes, views).first)
    least = len(hashes) + 2 * planted
    # Chance: 1e13 pairs of random hashes hold 5 within five bits.
    assert least <= found <= least + 30, (least, found)


def _check(hashes: NDArray[np.uint64], planted: int) -> None:
    found = len(near_pairs(hashes).first)
    # Chance adds almost none: 5e11 pairs of random hashes hold 0.2 within five bits.
    assert planted <= found <= planted + 5, (planted, found)


def _hashes_with_neighbours(count: int) -> tuple[NDArray[np.uint64], int]:
    """Random hashes; one in twenty is another one with one to four bits changed."""
    generator = np.random.default_rng(1)
    hashes = generator.integers(0, 2**64, count, dtype=np.uint64)
    planted = count // 20
    changed = np.zeros(planted, np.uint64)
    for _ in range(4):
        changed |= np.uint64(1) << generator.integers(0, 64, planted).astype(np.uint64)
    hashes[-planted:] = hashes[generator.permutation(count - planted)[:planted]] ^ changed
    return hashes, planted


def _peer() -> tuple[str, Callable[[NDArray[np.uint8]], object]]:
    imagehash = peer("imagehash")
    if imagehash is None:
        return "Pillow and scipy, image by image", _phash
    return f"imagehash {imagehash.__version__} phash", lambda image: imagehash.phash(Image.fromarray(image))


def _phash(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    from scipy.fft import dct

    small = Image.fromarray(image).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    low = dct(dct(np.asarray(small, np.float64), axis=0), axis=1)[:8, :8]
    return low > np.median(low)


def _say(name: str, value: float, unit: str, peer: str, peer_value: float, ratio: float, goal: float | None) -> None:
    row: dict[str, object] = {"name": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value}
    print(json.dumps(row | {"ratio": ratio, "goal": goal, "met": None if goal is None else ratio >= goal}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
