"""Names in pixels: how many of those painted into frames are found, how many clean frames are held, and how fast."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from components.images.burned_text import text_rows
from components.images.png import encode_png
from components.images.stored import decode_stored
from tests.benchmarks.contest import rate
from tests.benchmarks.figures import Figure
from tests.benchmarks.painted_names import CONTRASTS, FAINT, Box, Frame, Pixels, grounds, noisy_films, painted

RECALL = 0.99
HELD_BY_EYE = 0.10
"""Goal: the most of clean frames that are held where nothing reads."""
HELD_BY_READING = 0.01
_SAMPLED = 27
"""The small form: one text of so many, one clean frame of so many."""
Search = Callable[[Pixels], Iterable[Box]]


def pixels(full: bool) -> Iterator[Figure]:
    """Recall over the grid and the noise series, clean frames held, frames a second."""
    every = 1 if full else _SAMPLED
    ways: dict[str, tuple[Search, float]] = {"without": (lambda image: [r.box for r in text_rows(image)], HELD_BY_EYE)}
    for way, (search, most) in ways.items():
        yield from _recall(f"{way}.names", painted(CONTRASTS, every=every), search, RECALL)
        yield from _recall(f"{way}.faint", painted(FAINT, every=every), search, None)
        yield from _recall(f"{way}.noise", _some(noisy_films(written=True), every), search, RECALL)
        yield _held(f"{way}.clean", chain(_clean(every), _some(noisy_films(written=False), every)), search, most)
        yield _speed(way, search)


def _recall(name: str, frames: Iterable[Frame], search: Search, goal: float | None) -> Iterator[Figure]:
    """Of planted texts the share over which something was found; by direction."""
    planted, missed = defaultdict[str, int](int), defaultdict[str, list[str]](list)
    for frame in frames:
        boxes = list(search(frame.pixels))
        for text in frame.planted:
            way = "level" if text.upright else "turned"
            planted[way] += 1
            if not any(_meet(text.box, box) for box in boxes):
                missed[way].append(f"{text} on {frame.kind}")
    for way, count in planted.items():
        found = count - len(missed[way])
        yield Figure(
            name=f"identity.pixels.{name}.{way}",
            value=found,
            unit="found",
            peer="texts that were painted",
            peer_value=count,
            ratio=found / count,
            goal=goal,
            details=tuple(missed[way]),
        )


def _held(name: str, frames: Iterable[Frame], search: Search, most: float) -> Figure:
    """Of frames without a letter the share that stays; frames that are held are named."""
    count, held = 0, []
    for frame in frames:
        count += 1
        if any(True for _ in search(frame.pixels)):
            held.append(frame.kind)
    return Figure(
        name=f"identity.pixels.{name}",
        value=count - len(held),
        unit="pass",
        peer="clean frames",
        peer_value=count,
        ratio=(count - len(held)) / count,
        goal=1 - most,
        details=tuple(held),
    )


def _clean(every: int) -> Iterator[Frame]:
    return _some((Frame(pixels=image, kind=f"corpus {image.shape}") for image in grounds()), every)


def _some(frames: Iterable[Frame], every: int) -> Iterator[Frame]:
    return (frame for number, frame in enumerate(frames) if number % every == 0)


def _speed(way: str, search: Search) -> Figure:
    """Frames of 1,024 pixels a second of CPU time, beside reading them from PNG."""
    frames = [frame.pixels for frame in painted(CONTRASTS, every=40, sides=(1024,))]
    stored = [encode_png(frame) for frame in frames]
    ours = rate(len(frames), lambda: [list(search(frame)) for frame in frames], time.process_time)
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


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
