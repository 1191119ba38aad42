"""Perceptual hashes: images a second against a peer, and the search of a million hashes within its limits.
`python -m tests.benchmarks.hashes [--hashes N] [--turns N]`.

The peer of hashing is imagehash's phash where that package is installed, else the same recipe by Pillow and scipy. The
peer of the search is comparing all with all, timed on a part and scaled; its limit is sorting the hashes once.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.hashes import VIEWS, hamming, image_hashes, near_between, near_pairs
from tests.benchmarks.contest import Contest, rate
from tests.benchmarks.figures import Figure, report, within
from tests.benchmarks.memory import peak_bytes
from tests.benchmarks.peers import peer

IMAGES = 64
SIDE = 512
COMPARED = 4000
"""Hashes of which all pairs are compared to know the speed of comparing."""
SECONDS_LIMIT = 180.0
BYTES_LIMIT = 4 * 2**30


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args(arguments)
    return report("hashes", measured(options.hashes, options.turns))


def measured(count: int, turns: int) -> Iterator[Figure]:
    """Hashing, then the search among so many hashes, then that of as many images' views."""
    yield from _hashing(turns)
    yield from _searching(count, turns)
    yield from _searching_views(count)


def _hashing(turns: int) -> Iterator[Figure]:
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (IMAGES, 24, 24, 3), dtype=np.uint8)
    for kind, colours in (("grey", small[..., 0]), ("colour", small)):
        images = [np.asarray(Image.fromarray(image).resize((SIDE, SIDE))) for image in colours]
        peer_name, phash = _peer()
        figure = Contest(
            name=f"hashes.images_per_second_{kind}",
            peer_name=peer_name,
            unit="images/s",
            goal=3.0,
            ours=lambda images=images: rate(IMAGES, lambda: image_hashes(images)),
            peer=lambda images=images, phash=phash: rate(IMAGES, lambda: [phash(image) for image in images]),
        ).run(2 * turns + 1)
        yield figure
        # What no hash can undercut: each pixel has to be read once.
        reading = max(rate(IMAGES, lambda images=images: [image.sum() for image in images]) for _ in range(turns))
        yield _beside(
            f"{figure.name}_of_reading",
            figure.value,
            "images/s",
            "one sum of all pixels",
            reading,
            figure.value / reading,
        )


def _searching(count: int, turns: int) -> Iterator[Figure]:
    hashes, planted = _hashes_with_neighbours(count)
    took = statistics.median(1 / rate(1, lambda: _check(hashes, planted)) for _ in range(turns))
    memory = peak_bytes()
    part = hashes[:COMPARED]
    compared = rate(COMPARED**2, lambda: (hamming(part[:, None], part[None]) <= 4).sum())
    everything = count**2 / 2 / compared
    yield _beside("hashes.search", took, "s", "all with all, scaled up", everything, everything / took)
    sorting = 1 / max(rate(1, lambda: np.argsort(hashes)) for _ in range(turns))
    yield _beside("hashes.search_of_sorting", took, "s", "one sort of the hashes", sorting, sorting / took)
    yield from _limits("search", count, took, memory)


def _searching_views(count: int) -> Iterator[Figure]:
    hashes, planted = _hashes_with_neighbours(count)
    further = np.random.default_rng(2).integers(0, 2**64, (VIEWS - 1) * count, dtype=np.uint64)
    views = np.concatenate([hashes, further])
    took = 1 / rate(1, lambda: _check_views(hashes, views, planted))
    yield from _limits("search_views", count, took, peak_bytes())


def _limits(what: str, count: int, seconds: float, memory: int) -> Iterator[Figure]:
    limit = SECONDS_LIMIT * count / 1_000_000
    yield within(f"hashes.{what}_time", seconds, "s", limit, of="three minutes a million")
    yield within(f"hashes.{what}_memory", memory, "bytes", BYTES_LIMIT)


def _beside(name: str, value: float, unit: str, peer_name: str, peer_value: float, ratio: float) -> Figure:
    return Figure(name=name, value=value, unit=unit, peer=peer_name, peer_value=peer_value, ratio=ratio, goal=None)


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


if __name__ == "__main__":
    sys.exit(main())
