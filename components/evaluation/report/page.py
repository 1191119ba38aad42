"""The evaluation as one page that a release owner reads: figures with intervals, what they do not say, and images."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.evaluation.captions import WELL_FORMED
from components.evaluation.drawing_metrics import EditGroup
from components.evaluation.edit_names import metric_name
from components.evaluation.images import PSNR_SCORER, SSIM_SCORER, decode, encode
from components.evaluation.metrics import Metric
from components.evaluation.predictions import ONE_STEP, PLAIN, RECONSTRUCTION
from components.evaluation.report.plots import forest
from components.evaluation.scores import Score
from components.images.stored import data_uri
from components.records.benchmark import BenchmarkItem
from components.storage.atomic import write_text
from components.storage.keys import keyed_hash

if TYPE_CHECKING:
    from components.evaluation.copied import Nearest
    from components.evaluation.evaluate import Evaluation
    from components.evaluation.gain import Gain

TEMPLATE = "report.html"
THUMBNAIL = 128
"""Pixels of the longer side; larger images are shrunk, the page stays in the megabytes."""
CAPTIONS, DRAWINGS, EDITS = 12, 5, 5
"""Examples shown: captions in all, drawings a modality, edits a task and split."""

RATES = ("vqa/unparsed_rate", "vqa/empty_rate", "vqa/truncated_rate", "caption/empty_rate", "caption/truncated_rate")
RATE_LIMIT = 0.02

LIMITS = (
    "Few subjects are held out; an interval over patients covers these subjects, not a hospital.",
    "Within-subject figures are on held-out slices of a subject that was trained on; they say nothing of other people.",
    "One training seed: intervals cover items and subjects, not what another seed would have learnt.",
    "The judge is a small network trained on the same kinds of images; its own errors stand beside the drawings.",
    "Questions, answers and captions are template sentences over labels, headers and geometry.",
    "Research only, not a medical device.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One image of the page with the line under it."""

    uri: str
    label: str
    note: str = ""


def write_report(
    path: Path,
    found: "Evaluation",
    rows: Sequence[Mapping[str, Any]],
    items: Mapping[str, BenchmarkItem],
    lent: Collection[str] = (),
    *,
    gain: "Gain | None" = None,
    nearest: "Nearest | None" = None,
) -> None:
    """Write the page; the same evaluation gives the same bytes."""
    write_text(path, render(found, rows, items, lent, gain=gain, nearest=nearest))


def render(
    found: "Evaluation",
    rows: Sequence[Mapping[str, Any]],
    items: Mapping[str, BenchmarkItem],
    lent: Collection[str] = (),
    *,
    gain: "Gain | None" = None,
    nearest: "Nearest | None" = None,
) -> str:
    """The page as HTML with every image inside; nothing in it is loaded from elsewhere. Of the sources that were lent it has
    the figures and no example: neither image nor words, nor what was drawn from them."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    items = {name: item for name, item in items.items() if item.record_id.partition("/")[0] not in lent}
    environment = Environment(
        loader=PackageLoader("components.evaluation.report", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"percent": percent, "span": span, "db": decibel}
    metrics = found.metrics
    by_key = {(row["item_id"], row["variant"]): row for row in rows}
    scores = {(score.item_id, score.variant, score.scorer_id): score for score in found.scores}
    pool = {metric.key.rpartition("/")[2]: metric for metric in found.pool.metrics}
    return environment.get_template(TEMPLATE).render(
        found=found,
        pool=pool,
        metrics=metrics,
        plot=forest(found.groups),
        alarms=[metrics[name] for name in RATES if name in metrics and metrics[name].value > RATE_LIMIT],
        rates=[metrics[name] for name in RATES if name in metrics],
        captions=_with_prefix(metrics, "caption/", skip=RATES),
        caption_examples=caption_examples(by_key, scores, items),
        drawings=_with_prefix(metrics, "t2i/"),
        drawing_examples=drawing_examples(by_key, scores, items, None if lent else nearest),
        gain=gain,
        nearest=nearest,
        edits=[edit_section(group, by_key, scores, items) for group in found.edits],
        limits=[
            *LIMITS,
            *([f"No example is of the sources that were lent: {', '.join(sorted(lent))}."] if lent else []),
        ],
        rate_limit=RATE_LIMIT,
    )


def percent(value: float | None) -> str:
    """A share as percent with one decimal; a dash for none."""
    return "–" if value is None else f"{100 * value:.1f} %"


def span(metric: Metric | None) -> str:
    """`83.3 % (69.8–92.5)`; a dash for none."""
    if metric is None:
        return "–"
    return f"{100 * metric.value:.1f} % ({100 * metric.low:.1f} to {100 * metric.high:.1f})"


def decibel(metric: Metric | None) -> str:
    """`19.5 (18.4 to 20.7)`; a dash for none."""
    return "–" if metric is None else f"{metric.value:.2f} ({metric.low:.2f} to {metric.high:.2f})"


def thumbnail(data: bytes) -> str:
    """A data URI of the image, shrunk when it is large."""
    pixels = decode(data)
    if max(pixels.shape[:2]) > THUMBNAIL:
        from components.images.resize import fit_image

        data = encode(fit_image(pixels, THUMBNAIL, square=False))
    return data_uri(data)


def caption_examples(
    by_key: Mapping[tuple[str, str], Mapping[str, Any]],
    scores: Mapping[tuple[str, str, str], Score],
    items: Mapping[str, BenchmarkItem],
) -> list[dict[str, Any]]:
    """Captions over many patients: image, reference, what was said, and whether the modality is right."""
    chosen = spread([item for item in items.values() if item.benchmark == "caption"], CAPTIONS)
    examples = []
    for item in chosen:
        modality = scores.get((item.item_id, PLAIN, "caption.modality@1"))
        formed = scores.get((item.item_id, PLAIN, WELL_FORMED))
        examples.append(
            {
                "uri": thumbnail(item.image) if item.image else "",
                "split": item.split.value,
                "reference": item.reference,
                "said": by_key[item.item_id, PLAIN]["response_raw"],
                "right": bool(modality and modality.correct),
                "formed": bool(formed and formed.correct),
            }
        )
    return examples


def drawing_examples(
    by_key: Mapping[tuple[str, str], Mapping[str, Any]],
    scores: Mapping[tuple[str, str, str], Score],
    items: Mapping[str, BenchmarkItem],
    nearest: "Nearest | None",
) -> list[dict[str, Any]]:
    """Modality -> drawn images with what the judge saw, each with the training image that is nearest to it, and the real
    ones of the same captions under them."""
    judged = {(s.item_id, s.variant): s.parsed for s in scores.values() if s.scorer_id.startswith("judge.modality@")}
    t2i = [item for item in items.values() if item.benchmark == "t2i"]
    sections = []
    for modality in sorted({item.modality.value for item in t2i}):
        chosen = spread([item for item in t2i if item.modality.value == modality], DRAWINGS)
        drawn, real = [], []
        for item in chosen:
            row = by_key[item.item_id, PLAIN]
            seen = judged.get((item.item_id, PLAIN)) or "nothing"
            drawn.append(Tile(uri=thumbnail(row["response_image"]), label=f"drawn; judge: {seen}", note=item.prompt))
            if nearest and item.item_id in nearest.images:
                distance = nearest.distances[item.item_id]
                said = f"nearest training image, {distance:.1f} grey levels off"
                if nearest.is_remembered and distance < nearest.limit:
                    said += ": remembered"
                drawn.append(Tile(uri=thumbnail(nearest.images[item.item_id]), label=said))
            if item.reference_image:
                real.append(Tile(uri=thumbnail(item.reference_image), label="real"))
        sections.append({"modality": modality, "drawn": drawn, "real": real})
    return sections


def edit_section(
    group: EditGroup,
    by_key: Mapping[tuple[str, str], Mapping[str, Any]],
    scores: Mapping[tuple[str, str, str], Score],
    items: Mapping[str, BenchmarkItem],
) -> dict[str, Any]:
    """The group's numbers, and examples: condition, ours, one step, truth, and the truth through the autoencoder."""
    names = {s.item_id for s in scores.values() if s.scorer_id == PSNR_SCORER and s.variant == PLAIN}
    members = [
        item
        for name in sorted(names & items.keys())
        if (item := items[name]).split.value == group.split and metric_name(item.question_type) == group.name
    ]

    def note(item: BenchmarkItem, variant: str) -> str:
        psnr, ssim = (scores.get((item.item_id, variant, scorer)) for scorer in (PSNR_SCORER, SSIM_SCORER))
        return f"{psnr.number:.1f} dB / {ssim.number:.2f}" if psnr and ssim else ""

    examples = []
    for item in spread(members, EDITS):
        pictures = {
            "condition": (item.image, note(item, "control:copy")),
            "ours": (by_key[item.item_id, PLAIN]["response_image"], note(item, PLAIN)),
            "one step": (by_key.get((item.item_id, ONE_STEP), {}).get("response_image"), note(item, ONE_STEP)),
            "truth": (item.reference_image, ""),
            "autoencoder": (
                by_key.get((item.item_id, RECONSTRUCTION), {}).get("response_image"),
                note(item, RECONSTRUCTION),
            ),
        }
        tiles = [Tile(uri=thumbnail(png), label=name, note=words) for name, (png, words) in pictures.items() if png]
        examples.append({"what": f"{item.modality.value}, {item.anatomy}", "tiles": tiles})
    return {"group": group, "examples": examples}


def spread(items: Iterable[BenchmarkItem], count: int) -> list[BenchmarkItem]:
    """`count` items over as many patients as there are, always the same ones whatever the order given."""
    ordered = sorted(items, key=lambda item: keyed_hash("shown", item.item_id))
    turns: dict[str, int] = {}
    ranked = []
    for place, item in enumerate(ordered):
        turn = turns[item.patient_key] = turns.get(item.patient_key, 0) + 1
        ranked.append((turn, place, item))
    return [item for _, _, item in sorted(ranked, key=lambda entry: entry[:2])[:count]]


def _with_prefix(metrics: Mapping[str, Metric], prefix: str, skip: Sequence[str] = ()) -> list[Metric]:
    return [metric for key, metric in sorted(metrics.items()) if key.startswith(prefix) and key not in skip]
