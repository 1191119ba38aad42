"""Scores of drawings: what the judge sees in them, and how near edits are to the image they should be."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from components.evaluation.images import (
    DICE_SCORER,
    PSNR_SCORER,
    SSIM_SCORER,
    Rgb,
    decode,
    overlap,
    palette_masks,
    psnr,
    ssim,
)
from components.evaluation.judge_network import Judge
from components.evaluation.mean_images import MeanImages
from components.evaluation.places import REAL_VARIANT, score_places
from components.evaluation.predictions import PLAIN
from components.evaluation.scores import Score, score_of
from components.images.resize import degrade
from components.records.benchmark import BenchmarkItem

REAL, MEAN_IMAGE, COPY, BICUBIC = REAL_VARIANT, "control:mean-image", "control:copy", "control:bicubic"
"""Variants that evaluation adds: the real image itself, the mean training target, the condition unchanged, and the
condition at a quarter of its size enlarged again (of super-resolution: the condition, which is just that)."""

BICUBIC_FACTOR = 4

MAPS, SUPER_RESOLUTION, BACKGROUND = ("organ_map", "segmentation"), "sr", "#000000"


def score_t2i(
    rows: Sequence[Mapping[str, Any]],
    items: Mapping[str, BenchmarkItem],
    judge: Judge,
    facts: Mapping[str, Mapping[str, str]],
) -> Iterator[Score]:
    """What the judge sees in drawings, in the real images of the same items, and in their reconstructions; of slices region
    and plane too. `facts` are those of the items' records."""
    looked: list[tuple[Mapping[str, Any], str, Rgb]] = []
    for row in rows:
        looked.append((row, row["variant"], decode(row["response_image"])))
        if row["variant"] == PLAIN:
            reference = items[row["item_id"]].reference_image
            if reference is not None:
                looked.append((row, REAL, decode(reference)))
    verdicts = judge.name([pixels for _, _, pixels in looked])
    for (row, variant, _), seen in zip(looked, verdicts, strict=True):
        yield score_of(row, judge.scorer, variant=variant, parsed=seen, correct=int(seen == row["modality"]))
    if judge.places is not None:
        yield from score_places([one for one in looked if one[1] in (PLAIN, REAL)], judge.places, facts)


def score_edits(
    rows: Sequence[Mapping[str, Any]],
    items: Mapping[str, BenchmarkItem],
    means: MeanImages,
    facts: Mapping[str, Mapping[str, str]],
) -> Iterator[Score]:
    """PSNR and SSIM of each drawing, of its ceiling, and of the baselines: mean image, condition, bicubic.

    `facts` are those of the items' records. Maps of labels get the Dice of their painted structures too.
    """
    palettes = _palettes(items[row["item_id"]] for row in rows)
    for row in rows:
        item = items[row["item_id"]]
        if item.reference_image is None or item.image is None:
            raise ValueError(f"benchmark item {item.item_id} is an edit without condition or reference image")
        truth = decode(item.reference_image)
        candidates = {row["variant"]: decode(row["response_image"])}
        if row["variant"] == PLAIN:
            known = facts.get(item.record_id, {})
            mean = means.image(item.question_type, item.modality.value, item.anatomy, known, truth)
            condition = decode(item.image)
            enlarged = condition if item.benchmark == SUPER_RESOLUTION else degrade(condition, BICUBIC_FACTOR)
            candidates |= {COPY: condition, BICUBIC: enlarged} | ({MEAN_IMAGE: mean} if mean is not None else {})
        for variant, pixels in candidates.items():
            yield score_of(row, PSNR_SCORER, variant=variant, value=psnr(truth, pixels))
            yield score_of(row, SSIM_SCORER, variant=variant, value=ssim(truth, pixels))
            if item.benchmark in MAPS:
                palette = palettes[item.question_type]
                yield score_of(row, DICE_SCORER, variant=variant, value=mean_dice(truth, pixels, palette))


def _palettes(items: Iterable[BenchmarkItem]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Question type -> the colours that its maps are painted with."""
    maps: dict[str, list[bytes]] = defaultdict(list)
    for item in items:
        if item.benchmark in MAPS and item.reference_image is not None:
            maps[item.question_type].append(item.reference_image)
    return {name: palette_of(map(decode, found)) for name, found in maps.items()}


def palette_of(maps: Iterable[Rgb]) -> dict[str, tuple[int, ...]]:
    """Every colour of the maps, and black: `#rrggbb` -> RGB. Label maps are stored with their exact colours."""
    colours = {BACKGROUND: (0, 0, 0)}
    for pixels in maps:
        for red, green, blue in np.unique(pixels.reshape(-1, 3), axis=0).tolist():
            colours[f"#{red:02x}{green:02x}{blue:02x}"] = (red, green, blue)
    return dict(sorted(colours.items()))


def mean_dice(truth: Rgb, pixels: Rgb, palette: Mapping[str, Sequence[int]]) -> float:
    """Mean Dice of the structures that truth or drawing shows; background is left out. 1 when both show none."""
    wanted, painted = palette_masks(truth, palette), palette_masks(pixels, palette)
    found = [overlap(wanted[name], painted[name]) for name in palette if name != BACKGROUND]
    shown = [one.dice for one in found if not one.both_empty]
    return float(np.mean(shown)) if shown else 1.0
