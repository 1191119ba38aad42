"""What a delivery looks like in numbers: per record for the suites, per source for drift against the accepted one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.images.png import decode_png
from components.images.windows import is_colour
from components.records.record import Record


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


def image_statistics(png: bytes) -> ImageStatistics:
    """Size, range, mean and standard deviation of a stored image. Raises ImageError when it cannot be decoded."""
    image = decode_png(png)
    return ImageStatistics(
        width=image.shape[1],
        height=image.shape[0],
        minimum=int(image.min()),
        maximum=int(image.max()),
        mean=float(image.mean(dtype=np.float64)),
        deviation=float(image.std(dtype=np.float64)),
        colour=is_colour(image),
    )


def profile(records: Sequence[tuple[Record, ImageStatistics]]) -> dict[str, object]:
    """Counts of each vocabulary column and quartiles of each image number, over the kept records."""
    numbers = {
        name: [float(getattr(statistics, name)) for _, statistics in records]
        for name in ("width", "height", "mean", "deviation")
    }
    facts: dict[str, Counter[str]] = {}
    for record, _ in records:
        for name, value in record.facts.items():
            values = value.split(";") if name == "organs" else [value]
            facts.setdefault(name, Counter()).update(v for v in values if v)
    return {
        "records": len(records),
        "subjects": len({record.subject for record, _ in records}),
        "modality": _counts(record.modality.value for record, _ in records),
        "anatomy": _counts(record.anatomy for record, _ in records),
        "facts": {name: dict(sorted(counter.items())) for name, counter in sorted(facts.items())},
        "targets": _counts(name for record, _ in records for name in record.targets),
        "images": {name: _quartiles(values) for name, values in numbers.items()},
    }


def drift(current: Mapping[str, object], accepted: Mapping[str, object]) -> list[str]:
    """Sentences on what changed against the accepted profile by more than a delivery should; none for an empty one."""
    if not accepted:
        return []
    found = []
    before, now = int(accepted["records"]), int(current["records"])  # type: ignore[call-overload]
    if before and abs(now - before) > before / 2:
        found.append(f"{now} records, the accepted delivery had {before}")
    for name in ("modality", "anatomy"):
        known, seen = accepted[name], current[name]
        assert isinstance(known, Mapping) and isinstance(seen, Mapping)
        if gone := sorted(set(known) - set(seen)):
            found.append(f"{name} {', '.join(gone)} is gone")
    images, old_images = current["images"], accepted["images"]
    assert isinstance(images, Mapping) and isinstance(old_images, Mapping)
    for name in ("mean", "deviation"):
        if images[name] and old_images[name]:
            middle, (low, _, high) = images[name][1], old_images[name]
            spread = max(high - low, 10.0)
            if not low - spread <= middle <= high + spread:
                found.append(f"the images' median {name} is {middle:.1f}, accepted were {low:.1f} to {high:.1f}")
    return found


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _quartiles(values: list[float]) -> list[float]:
    return [round(float(q), 3) for q in np.percentile(values, (25, 50, 75))] if values else []
