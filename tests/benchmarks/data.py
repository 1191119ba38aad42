"""From raw images to training batches, against named peers: preparing, shuffled reading, near texts.

`python -m tests.benchmarks.data [--only PART] [--pictures N] [--turns N]`. Rates are of CPU seconds of this process and its
threads, so that a busy machine changes them little; both sides take turns, and the ratio is the median of the turns. A peer
that is not installed is named and left out.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from components.assembly import dataset
from components.images.png import encode_png
from components.images.raster import read_raster
from components.images.stored import decode_stored
from tests.benchmarks import readers, texts
from tests.benchmarks.contest import Contest, rate
from tests.benchmarks.figures import Figure, report, say
from tests.benchmarks.peers import peer
from tests.benchmarks.pictures import write_pictures
from tests.benchmarks.preparing import Preparing

TEXTS = 30_000


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200, help="files that are prepared and read")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    options = parser.parse_args(arguments)
    return report("data", (figure for name in options.only or PARTS for figure in PARTS[name](options)))


def preparing(options: argparse.Namespace) -> Iterator[Figure]:
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
            say("  ms an image: " + ", ".join(f"{name} {took:.1f}" for name, took in shares.items()))
            least = f"data.prepare_{suffix[1:]}_of_least"
            yield _contest(least, "read, store as PNG, decode once", 0.6, len(files), path.run, store, options.turns)


def reading(options: argparse.Namespace) -> Iterator[Figure]:
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


def near_texts(options: argparse.Namespace) -> Iterator[Figure]:
    """Copies with a word changed, found among texts: our pairs against rensa's flags, which name no pair."""
    library = peer("rensa")
    if library is None:
        return
    made, copies = texts.make_texts(TEXTS)
    found, flagged = texts.ours(made), texts.rensa(library, made)
    say(f"  of {copies} copies we find {found}, rensa flags {flagged} texts (originals and copies)")
    yield _contest(
        "data.near_texts",
        "rensa",
        1.0,
        TEXTS,
        lambda: texts.ours(made),
        lambda: texts.rensa(library, made),
        options.turns,
    )


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Figure]]] = {
    "preparing": preparing,
    "reading": reading,
    "near_texts": near_texts,
}


def _contest(
    name: str,
    peer_name: str,
    goal: float,
    amount: int,
    ours: Callable[[], object],
    other: Callable[[], object],
    turns: int,
) -> Figure:
    return Contest(
        name=name,
        peer_name=peer_name,
        unit="items/CPU s",
        goal=goal,
        ours=lambda: rate(amount, ours, time.process_time),
        peer=lambda: rate(amount, other, time.process_time),
    ).run(turns)


def _passes(
    name: str, peer_name: str, goal: float, ours: readers.Reader, other: readers.Reader, options: argparse.Namespace
) -> Figure:
    def passed(reader: readers.Reader) -> None:
        seen = sum(1 for _ in reader())
        assert seen == options.pictures, f"{peer_name}: {seen} pictures in a pass over {options.pictures}"

    return _contest(
        name, peer_name, goal, options.pictures, lambda: passed(ours), lambda: passed(other), 2 * options.turns + 1
    )


if __name__ == "__main__":
    sys.exit(main())
