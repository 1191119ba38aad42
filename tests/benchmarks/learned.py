"""What runs learnt, on the validation side alone: answers, captions, edits and drawings beside their controls and goals.

    python -m tests.benchmarks.learned [WORKSPACE ...] [--sheet FOLDER]

Reads the evaluation of each workspace (default: a fresh retrain of `tiny`), and writes contact sheets on request: given image,
drawing and truth of edits, and drawings from words.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.assembly.dataset import Dataset
from components.evaluation.drawing_scoring import BICUBIC, SUPER_RESOLUTION
from components.evaluation.images import PSNR_SCORER, SSIM_SCORER, decode
from components.evaluation.predictions import PLAIN, read_predictions
from components.evaluation.scores import Score, read_scores
from tests.benchmarks.figures import Figure, plain, report
from tests.fixtures.micro import run_unimed

PROGRAM = "learned"
SHARES = {
    "vqa/val/modality/closed/accuracy": 0.75,
    "vqa/val/region/choice/accuracy": 0.8,
    "vqa/val/region/choice/likelihood_accuracy": None,
    "vqa/val/modality/choice/accuracy": None,
    "caption/modality_accuracy": 0.95,
    "t2i/recognised": None,
    "t2i/recognised_known": 0.95,
    "t2i/recognised_real": None,
}
"""Metric -> what the figure should be."""
GAINS = ("translation-grey-matter", "translation-white-matter", "staining", "organ-map")
GAIN_DB, POOL_POINTS, FAMILIES = 2.0, 0.5, 5


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspaces", nargs="*", type=Path)
    parser.add_argument("--sheet", type=Path, help="folder for a contact sheet of each workspace")
    options = parser.parse_args(arguments)
    return report(PROGRAM, measured(options.workspaces, options.sheet))


def measured(workspaces: Sequence[Path], sheets: Path | None) -> Iterator[Figure]:
    """The figures of the workspaces, of a fresh one where none is named; contact sheets into the folder."""
    with tempfile.TemporaryDirectory(prefix="unimed-bench-") as folder:
        for workspace in workspaces or [_retrained(Path(folder) / "tiny")]:
            yield from figures_of(workspace)
            if sheets is not None:
                sheets.mkdir(parents=True, exist_ok=True)
                sheet(workspace).save(sheets / f"{workspace.resolve().name}.png")


def figures_of(workspace: Path) -> Iterator[Figure]:
    """The figures of one workspace's last evaluation."""
    name = f"{PROGRAM}.{plain(workspace.resolve().name)}"
    metrics: Mapping[str, Any] = json.loads((workspace / "evaluation" / "evaluation.json").read_text())["metrics"]
    yield _beside(f"{name}.pool_margin", metrics["vqa/pool/margin"], "points", "half of all", POOL_POINTS)
    for key, goal in SHARES.items():
        if key in metrics:
            yield _beside(f"{name}.{plain(key)}", metrics[key], "share", "the goal" if goal else "nothing", goal)
    for edit in GAINS:
        if (gain := metrics.get(f"{edit}/gain_over_mean_image")) is not None:
            goal = None if edit == "organ-map" else GAIN_DB
            peer = "the goal" if goal else "the mean image"
            yield _beside(f"{name}.{plain(edit)}.over_mean_image", gain, "dB", peer, goal)
    if "organ-map/dice" in metrics:
        control = max(metrics["organ-map/dice_mean_image"]["value"], metrics["organ-map/dice_copy"]["value"])
        yield _beside(f"{name}.organ_map.dice", metrics["organ-map/dice"], "Dice", "mean image or copy", control)
    yield from _restored(name, read_scores(workspace / "evaluation" / "scores")[1])


def _restored(name: str, scores: Sequence[Score]) -> Iterator[Figure]:
    """Super-resolution less bicubic in PSNR and SSIM, over all and by family."""
    for scorer, unit in ((PSNR_SCORER, "dB"), (SSIM_SCORER, "SSIM")):
        values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for score in scores:
            if score.benchmark == SUPER_RESOLUTION and score.scorer_id == scorer and score.variant in (PLAIN, BICUBIC):
                for family in ("all", f"{score.modality} {score.anatomy}"):
                    values[family][score.variant].append(score.number)
        means = {family: (np.mean(found[PLAIN]), np.mean(found[BICUBIC])) for family, found in sorted(values.items())}
        for family, (own, bicubic) in means.items():
            yield _figure(
                f"{name}.sr.{plain(family)}.{unit.lower()}", own, unit, "bicubic", bicubic, own - bicubic, None
            )
        above = sum(own > bicubic for family, (own, bicubic) in means.items() if family != "all")
        yield _figure(
            f"{name}.sr.families_above_bicubic.{unit.lower()}",
            above,
            "families",
            "the goal",
            FAMILIES,
            above / FAMILIES,
            1,
        )


def _beside(name: str, metric: Mapping[str, Any], unit: str, peer: str, goal: float | None) -> Figure:
    value = float(metric["value"])
    note = f"n {metric['n']}, {metric['low']:.3f} to {metric['high']:.3f}"
    if control := metric.get("control"):
        note += ", " + ", ".join(f"{key} {number:.3f}" for key, number in control.items())
    ratio = value / goal if goal else value
    return _figure(name, value, unit, peer, goal or 0.0, ratio, 1.0 if goal else None, note)


def _figure(
    name: str, value: float, unit: str, peer: str, peer_value: float, ratio: float, goal: float | None, note: str = ""
) -> Figure:
    return Figure(
        name=name,
        value=round(float(value), 4),
        unit=unit,
        peer=peer,
        peer_value=round(float(peer_value), 4),
        ratio=round(float(ratio), 4),
        goal=goal,
        note=note,
    )


def sheet(workspace: Path, columns: int = 12) -> Image.Image:
    """Rows of given image, drawing, truth of a few edits a task, then every drawing from words above its real image."""
    items = {item.item_id: item for item in Dataset(workspace / "data" / "unimed").benchmark()}
    _, rows = read_predictions(workspace / "evaluation" / "predictions")
    drawn = [row for row in rows if row["variant"] == PLAIN and row["response_image"] is not None]
    by_task: dict[str, list[tuple[bytes | None, ...]]] = defaultdict(list)
    for row in sorted(drawn, key=lambda row: row["item_id"]):
        item = items[row["item_id"]]
        shown = (item.image, row["response_image"], item.reference_image)
        by_task[item.question_type if item.image else "t2i"].append(shown[item.image is None :])
    lines: list[list[np.ndarray]] = []
    for task, shown in sorted(by_task.items()):
        chosen = shown if task == "t2i" else shown[:columns]
        for begin in range(0, len(chosen), columns):
            part = chosen[begin : begin + columns]
            lines += [[decode(images[k]) for images in part if images[k]] for k in range(len(part[0]))]
    side = max(max(picture.shape[:2]) for line in lines for picture in line)
    page = Image.new("RGB", (columns * (side + 2), len(lines) * (side + 2)), "white")
    for y, line in enumerate(lines):
        for x, picture in enumerate(line):
            page.paste(Image.fromarray(picture).convert("RGB"), (x * (side + 2), y * (side + 2)))
    return page


def _retrained(workspace: Path) -> Path:
    run_unimed("init", str(workspace))
    run_unimed("retrain", "--promote", "never", cwd=workspace)
    return workspace


if __name__ == "__main__":
    sys.exit(main())
