"""What a delivery looks like in numbers: per record for the suites, per source for comparison with the accepted one."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.images.png import decode_png
from components.images.windows import is_colour
from components.records.record import Record
from components.validation.vocabulary import FREE_FACTS, LIST_FACTS


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageStatistics:
    """Of one decoded image."""

    width: int
    height: int
    minimum: int
    maximum: int
    mean: float
    deviation: float
    colour: bool
    """Clearly, in at least one pixel of a hundred."""
    grey: bool
    """Without any colour; a pale stain is neither."""


def image_statistics(png: bytes) -> ImageStatistics:
    """Size, range, mean and standard deviation (of the channel that varies most) of a stored image. Raises ImageError when it cannot be decoded."""
    image = decode_png(png)
    height, width = image.shape[:2]
    counts = np.array(Image.fromarray(image).histogram()).reshape(-1, 256)  # of each grey level, a channel a row
    seen = np.flatnonzero(counts.any(axis=0))
    # Whole numbers up to the last step, so that every machine finds the same.
    sums, squares = counts @ _LEVELS, counts @ _LEVELS**2
    return ImageStatistics(
        width=width,
        height=height,
        minimum=int(seen[0]),
        maximum=int(seen[-1]),
        mean=int(sums.sum()) / (len(counts) * width * height),
        deviation=math.sqrt(max(width * height * int(q) - int(s) ** 2 for s, q in zip(sums, squares, strict=True)))
        / (width * height),
        colour=is_colour(image),
        grey=image.ndim == 2,
    )


_LEVELS = np.arange(256, dtype=np.int64)


NO_IMAGE = ImageStatistics(width=0, height=0, minimum=0, maximum=0, mean=0.0, deviation=0.0, colour=False, grey=True)
"""Of a record of text alone."""


def profile(records: Sequence[tuple[Record, ImageStatistics]]) -> dict[str, object]:
    """Counts of each vocabulary column and quantiles of each image number, over the kept records."""
    numbers = {
        name: [float(getattr(statistics, name)) for _, statistics in records if statistics.width]
        for name in ("width", "height", "mean", "deviation")
    }
    facts: dict[str, Counter[str]] = {}
    for record, _ in records:
        for name, value in record.facts.items():
            values = value.split(";") if name in LIST_FACTS else ["given"] if name in FREE_FACTS else [value]
            facts.setdefault(name, Counter()).update(v for v in values if v)
    return {
        "records": len(records),
        "subjects": len({record.subject for record, _ in records}),
        "modality": _counts(record.modality.value for record, _ in records),
        "anatomy": _counts(record.anatomy for record, _ in records),
        "facts": {name: dict(sorted(counter.items())) for name, counter in sorted(facts.items())},
        "targets": _counts(name for record, _ in records for name in record.targets),
        "turns": _counts(turn.kind.value for record, _ in records for turn in record.turns),
        "images": {name: _quantiles(values) for name, values in numbers.items()},
    }


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _quantiles(values: list[float]) -> list[float]:
    """Minimum, every twentieth, maximum; the middle one is the median."""
    return [round(float(q), 3) for q in np.quantile(values, np.linspace(0, 1, 21))] if values else []
