"""Where a run's seconds went: its spans as shares of the wall time, which they add up to."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from components.storage.spans import Kind, Span, taken

SAID: dict[Kind, str] = {
    "work": "the stages' own work",
    "imports": "starting Python, imports",
    "dvc": "DVC",
    "prefect": "Prefect",
    "mlflow": "MLflow and the registry",
    "waiting": "waiting for Prefect's server",
    "looking": "looking what there is to do",
    "rest": "the rest",
}


def spent(begin: float, end: float) -> dict[Kind, float]:
    """Kind -> seconds of this process and of the stages that it waited for, from `begin` to `end` of the monotonic clock."""
    return shares(taken(), begin, end)


def shares(spans: Iterable[Span], begin: float, end: float) -> dict[Kind, float]:
    """Kind -> seconds, adding up to end - begin.

    Of spans of one lane the one that began last holds an instant. Lanes that run side by side have equal parts of it; the
    empty lane has those in which no other runs, and what no span holds is the rest.
    """
    cut = [Span(s.kind, max(s.begin, begin), min(s.end, end), s.lane) for s in spans]
    cut = [span for span in cut if span.begin < span.end]
    found = dict.fromkeys(SAID, 0.0)
    edges = sorted({begin, end, *(s.begin for s in cut), *(s.end for s in cut)})
    opening, closing = defaultdict[float, list[Span]](list), defaultdict[float, list[Span]](list)
    for span in cut:
        opening[span.begin].append(span)
        closing[span.end].append(span)
    live: set[Span] = set()
    for at, until in pairwise(edges):
        live = live.difference(closing[at]).union(opening[at])
        holders = _innermost(live)
        for kind in holders:
            found[kind] += (until - at) / len(holders)
    return found


def _innermost(live: Iterable[Span]) -> list[Kind]:
    """What each lane does that runs now."""
    lanes: dict[str, Span] = {}
    for span in live:
        known = lanes.get(span.lane)
        if known is None or (span.begin, -span.end) > (known.begin, -known.end):
            lanes[span.lane] = span
    aside: list[Kind] = [span.kind for lane, span in lanes.items() if lane]
    own: list[Kind] = [lanes[""].kind] if "" in lanes else ["rest"]
    return aside or own
