"""How far a delivery is from the accepted one: one distance in [0, 1] a column, the same for words and for numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from components.validation.profile import SINCE, VERSION


def distances(current: Mapping[str, Any], accepted: Mapping[str, Any]) -> dict[str, float]:
    """Column -> distance between two profiles, largest first; empty when nothing was accepted yet, and without the columns
    that tell one release from another (`not_compared`).

    Words (modality, anatomy, each fact): total variation. Numbers of images: the largest gap between the two
    cumulative distributions (Kolmogorov-Smirnov), read off their stored quantiles. `records`: the share by which the
    counts differ, relative to the larger.
    """
    if not accepted:
        return {}
    found = {"records": _relative(int(current["records"]), int(accepted["records"]))}
    for column in ("modality", "anatomy"):
        found[column] = _total_variation(current[column], accepted[column])
    for fact in sorted({*current["facts"], *accepted["facts"]}):
        found[f"facts.{fact}"] = _total_variation(current["facts"].get(fact, {}), accepted["facts"].get(fact, {}))
    for name in sorted({*current["images"], *accepted["images"]}):
        found[f"images.{name}"] = _largest_gap(current["images"].get(name, []), accepted["images"].get(name, []))
    for column in not_compared(current, accepted):
        found.pop(column, None)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def not_compared(current: Mapping[str, Any], accepted: Mapping[str, Any]) -> list[str]:
    """Columns in which an older release differs from this one by itself: filled otherwise since, or filled by one of them
    alone. Empty where the accepted profile is of this release, or none was accepted."""
    version = int(accepted.get("version", 1)) if accepted else VERSION
    if version >= VERSION:
        return []
    alone = {*current["facts"]} ^ {*accepted["facts"]}
    changed = {column for column, since in SINCE.items() if since > version}
    return sorted(changed | {f"facts.{fact}" for fact in alone})


def sentences(far: Mapping[str, float], current: Mapping[str, Any], accepted: Mapping[str, Any]) -> list[str]:
    """What each distance that is too large means, in words."""
    return [
        f"{column} {_told(column, current)}, accepted {_told(column, accepted)} ({far[column]:.2f})" for column in far
    ]


def _told(column: str, profile: Mapping[str, Any]) -> str:
    value: Any = profile
    for part in column.split("."):
        value = value.get(part, {})
    if isinstance(value, Mapping):
        most = sorted(value.items(), key=lambda item: (-item[1], item[0]))[:3]
        return ", ".join(f"{word} {count}" for word, count in most) or "none"
    if isinstance(value, list):
        return f"median {value[len(value) // 2]:g}" if value else "none"
    return str(value)


def _relative(now: int, before: int) -> float:
    return round(abs(now - before) / max(now, before, 1), 4)


def _total_variation(now: Mapping[str, int], before: Mapping[str, int]) -> float:
    if not now or not before:
        return float(bool(now) != bool(before))
    total_now, total_before = sum(now.values()), sum(before.values())
    gaps = (abs(now.get(word, 0) / total_now - before.get(word, 0) / total_before) for word in {*now, *before})
    return round(sum(gaps) / 2, 4)


def _largest_gap(now: list[float], before: list[float]) -> float:
    if not now or not before:
        return float(bool(now) != bool(before))
    points = np.unique([*now, *before])
    return round(float(np.abs(_cumulative(now, points) - _cumulative(before, points)).max()), 4)


def _cumulative(quantiles: list[float], points: np.ndarray) -> np.ndarray:
    """Share of values at or below each point, between the stored quantiles linearly."""
    shares = np.linspace(0, 1, len(quantiles))
    last = dict(zip(quantiles, shares, strict=True))  # a value that many records share ends at its last share
    values = sorted(last)
    return np.interp(points, values, [last[value] for value in values], left=0.0, right=1.0)
