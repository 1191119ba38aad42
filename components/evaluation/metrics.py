"""A metric: a number with its n, interval, cluster, controls and the four-part protocol that makes it comparable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from components.evaluation.predictions import PredictionHeader
from components.evaluation.scores import Score
from components.evaluation.statistics import mean_interval
from components.storage.keys import seed_of

DIGITS = 6
"""Decimals of stored numbers: enough for every reader, too few for a processor's rounding to show."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One number of the evaluation. Keys are plain: a-z 0-9 _ - /."""

    key: str
    value: float
    n: int
    low: float
    high: float
    method: str
    cluster: str
    """What is resampled: patient, image, or patient and image where splits are mixed."""
    clusters: int
    protocol: str
    control: Mapping[str, float] = field(default_factory=dict)
    gated: bool = False
    """Whether it is of the pool. Named when the gate read the pool; it reads the exam now."""
    why_not_gated: str = ""

    def to_json(self) -> dict[str, Any]:
        """The metric as evaluation.json holds it."""
        return {
            "value": round(self.value, DIGITS),
            "n": self.n,
            "low": round(self.low, DIGITS),
            "high": round(self.high, DIGITS),
            "interval": self.method,
            "cluster": self.cluster,
            "clusters": self.clusters,
            "protocol": self.protocol,
            "control": {name: round(value, DIGITS) for name, value in sorted(self.control.items())},
            "gated": self.gated,
            "why_not_gated": self.why_not_gated,
        }


@dataclass(frozen=True, slots=True)
class Meter:
    """Makes metrics of one evaluation: the same resamples, seeded by the benchmark's hash, and the same protocol."""

    header: PredictionHeader
    resamples: int

    def mean(
        self, key: str, scores: Sequence[Score], *, values: Sequence[float] | None = None, scorer: str = "", **more: Any
    ) -> Metric:
        """The mean of the scores' numbers, or of `values` in their place (differences, say), with its interval."""
        numbers = [score.number for score in scores] if values is None else list(values)
        clusters, cluster = clusters_of(scores)
        proportion = values is None and all(score.value is None for score in scores)
        interval = mean_interval(
            numbers, clusters, resamples=self.resamples, seed=self._seed(key), proportion=proportion
        )
        return Metric(
            key=key,
            value=sum(numbers) / len(numbers),
            n=len(numbers),
            low=interval.low,
            high=interval.high,
            method=interval.method,
            cluster=cluster,
            clusters=len(set(clusters)),
            protocol=self.protocol(scores, scorer),
            **more,
        )

    def protocol(self, scores: Sequence[Score], scorer: str = "") -> str:
        """`benchmark/split@sha · scorer · decoding`: equal protocols, comparable numbers. Prompts are in the sha."""
        names = sorted({f"{score.benchmark}/{score.split}" for score in scores})
        items = "+".join(f"{name}@{self.header.benchmarks.get(name, 'unknown')[:16]}" for name in names)
        kinds = sorted({score.benchmark if score.benchmark in self.header.decoding else "edit" for score in scores})
        decoding = "; ".join(self.header.decoding.get(kind, "unknown") for kind in kinds)
        return f"{items} · {scorer or '+'.join(sorted({score.scorer_id for score in scores}))} · {decoding}"

    def _seed(self, key: str) -> int:
        return seed_of("interval", key, *(f"{k}={v}" for k, v in sorted(self.header.benchmarks.items())))


def clusters_of(scores: Sequence[Score]) -> tuple[list[str], str]:
    """(cluster of each score, what a cluster is). One patient alone says nothing of others: then it is the image."""
    within = {score.is_within for score in scores}
    patients = {score.patient_key for score in scores if not score.is_within}
    if within == {True}:
        return [score.record_id for score in scores], "image"
    if within == {False} and len(patients) == 1:
        return [score.record_id for score in scores], "image (one subject)"
    named = "patient" if within == {False} else "patient; image within a subject"
    return [score.cluster for score in scores], named


def gate(metric: Metric) -> Metric:
    """The metric as one of the pool."""
    return replace(metric, gated=True, why_not_gated="")


def one_per_item(scores: Sequence[Score]) -> dict[str, Score]:
    """Item id -> score; raises ValueError when an item has two."""
    found: dict[str, Score] = {}
    for score in scores:
        if score.item_id in found:
            raise ValueError(f"item {score.item_id} has two scores of {score.scorer_id} in variant {score.variant}")
        found[score.item_id] = score
    return found
