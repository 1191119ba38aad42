"""The stage `evaluate`: scores, intervals, controls and report, from stored predictions alone.

`evaluate_tables` is the whole of it without a file written: the same predictions give the same evaluation again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.assembly.benchmark.delivered import TEXT
from components.assembly.dataset import Dataset
from components.context import StageContext
from components.evaluation.asked import Asked
from components.evaluation.caption_metrics import caption_metrics
from components.evaluation.captions import score_caption
from components.evaluation.copied import TrainingImages, nearest_to_drawings
from components.evaluation.drawing_metrics import (
    EditGroup,
    confusion,
    edit_groups,
    edit_metrics,
    edits_json,
    t2i_metrics,
)
from components.evaluation.drawing_scoring import REAL, score_edits, score_t2i
from components.evaluation.gain import NAME as GAIN
from components.evaluation.gain import measure_gain
from components.evaluation.judge_network import FACTS, Judge
from components.evaluation.mean_images import MeanImages
from components.evaluation.metrics import DIGITS, Meter, Metric
from components.evaluation.places import place_metrics, places_said
from components.evaluation.predictions import PLAIN, RECONSTRUCTION, PredictionHeader, read_predictions
from components.evaluation.report.page import write_report
from components.evaluation.scores import Score, write_scores
from components.evaluation.vqa_metrics import Pool, VqaGroup, vqa_groups, vqa_overall, vqa_pool
from components.evaluation.vqa_scoring import score_vqa
from components.recipes.recipe import Recipe
from components.records.benchmark import BenchmarkItem
from components.storage.atomic import read_json, write_json

SCHEMA = 1

NOT_RUN = {
    "fid, gfid, kid, clipscore": "their published feature extractors are not here; nothing else may carry their names",
    "bleu, meteor, cider": "captions are one or two template sentences; facts named and rougeL.google say more",
    "radgraph, radcliq, rate, green, chexbert": "their weights are not here, and no chest x-ray report is in the corpus",
    "paraphrases, option rotation, jpeg, noise, blur": "not part of this suite yet",
    "calibration, selective answering": "too few held-out subjects for a calibration split",
}
"""What a reader may look for and does not find, with the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """Everything that the stage writes, before it is written."""

    header: PredictionHeader
    recipe: str
    scores: tuple[Score, ...]
    groups: tuple[VqaGroup, ...]
    pool: Pool
    edits: tuple[EditGroup, ...]
    metrics: dict[str, Metric]
    judge: dict[str, Any]
    confusion: dict[str, dict[str, dict[str, int]]]
    """drawn, real, reconstruction -> asked modality -> seen modality -> count."""
    not_testable: tuple[dict[str, str], ...]
    """Questions that assembly could not ask of this corpus, with its reason."""

    def to_json(self) -> dict[str, Any]:
        """evaluation.json as plain values."""
        header = self.header
        return {
            "schema": SCHEMA,
            "dataset_id": header.dataset_id,
            "benchmark_id": header.benchmark_id,
            "benchmarks": dict(header.benchmarks),
            "weights_sha256": header.weights_sha256,
            "checkpoint": header.checkpoint,
            "recipe": self.recipe,
            "decoding": dict(header.decoding),
            "judge": self.judge,
            "pool": self.pool.to_json(),
            "groups": [
                {"name": g.name, "n": g.accuracy.n, "patients": g.patients, "gated": g.in_pool}
                | {"verdict": g.verdict, "why_not_gated": g.why_not_gated, "majority": round(g.majority, DIGITS)}
                for g in self.groups
            ],
            "edits": edits_json(self.edits),
            "confusion": self.confusion,
            "not_testable": list(self.not_testable),
            "not_run": NOT_RUN,
            "metrics": {key: metric.to_json() for key, metric in sorted(self.metrics.items())},
        }

    def flat(self) -> dict[str, float]:
        """metrics.json: key -> number; the pool's margin and image gain with their lower bounds besides."""
        flat = {key: round(metric.value, DIGITS) for key, metric in self.metrics.items()}
        for metric in self.pool.metrics:
            if metric.key in ("vqa/pool/margin", "vqa/pool/image_gain"):
                flat[f"{metric.key}_low"] = round(metric.low, DIGITS)
        return flat


def evaluate(ctx: StageContext) -> None:
    """Write evaluation/scores/, evaluation.json, metrics.json and report.html."""
    import torch

    torch.set_num_threads(ctx.recipe.compute.threads)
    folder = ctx.workspace.evaluation
    ctx.progress.update(0, 4, "scoring")
    found = evaluate_predictions(folder / "predictions", folder / "judge", ctx.workspace.dataset, ctx.recipe)
    ctx.raise_if_stopped()
    ctx.progress.update(2, 4, "writing")
    write_scores(folder / "scores", found.scores, protocol_of(found.header))
    write_json(folder / "evaluation.json", found.to_json())
    write_json(folder / "metrics.json", found.flat())
    data = Dataset(ctx.workspace.dataset)
    gain = measure_gain(ctx, Judge.load(folder / "judge"), data)
    if gain:
        write_json(folder / "scores" / GAIN, gain.to_json())
    ctx.progress.update(3, 4, "report")
    _, rows = read_predictions(folder / "predictions")
    items = {item.item_id: item for item in data.benchmark()}
    drawn = nearest_to_drawings(rows, items, data.images("train"))
    write_report(
        folder / "report.html", found, rows, items, lent=data.manifest.get("lent", ()), gain=gain, nearest=drawn
    )
    ctx.progress.update(4, 4, "done")


def evaluate_tables(predictions: Path, judge: Path, dataset: Path, recipe: Recipe) -> dict[str, Any]:
    """What evaluation.json must hold for these predictions."""
    return evaluate_predictions(predictions, judge, dataset, recipe).to_json()


def evaluate_predictions(predictions: Path, judge: Path, dataset: Path, recipe: Recipe) -> Evaluation:
    """The evaluation of the predictions on the data set's validation side that lie in the folder. Raises ValueError when
    they are of another data set."""
    data, looks = Dataset(dataset), Judge.load(judge)
    header, scores, rows = score_predictions(predictions, Asked.validation(data), looks, data)
    meter = Meter(header, recipe.evaluation.resamples)
    groups = vqa_groups(scores, recipe.evaluation, meter)
    pool = vqa_pool(groups, scores, recipe.evaluation, meter)
    edits = edit_groups(scores, meter)
    metrics = [
        *pool.metrics,
        *(metric for group in groups for metric in group.metrics()),
        *vqa_overall(scores, meter),
        *rates(rows, scores, meter),
        *caption_metrics(scores, meter),
        *t2i_metrics(scores, looks, meter),
        *place_metrics(scores, looks.places, meter),
        *edit_metrics(edits),
    ]
    facts: Any = read_json(judge / FACTS)
    tables = {"drawn": PLAIN, "real": REAL, "reconstruction": RECONSTRUCTION}
    return Evaluation(
        header=header,
        recipe=recipe.recipe,
        scores=scores,
        groups=tuple(groups),
        pool=pool,
        edits=tuple(edits),
        metrics={metric.key: metric for metric in metrics},
        judge={
            "sha256": looks.sha256,
            "classes": list(looks.classes),
            "heldout": facts.get("heldout", {}),
            "families": facts.get("families", {}),
            "known": sorted(looks.known),
            "places": places_said(judge),
        },
        confusion={name: confusion(scores, looks, variant) for name, variant in tables.items()},
        not_testable=tuple(data.manifest["benchmark"].get("not_testable", ())),
    )


def score_predictions(
    predictions: Path, asked: Asked, judge: Judge, data: Dataset
) -> tuple[PredictionHeader, tuple[Score, ...], list[dict[str, Any]]]:
    """(header, every score, rows) of the predictions in the folder. Raises ValueError when they are of other items or of
    another data set."""
    header, rows = read_predictions(predictions)
    for name in ("dataset_id", "benchmark_id"):
        if getattr(header, name) != getattr(asked, name):
            raise ValueError(
                f"{predictions} was predicted on {name} {getattr(header, name)}, but {getattr(asked, name)} is asked now; "
                "run the stage `predict` again"
            )
    items = {item.item_id: item for item in asked.items}
    check_complete(rows, items)
    facts = data.facts()
    sites = {identity: known["hospital"] for identity, known in facts.items() if known.get("hospital")}
    scores = score_rows(rows, items, judge, data, facts)
    return header, tuple(replace(score, site=sites.get(score.record_id, "")) for score in scores), rows


def check_complete(rows: Sequence[Mapping[str, Any]], items: Mapping[str, BenchmarkItem]) -> None:
    """Raises ValueError unless every item of the benchmark has exactly its plain prediction: no item is ever dropped."""
    plain = [row["item_id"] for row in rows if row["variant"] == PLAIN]
    missing, extra = sorted(set(items) - set(plain)), sorted(set(plain) - set(items))
    if missing or extra or len(plain) != len(set(plain)):
        named = ", ".join((missing or extra)[:3])
        raise ValueError(
            f"predictions and benchmark differ: {len(missing)} items without a prediction, {len(extra)} predictions "
            f"without an item ({named}); run the stage `predict` again"
        )


def score_rows(
    rows: Sequence[Mapping[str, Any]],
    items: Mapping[str, BenchmarkItem],
    judge: Judge,
    data: Dataset,
    facts: Mapping[str, Mapping[str, str]],
) -> Iterator[Score]:
    """Every score of every prediction; `facts` are those of the data set's records."""
    for row in rows:
        if row["benchmark"] in ("vqa", TEXT):
            yield from score_vqa(row)
        elif row["benchmark"] == "caption":
            yield from score_caption(row)
    drawn = [row for row in rows if row["benchmark"] == "t2i"]
    if drawn:
        yield from score_t2i(drawn, items, judge, facts)
        yield from TrainingImages.of(data.images("train")).score(drawn)
    edited = [row for row in rows if row["answer_type"] == "image" and row["benchmark"] != "t2i"]
    if edited:
        yield from score_edits(edited, items, MeanImages.of(data.images("train")), facts)


def rates(rows: Sequence[Mapping[str, Any]], scores: Sequence[Score], meter: Meter) -> list[Metric]:
    """Share of empty answers and of answers cut by the token limit, for questions and for captions."""
    metrics = []
    for benchmark in ("vqa", "caption"):
        plain = {row["item_id"]: row for row in rows if row["benchmark"] == benchmark and row["variant"] == PLAIN}
        one_each = {s.item_id: s for s in scores if s.item_id in plain and s.variant == PLAIN}
        if not plain:
            continue
        chosen = [one_each[name] for name in sorted(plain)]
        tests = {
            "empty_rate": lambda row: not (row["response_raw"] or "").strip(),
            "truncated_rate": lambda row: row["finish_reason"] == "length",
        }
        for name, test in tests.items():
            values = [float(test(plain[score.item_id])) for score in chosen]
            why = "a rate, shown in red above 2 %"
            metrics.append(
                meter.mean(f"{benchmark}/{name}", chosen, values=values, scorer=f"{name}@1", why_not_gated=why)
            )
    return metrics


def protocol_of(header: PredictionHeader) -> dict[str, Any]:
    """What two score files must share to be compared, and whose they are."""
    return {
        "dataset_id": header.dataset_id,
        "benchmark_id": header.benchmark_id,
        "benchmarks": dict(header.benchmarks),
        "decoding": dict(header.decoding),
        "weights_sha256": header.weights_sha256,
    }
