"""Names in pixels: how many of those painted into frames are found, how many clean frames are held, and how fast."""

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from pathlib import Path
from typing import TypeVar

import numpy as np

from components.images.letter_rows import Box, Rated, rated_rows
from components.images.png import encode_png
from components.images.stored import decode_stored
from components.images.text_reader import EXTRA, reader_version
from components.images.writing import holding_rows, way_of_looking
from tests.benchmarks.contest import rate
from tests.benchmarks.figures import Figure, say, share
from tests.benchmarks.painted_names import CONTRASTS, FAINT, Frame, Pixels, enlarged, grounds, noisy_films, painted

One = TypeVar("One")
RECALL = 0.99
MOST_HELD = {"without": 0.10, "with": 0.01}
"""Way -> goal: the most of clean frames that are held, where nothing reads and with the extra."""
_SAMPLED = 27
"""The small form: one text of so many, one noisy film of a third as many, one clean frame of a ninth as many."""
Found = Mapping[str, Sequence[Rated]]
"""Way -> the rows that hold the frame."""


def pixels(full: bool) -> Iterator[Figure]:
    """Recall over the grid and the noise series; where nothing reads and, where the extra is installed, with it."""
    every, films = (1, 1) if full else (_SAMPLED, _SAMPLED // 3)
    for name, frames, goal in (
        ("names", painted(CONTRASTS, every=every), RECALL),
        ("dark", painted([-contrast for contrast in CONTRASTS], every=4 * every), RECALL),
        ("faint", painted(FAINT, every=2 * every), None),
        ("noise", _some(noisy_films(written=True), films), RECALL),
    ):
        yield from _recall(name, frames, goal)


def clean_frames(full: bool, results: Path | None) -> Iterator[Figure]:
    """Clean frames held and frames a second, both ways. What `results` holds of each frame is not asked again, and what is
    found is added to it: a run that was ended goes on where it was."""
    films, clean = (1, 1) if full else (_SAMPLED // 3, _SAMPLED // 9)
    known = _Known(results)
    corpus = (Frame(pixels=image, kind=f"corpus {image.shape}") for image in _some(grounds(), clean))
    yield from _held("clean", corpus, known)
    yield from _held("films", _some(noisy_films(written=False), films), known)
    for way in _ways():
        yield _speed(way)


def _ways() -> list[str]:
    if not reader_version():
        say(f"{EXTRA} is not installed: nothing is measured with it")
    return [way for way in MOST_HELD if way == "without" or reader_version()]


def _search(image: Pixels) -> Found:
    rows = rated_rows(image)
    return {way: [row for row, _ in holding_rows(image, rows, reads=way == "with")] for way in _ways()}


def _recall(name: str, frames: Iterable[Frame], goal: float | None) -> Iterator[Figure]:
    """Of planted texts the share over which something was found, by way and direction."""
    planted, missed = Counter[str](), defaultdict[tuple[str, str], list[str]](list)
    for frame in frames:
        found = _search(frame.pixels)
        for text in frame.planted:
            direction = "level" if text.upright else "turned"
            planted[direction] += 1
            for way, rows in found.items():
                if not any(_meet(text.box, row.box) for row in rows):
                    missed[way, direction].append(f"{text} on {frame.kind}")
    for way, (direction, count) in product(_ways(), sorted(planted.items())):
        lost = missed[way, direction]
        place = f"identity.pixels.{way}.{name}.{direction}"
        yield share(place, count - len(lost), "found", "texts that were painted", count, goal, lost)


class _Known:
    """Where each clean frame is held, by way; kept in a file of JSON lines, where one is named."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else []
        self._found: dict[str, dict[str, Box]] = {row["frame"]: row["held"] for row in map(json.loads, lines)}

    def held(self, image: Pixels) -> dict[str, Box]:
        """Way -> the first row that holds the frame; without the ways that let it pass."""
        told = f"{way_of_looking()}, {image.shape}, ".encode() + image.tobytes()
        key = hashlib.sha256(told).hexdigest()
        if key not in self._found:
            rows = rated_rows(image)
            first = {way: next(holding_rows(image, rows, reads=way == "with"), None) for way in _ways()}
            self._found[key] = {way: row[0].box for way, row in first.items() if row}
            if self._file:
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"frame": key, "held": self._found[key]}) + "\n")
        return self._found[key]


def _held(name: str, frames: Iterable[Frame], known: _Known) -> Iterator[Figure]:
    """Of frames in which nothing is written the share that passes, by way."""
    count, held = 0, defaultdict[str, list[str]](list)
    for frame in frames:
        count += 1
        for way, box in known.held(frame.pixels).items():
            held[way].append(f"{frame.kind} at {tuple(box)}")
    for way in _ways():
        passed = count - len(held[way])
        place, goal = f"identity.pixels.{way}.{name}", 1 - MOST_HELD[way]
        yield share(place, passed, "pass", "frames without a letter", count, goal, held[way])


def _some(items: Iterable[One], every: int) -> Iterator[One]:
    return islice(items, 0, None, every)


def _speed(way: str) -> Figure:
    """Clean frames of 1,024 pixels a second of CPU time, beside decoding them from PNG."""
    frames = [enlarged(image, 1024, np.random.default_rng(0)) for image in _some(grounds(), 25)]
    stored = [encode_png(frame) for frame in frames]
    ours = rate(len(frames), lambda: [_first(frame, way) for frame in frames], time.process_time)
    peer = rate(len(frames), lambda: [decode_stored(data) for data in stored], time.process_time)
    return Figure(
        name=f"identity.pixels.{way}.frames_per_second",
        value=ours,
        unit="frames/s",
        peer="decoding their PNG",
        peer_value=peer,
        ratio=ours / peer,
        goal=None,
    )


def _first(frame: Pixels, way: str) -> object:
    return next(holding_rows(frame, rated_rows(frame), reads=way == "with"), None)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
