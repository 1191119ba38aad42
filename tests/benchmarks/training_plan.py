"""Packing at the published budgets beside padding, next-fit and the published rule; planning of many samples.

`python -m tests.benchmarks.training_plan COLUMNS` plans the samples of a folder of columns and says what that took.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from components.recipes.training import ConditionDropout
from components.training.layout import Layout
from components.training.lengths import Lengths, Stream
from components.training.packer import Packer
from components.training.planner import Mixture, Planner
from components.weights.tokenizer import train_tokenizer
from model.image_transform import ImageTransform
from tests.benchmarks.figures import Figure, within
from tests.benchmarks.memory import peak_bytes

SAMPLES = 20_000
WASTE_PERCENT = 0.2
SIZES = (10_000, 100_000, 1_000_000)
SEQUENCES = 500
ROOM = 32_768
PLANNED_SECONDS = 0.01
"""A sequence that trains for seconds is planned in less than this."""
MEGABYTES = 150
"""Of a million samples, beyond what the process holds without them: an order of 8 bytes each, and the columns."""


class Budget(NamedTuple):
    """Tokens of a sequence as published: it is full from the first on, never over the second, a sample never over the third."""

    expected: int
    most: int
    sample: int


BUDGETS = {"default": Budget(32_768, 36_864, 16_384), "finetune": Budget(10_240, 11_520, 10_240)}
"""Of BAGEL's defaults and of its recipe for fine-tuning."""
BUFFER = 50
PREFER_BUFFER = 16_384


def lengths(count: int, most: int) -> list[int]:
    """Texts, questions about an image of up to 980 pixels, drawings of up to 1024, edits; none over `most` tokens."""
    draw = np.random.default_rng(0)
    kind = draw.choice(4, count, p=[0.1, 0.6, 0.15, 0.15])
    text = 4 + draw.lognormal(4.5, 0.8, count).astype(int)
    vit = (draw.integers(224, 981, count) // 14) * (draw.integers(224, 981, count) // 14) + 2
    latent = (draw.integers(256, 1025, count) // 16) * (draw.integers(256, 1025, count) // 16) + 2
    found = np.choose(kind, [4 * text, vit + text, latent + text, 2 * latent + vit + text])
    return np.minimum(found, most).tolist()


def packed() -> Iterator[Figure]:
    """The share of the room that stays empty. The published rule also throws samples away."""
    for name, budget in BUDGETS.items():
        found = lengths(SAMPLES, budget.sample)
        ours, left = full(found, budget.most)
        by_rule, lost = published(found, budget)
        padded = 100 * (1 - sum(found) / (len(found) * max(found)))
        first_in = waste(next_fit(found, budget.most), budget.most)
        rule = waste(by_rule, budget.most)
        mine = waste(ours, budget.most)
        yield within(
            f"training.packing_waste_{name}",
            mine,
            "% of the room",
            WASTE_PERCENT,
            is_right=sorted([*left, *(length for group in ours for length in group)]) == sorted(found),
            note=f"padding {padded:.1f}, next-fit {first_in:.2f}, the published rule {rule:.2f} with {lost} of "
            f"{len(found)} samples lost; ours lost none",
        )


def full(found: Sequence[int], room: int) -> tuple[list[list[int]], list[int]]:
    """Ours: the groups, and what still waits at the end."""
    packer, groups = Packer[int](room), []
    for number, length in enumerate(found):
        packer.add(number, length)
        while not packer.wants_more:
            groups.append([found[taken] for taken in packer.take()])
    return groups, [length for _, length in packer.waiting]


def next_fit(found: Sequence[int], room: int) -> list[list[int]]:
    """In the order they come; the last, unfinished one is left out."""
    groups: list[list[int]] = [[]]
    for length in found:
        if sum(groups[-1]) + length > room:
            groups.append([])
        groups[-1].append(length)
    return groups[:-1]


def published(found: Sequence[int], budget: Budget) -> tuple[list[list[int]], int]:
    """BAGEL's rule, groups and lost samples: what does not fit waits in a buffer of 50, or the batch is given away and the
    sample thrown away; the buffer is asked first while a batch is below 16 384 tokens."""
    groups, open_, buffer, lost = [], list[int](), list[int](), 0
    rest = iter(found)
    while True:
        fresh = not (buffer and sum(open_) < PREFER_BUFFER)
        length = next(rest, None) if fresh else buffer.pop(0)
        if length is None:
            return groups, lost
        if sum(open_) + length > budget.most:
            if fresh and len(buffer) < BUFFER:
                buffer.append(length)
            else:
                groups.append(open_)
                open_, lost = [], lost + 1
            continue
        open_.append(length)
        if sum(open_) >= budget.expected:
            groups.append(open_)
            open_ = []


def waste(groups: Sequence[Sequence[int]], room: int) -> float:
    """Percent of the room that stays empty."""
    return 100 * (1 - sum(map(sum, groups)) / (len(groups) * room))


def planned(folder: Path) -> Iterator[Figure]:
    """Seconds a sequence, the first pass's order included, and memory beyond that of a process without samples."""
    columns(1000).save(folder / "few")
    without = _planned(folder / "few")["bytes"]
    for count in SIZES:
        columns(count).save(folder / str(count))
        said = _planned(folder / str(count))
        name = f"{count // 1000}k" if count < 1_000_000 else "1M"
        yield within(
            f"training.planning_{name}",
            said["seconds"] / SEQUENCES,
            "s a sequence",
            PLANNED_SECONDS,
            note=f"opened in {said['opened']:.2f} s",
        )
        megabytes = max(0.0, (said["bytes"] - without) / 1e6)
        yield within(f"training.planning_memory_{name}", megabytes, "MB", MEGABYTES)


def columns(count: int) -> Lengths:
    """So many samples of twelve streams, a third with two conditions."""
    draw = np.random.default_rng(1)
    conditions = np.where(np.arange(count) % 3 == 0, 2, 0)
    start = np.concatenate([[0], np.cumsum(conditions)])
    groups = ("text", "t2i", "i2t", "interleaved")
    return Lengths(
        streams=tuple(Stream(groups[n % 4], f"source-{n}") for n in range(12)),
        stream=draw.integers(0, 12, count).astype(np.uint16),
        key=draw.integers(0, 2**63, count).astype(np.uint64),
        kept=np.array(lengths(count, 16_384), np.int32),
        start=start,
        kind=np.zeros(start[-1], np.uint8),
        piece=np.zeros(start[-1], np.uint16),
        tokens=np.full(start[-1], 40, np.int32),
    )


def plan(folder: Path) -> dict[str, float]:
    """What opening the columns and planning SEQUENCES sequences took."""
    begun = time.perf_counter()
    samples = Lengths.map(folder)
    assert samples is not None
    opened = time.perf_counter() - begun
    mixture = Mixture(groups={"text": 0.1, "t2i": 0.2, "i2t": 0.5, "interleaved": 0.2}, source_power={"i2t": 1.0})
    planner = Planner(samples, mixture, seed="bench", room=ROOM, length_of=_length_of(samples))
    begun = time.perf_counter()
    planner.take(SEQUENCES)
    return {"opened": opened, "seconds": time.perf_counter() - begun, "bytes": peak_bytes()}


def _length_of(samples: Lengths) -> Callable[..., int]:
    transform = ImageTransform(1024, 256, 16)
    layout = Layout(
        tokenizer=train_tokenizer(["a report"], vocabulary=300),
        vit=transform,
        vae=transform,
        vit_patch=16,
        latent_stride=16,
        dropout=ConditionDropout(text=0.3, vit=0.3, vae=0.05),
        noised_copies=1,
        seed="bench",
    )
    return lambda visit: samples.of(visit, layout)


def _planned(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.training_plan", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ, timeout=600)
    return json.loads(done.stdout)


if __name__ == "__main__":
    print(json.dumps(plan(Path(sys.argv[1]))))
