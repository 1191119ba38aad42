"""Drawings in numbers: recognised as the asked modality; edits against the image they should be and three baselines."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.evaluation.drawing_scoring import BICUBIC, COPY, MEAN_IMAGE, REAL
from components.evaluation.edit_names import metric_name
from components.evaluation.images import DICE_SCORER, PSNR_SCORER, SSIM_SCORER
from components.evaluation.judge_network import Judge, family_of
from components.evaluation.metrics import DIGITS, Meter, Metric, one_per_item
from components.evaluation.predictions import ONE_STEP, PLAIN, RECONSTRUCTION
from components.evaluation.scores import Score
from components.records.vocabulary import WITHIN

_WHY_T2I = "drawings are judged by a trained classifier; reported beside the pool"
_WHY_EDIT = "edits are reported beside the pool"
_SUFFIX = {
    PLAIN: "",
    ONE_STEP: "_one_step",
    MEAN_IMAGE: "_mean_image",
    COPY: "_copy",
    BICUBIC: "_bicubic",
    RECONSTRUCTION: "_ceiling",
}
_MEASURES = {PSNR_SCORER: "psnr", SSIM_SCORER: "ssim", DICE_SCORER: "dice"}


@dataclass(frozen=True, kw_only=True, slots=True)
class EditGroup:
    """One editing task on one split: its metrics by measure and decoding, and what it gains over the mean image."""

    name: str
    """As in metric keys: sr, translation-grey-matter, organ-map, staining."""
    split: str
    n: int
    patients: int
    values: dict[str, Metric]
    """psnr, psnr_one_step, psnr_mean_image, psnr_copy, psnr_bicubic, psnr_ceiling, ssim…, dice…, gain_over_mean_image."""


def t2i_metrics(scores: Sequence[Score], judge: Judge, meter: Meter) -> list[Metric]:
    """Share of drawings, real images and reconstructions in which the judge sees the asked modality, with chance."""
    seen = [score for score in scores if score.benchmark == "t2i" and score.scorer_id == judge.scorer]
    plain = [score for score in seen if score.variant == PLAIN]
    if not plain:
        return []
    asked = Counter(score.modality for score in plain)
    chance = 1 / len(judge.classes)
    control = {"chance": chance, "most_common": max(asked.values()) / len(plain)}
    metrics = []
    for variant, name in (
        (PLAIN, "recognised"),
        (REAL, "recognised_real"),
        (RECONSTRUCTION, "recognised_reconstruction"),
    ):
        of_variant = [score for score in seen if score.variant == variant]
        if of_variant:
            metrics.append(meter.mean(f"t2i/{name}", of_variant, control=control, why_not_gated=_WHY_T2I))
    known = [score for score in plain if family_of(score.modality, score.anatomy) in judge.known]
    if known:
        why = "drawings of the families whose real images the judge knows; reported beside the pool"
        metrics.append(meter.mean("t2i/recognised_known", known, control=control, why_not_gated=why))
    by_modality: dict[str, list[Score]] = defaultdict(list)
    for score in plain:
        by_modality[score.modality].append(score)
    values = [score.number * len(plain) / (len(asked) * asked[score.modality]) for score in plain]
    metrics.append(meter.mean("t2i/recognised_macro", plain, values=values, control=control, why_not_gated=_WHY_T2I))
    for modality, found in sorted(by_modality.items()):
        key = f"t2i/{modality.lower().replace(' ', '-')}/recognised"
        metrics.append(meter.mean(key, found, why_not_gated="one modality of t2i/recognised"))
    exact = {"low": chance, "high": chance, "method": "exact", "cluster": "none", "clusters": 0}
    metrics.append(replace(metrics[0], key="t2i/chance", value=chance, control={}, **exact))
    return metrics


def confusion(scores: Sequence[Score], judge: Judge, variant: str) -> dict[str, dict[str, int]]:
    """Asked modality -> seen modality -> count."""
    table: dict[str, dict[str, int]] = {}
    for score in scores:
        if score.benchmark == "t2i" and score.scorer_id == judge.scorer and score.variant == variant:
            row = table.setdefault(score.modality, {})
            row[score.parsed or "none"] = row.get(score.parsed or "none", 0) + 1
    return {name: dict(sorted(row.items())) for name, row in sorted(table.items())}


def edit_groups(scores: Sequence[Score], meter: Meter) -> list[EditGroup]:
    """Every editing task and split, in order of name."""
    by_group: dict[tuple[str, str], list[Score]] = defaultdict(list)
    for score in scores:
        if score.scorer_id in _MEASURES:
            by_group[metric_name(score.question_type), score.split].append(score)
    return [_edit_group(name, split, found, meter) for (name, split), found in sorted(by_group.items())]


def edit_metrics(groups: Sequence[EditGroup]) -> list[Metric]:
    """`sr/test/psnr` for each split, and `sr/psnr` for the headline split: patients never seen where there are any."""
    metrics = []
    for group in groups:
        metrics += [replace(m, key=f"{group.name}/{group.split}/{name}") for name, m in group.values.items()]
        if group.split == headline_split(groups, group.name):
            metrics += [replace(metric, key=f"{group.name}/{name}") for name, metric in group.values.items()]
    return metrics


def headline_split(groups: Sequence[EditGroup], name: str) -> str:
    """Whole patients where the task is asked of them, else slices within a subject."""
    splits = sorted(group.split for group in groups if group.name == name)
    return next((split for split in splits if split not in WITHIN), splits[0])


def _edit_group(name: str, split: str, scores: Sequence[Score], meter: Meter) -> EditGroup:
    values: dict[str, Metric] = {}
    plain: list[Score] = []
    for scorer, measure in _MEASURES.items():
        for variant, suffix in _SUFFIX.items():
            chosen = [score for score in scores if score.scorer_id == scorer and score.variant == variant]
            if chosen:
                key = f"{measure}{suffix}"
                values[key] = meter.mean(f"{name}/{split}/{key}", chosen, why_not_gated=_WHY_EDIT)
        if scorer == PSNR_SCORER:
            plain = [score for score in scores if score.scorer_id == scorer and score.variant == PLAIN]
    for variant, suffix in ((PLAIN, ""), (ONE_STEP, "_one_step")):
        gain = _gain(f"gain_over_mean_image{suffix}", name, split, scores, variant, meter)
        if gain is not None:
            values[f"gain_over_mean_image{suffix}"] = gain
    return EditGroup(
        name=name, split=split, n=len(plain), patients=len({score.patient_key for score in plain}), values=values
    )


def _gain(key: str, name: str, split: str, scores: Sequence[Score], variant: str, meter: Meter) -> Metric | None:
    """PSNR less the mean image's, image by image, in dB."""
    drawn = [score for score in scores if score.scorer_id == PSNR_SCORER and score.variant == variant]
    means = one_per_item([s for s in scores if s.scorer_id == PSNR_SCORER and s.variant == MEAN_IMAGE])
    paired = [score for score in drawn if score.item_id in means]
    if not paired:
        return None
    values = [score.number - means[score.item_id].number for score in paired]
    return meter.mean(f"{name}/{split}/{key}", paired, values=values, why_not_gated=_WHY_EDIT)


def edits_json(groups: Sequence[EditGroup]) -> list[dict[str, Any]]:
    """The groups as evaluation.json lists them."""
    return [
        {"name": g.name, "split": g.split, "n": g.n, "patients": g.patients}
        | {"values": {name: round(metric.value, DIGITS) for name, metric in sorted(g.values.items())}}
        for g in groups
    ]
