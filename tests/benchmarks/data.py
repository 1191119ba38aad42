"""From raw images to training batches, against named peers: preparing, shuffled reading, hashing, near texts, searching, growth.

`python -m tests.benchmarks.data [--full] [--only PART] [--pictures N] [--turns N] [--json]` prints one line a figure, with
its goal. Rates are of CPU seconds of this process and its threads, so that a busy machine changes them little; both sides
take turns, and the ratio is the median of the turns. A peer that is not installed is named and left out.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from components.assembly import dataset
from components.images.hashes import image_hashes
from components.images.png import encode_png
from components.images.raster import read_raster
from components.images.stored import decode_stored
from tests.benchmarks import growth, hashes, readers, texts
from tests.benchmarks.contest import Contest, Row
from tests.benchmarks.peers import peer
from tests.benchmarks.pictures import write_pictures
from tests.benchmarks.preparing import Preparing

SIZES = (10_000, 100_000)
FULL_SIZE = 1_000_000
PLANNED_RECORDS = 5_600_000
"""What the published first stage trains on."""
HASHES = 1_000_000
TEXTS = 30_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200, help="files that are prepared and read")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    parser.add_argument("--full", action="store_true", help="assembly of a million records too (about half an hour)")
    parser.add_argument("--json", action="store_true", help="print JSON objects, one a line")
    options = parser.parse_args()
    for name in options.only or PARTS:
        for row in PARTS[name](options):
            print(json.dumps(_figure(row)) if options.json else row, flush=True)
    return 0


def preparing(options: argparse.Namespace) -> Iterator[Row]:
    """Decode, validate, hash and shard against Pillow's decoding of the same files; then what no such path can pass."""
    for suffix in (".jpg", ".png"):
        with tempfile.TemporaryDirectory() as folder:
            files = write_pictures(Path(folder) / "raw", options.pictures, suffix)
            path = Preparing(Path(folder) / "raw", Path(folder) / "work")
            path.label()
            assert path.run() == len(files)

            def decode(files: Sequence[Path] = files) -> None:
                for file in files:
                    Image.open(file).load()

            def store(files: Sequence[Path] = files) -> None:
                for file in files:
                    decode_stored(encode_png(read_raster(file)))

            bare = "bare Pillow decode"
            yield _contest(f"data.prepare_{suffix[1:]}", bare, 0.6, len(files), path.run, decode, options.turns)
            shares = {name: 1000 * seconds / len(files) for name, seconds in path.seconds.items()}
            if not options.json:
                print("  ms an image: " + ", ".join(f"{name} {took:.1f}" for name, took in shares.items()))
            least = f"data.prepare_{suffix[1:]}_of_least"
            yield _contest(least, "read, store as PNG, decode once", 0.6, len(files), path.run, store, options.turns)


def reading(options: argparse.Namespace) -> Iterator[Row]:
    """One shuffled pass with decoding, against bare decoding and each peer; then from a set eight times the cache."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_pictures(Path(folder) / "raw", options.pictures, ".png")
        ours = readers.ours(files, Path(folder) / "ours")
        made = {name: make(files, Path(folder) / make.__name__) for name, make in readers.PEERS.items()}
        against: dict[str, tuple[float, readers.Reader]] = {"bare Pillow decode": (0.95, lambda: readers.bare(files))}
        against |= {name: (1.0, reader) for name, reader in made.items() if reader is not None}
        for name, (goal, reader) in against.items():
            yield _passes(f"data.read_against_{name.split()[0].lower()}", name, goal, ours, reader, options)
        cache, dataset.CACHE_BYTES = dataset.CACHE_BYTES, sum(file.stat().st_size for file in files) // 8
        bare, reader = "bare Pillow decode", against["bare Pillow decode"][1]
        ours = readers.ours(files, Path(folder) / "small-cache")
        yield _passes("data.read_eight_caches_against_bare", bare, 0.95, ours, reader, options)
        dataset.CACHE_BYTES = cache


def hashing(options: argparse.Namespace) -> Iterator[Row]:
    """Perceptual hashes of decoded images against imagehash's phash."""
    library = peer("imagehash")
    if library is None:
        return
    small = np.random.default_rng(0).integers(0, 256, (64, 24, 24, 3), dtype=np.uint8)
    for kind, colours in (("grey", small[..., 0]), ("colour", small)):
        images = [np.asarray(Image.fromarray(image).resize((512, 512))) for image in colours]

        def ours(images: Sequence[np.ndarray] = images) -> None:
            image_hashes(images)

        def phash(images: Sequence[np.ndarray] = images) -> None:
            for image in images:
                library.phash(Image.fromarray(image))

        yield _contest(f"data.hash_{kind}", "imagehash phash", 3.0, len(images), ours, phash, 2 * options.turns + 1)


def near_texts(options: argparse.Namespace) -> Iterator[Row]:
    """Copies with a word changed, found among texts: our pairs against rensa's flags, which name no pair."""
    library = peer("rensa")
    if library is None:
        return
    made, copies = texts.make_texts(TEXTS)
    found, flagged = texts.ours(made), texts.rensa(library, made)
    if not options.json:
        print(f"  of {copies} copies we find {found}, rensa flags {flagged} texts (originals and copies)")
    yield _contest(
        "data.near_texts",
        "rensa",
        1.0,
        TEXTS,
        lambda: texts.ours(made),
        lambda: texts.rensa(library, made),
        options.turns,
    )


def searching(options: argparse.Namespace) -> Iterator[Row]:
    """All near pairs of a million hashes, and of those with a million images' views; each within three minutes and four
    gigabytes."""
    for name, search in (("search", hashes.search), ("search_views", hashes.search_views)):
        seconds, peak = search(HASHES)
        yield _limit(f"data.{name}_seconds", "the limit", "s", seconds, hashes.SECONDS_LIMIT)
        yield _limit(f"data.{name}_memory", "the limit", "bytes", peak, hashes.BYTES_LIMIT)


def growing(options: argparse.Namespace) -> Iterator[Row]:
    """CPU seconds and memory of assembly's decisions at growing sizes: what a further record costs against the one before."""
    sizes = [growth.measured(records) for records in (*SIZES, *([FULL_SIZE] if options.full else []))]
    if not options.json:
        for size in sizes:
            print(f"  {size}", flush=True)
    for small, large in pairwise(sizes):
        name = f"{large.records // 1000}k"
        # Up to a quarter more a record passes for linear: dictionaries grow in steps. The others hardly depend on it.
        for step in ("corpus", "select"):
            took, before = (1000 * size.seconds[step] / size.records for size in (large, small))
            peer_name = f"a quarter over that at {small.records}"
            yield _limit(f"data.assembly_{step}_ms_a_record_{name}", peer_name, "ms", took, 1.25 * before)
        further = (large.peak_bytes - small.peak_bytes) / (large.records - small.records)
        yield _limit(f"data.assembly_million_{name}", "eight gigabytes", "bytes", 1e6 * further, 8 * 2**30)
        if not options.json:
            planned = PLANNED_RECORDS * further / 2**30
            print(f"  a further record takes {further:.0f} bytes: {planned:.1f} GiB for {PLANNED_RECORDS} records")


PARTS: dict[str, Callable[[argparse.Namespace], Iterable[Row]]] = {
    "preparing": preparing,
    "reading": reading,
    "hashing": hashing,
    "near_texts": near_texts,
    "searching": searching,
    "growing": growing,
}


def _contest(
    name: str,
    peer_name: str,
    goal: float,
    amount: int,
    ours: Callable[[], object],
    other: Callable[[], object],
    turns: int,
) -> Row:
    return Contest(
        name=name,
        peer_name=peer_name,
        unit="items/CPU s",
        goal=goal,
        ours=lambda: _rate(amount, ours),
        peer=lambda: _rate(amount, other),
    ).run(turns)


def _passes(
    name: str, peer_name: str, goal: float, ours: readers.Reader, other: readers.Reader, options: argparse.Namespace
) -> Row:
    def passed(reader: readers.Reader) -> None:
        seen = sum(1 for _ in reader())
        assert seen == options.pictures, f"{peer_name}: {seen} pictures in a pass over {options.pictures}"

    return _contest(
        name, peer_name, goal, options.pictures, lambda: passed(ours), lambda: passed(other), 2 * options.turns + 1
    )


def _rate(amount: int, work: Callable[[], object]) -> float:
    """Amount per CPU second of doing the work once."""
    begun = time.process_time()
    work()
    return amount / (time.process_time() - begun)


def _limit(name: str, what: str, unit: str, value: float, limit: float) -> Row:
    """A figure that should stay under a limit: the ratio says how many times it fits."""
    return Row(name=name, peer_name=what, unit=unit, ours=value, peer=limit, ratio=limit / value, goal=1.0)


def _figure(row: Row) -> dict[str, object]:
    figure = asdict(row)
    return {
        "name": figure["name"],
        "value": figure["ours"],
        "unit": figure["unit"],
        "peer": figure["peer_name"],
        "peer_value": figure["peer"],
        "ratio": figure["ratio"],
        "goal": figure["goal"],
        "met": row.is_met,
    }


if __name__ == "__main__":
    sys.exit(main())
