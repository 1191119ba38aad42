"""Which of two checkpoints is better: paired item by item, with intervals over clusters."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.evaluation.answers import SCORER
from components.evaluation.captions import FACT_SCORERS
from components.evaluation.edit_names import metric_name
from components.evaluation.images import PSNR_SCORER
from components.evaluation.predictions import PLAIN
from components.evaluation.scores import Score, read_scores
from components.evaluation.statistics import (
    cluster_bootstrap,
    mcnemar,
    sign_flip_p,
    smallest_detectable,
)
from components.recipes.evaluation import EvaluationSettings
from components.storage.keys import seed_of

POOL = "vqa/pool/accuracy"
PERMUTATIONS = 9_999


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Second less first on the same items: accuracies as shares, PSNR in dB."""

    name: str
    n: int
    clusters: int
    cluster: str
    first: float
    second: float
    estimate: float
    low: float
    high: float
    p_value: float
    """Two-sided: the sign of each cluster's difference flipped at random."""
    mcnemar_p: float | None
    """Exact, for 0/1 items, without regard to clusters."""
    discordant: float | None
    """Share of 0/1 items where exactly one of the two is right."""
    detectable: float | None
    """Smallest difference that so many items show with 80 % power, without regard to clusters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The pool, and everything else beside it. `pool` is None where the recipe's pool has no items here."""

    pool: Difference | None
    groups: tuple[Difference, ...]
    """Each question type, form and split; captions; drawings; edits."""
    benchmark_id: str
    first_weights: str
    second_weights: str


def compare(
    first: Path, second: Path, settings: EvaluationSettings, *, cluster: Literal["patient", "image"] = "patient"
) -> Comparison:
    """Second (the challenger) less first (the champion), from two score files or the folders that hold them.

    Raises ValueError when they are of other benchmarks, decodings or items: such numbers are not comparable.
    """
    (one_protocol, one), (other_protocol, other) = read_scores(first), read_scores(second)
    for part in ("benchmark_id", "decoding"):
        if one_protocol.get(part) != other_protocol.get(part):
            raise ValueError(
                f"{first} and {second} are not comparable: their {part} differ "
                f"({one_protocol.get(part)!r} and {other_protocol.get(part)!r}); predict both on one benchmark"
            )
    endpoints = _endpoints(one), _endpoints(other)
    differences = {
        name: difference(
            name, endpoints[0].get(name, ()), endpoints[1].get(name, ()), resamples=settings.resamples, cluster=cluster
        )
        for name in sorted({*endpoints[0], *endpoints[1]})
    }
    pooled = [f"vqa/{p.split}/{p.question_type}/{p.form}" for p in settings.pool]
    # A group with too few items is not in the pool, in a comparison as in an evaluation.
    members = [name for name in pooled if name in differences and differences[name].n >= settings.min_items]
    sides = [[score for name in members for score in side[name]] for side in endpoints]
    pool = difference(POOL, *sides, resamples=settings.resamples, cluster=cluster) if members else None
    return Comparison(
        pool=pool,
        groups=tuple(differences.values()),
        benchmark_id=str(one_protocol.get("benchmark_id", "")),
        first_weights=str(one_protocol.get("weights_sha256", "")),
        second_weights=str(other_protocol.get("weights_sha256", "")),
    )


def difference(
    name: str, first: Sequence[Score], second: Sequence[Score], *, resamples: int, cluster: str
) -> Difference:
    """The paired difference over equal items. Raises ValueError when an item is missing on either side."""
    one, other = ({score.item_id: score for score in side} for side in (first, second))
    if one.keys() != other.keys():
        missing = sorted(one.keys() ^ other.keys())
        raise ValueError(f"{name}: {len(missing)} items are on one side only, the first is {missing[0]}")
    order = sorted(one)
    a, b = ([side[item].number for item in order] for side in (one, other))
    values = [y - x for x, y in zip(a, b, strict=True)]
    clusters = [one[item].cluster if cluster == "patient" else one[item].record_id for item in order]
    seed = seed_of("compare", name, len(order))
    low, high = cluster_bootstrap(values, clusters, resamples=resamples, seed=seed)
    binary = all(score.value is None for score in one.values())
    discordant = sum(x != y for x, y in zip(a, b, strict=True)) / len(order) if binary else None
    return Difference(
        name=name,
        n=len(order),
        clusters=len(set(clusters)),
        cluster=cluster,
        first=sum(a) / len(a),
        second=sum(b) / len(b),
        estimate=sum(values) / len(values),
        low=low,
        high=high,
        p_value=sign_flip_p(values, clusters, resamples=PERMUTATIONS, seed=seed),
        mcnemar_p=mcnemar(a, b)[0] if binary else None,
        discordant=discordant,
        detectable=smallest_detectable(len(order), discordant) if discordant else None,
    )


def _endpoints(scores: Sequence[Score]) -> dict[str, list[Score]]:
    """Name -> the plain scores that are compared under it."""
    found: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        if score.variant != PLAIN:
            continue
        if score.scorer_id == SCORER:
            found[f"vqa/{score.split}/{score.question_type}/{score.answer_type}"].append(score)
        elif score.scorer_id == FACT_SCORERS["modality"]:
            found["caption/modality_accuracy"].append(score)
        elif score.scorer_id == PSNR_SCORER:
            found[f"{metric_name(score.question_type)}/{score.split}/psnr"].append(score)
        elif score.benchmark == "t2i":
            found["t2i/recognised"].append(score)
    return dict(found)
