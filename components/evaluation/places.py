"""The second judge: which region and plane a slice of a volume shows. Drawn slices are held to it as drawings are to the first."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.assembly.dataset import Dataset, LabelledImage
from components.context import StageContext
from components.evaluation.images import Rgb
from components.evaluation.judge_network import PLACES, SIDE, Judge, known_families
from components.evaluation.metrics import Meter, Metric
from components.evaluation.predictions import PLAIN
from components.evaluation.scores import Score, score_of
from components.images.volume import PLANES
from components.records.vocabulary import VALIDATION
from components.storage.atomic import read_json, write_bytes, write_json
from components.storage.keys import seed_of

if TYPE_CHECKING:
    from components.training.small_loop import EachStep

REGION, PLANE = "region", "plane"
PARTS = (REGION, PLANE)
"""What a verdict such as `brain/axial` consists of, in its order."""
REAL_VARIANT = "control:real"
UNJUDGED = "not testable"
"""Status of a verdict about a family whose real images the judge does not name rightly often enough."""


def place_of(anatomy: str, facts: Mapping[str, str]) -> str:
    """`brain/axial` of a slice of a volume; empty where region or plane is not known."""
    plane = facts.get("plane", "")
    return f"{anatomy}/{plane}" if plane in PLANES and anatomy != "unknown" else ""


def train_places(ctx: StageContext, dataset: Dataset, each_step: "EachStep") -> None:
    """Write evaluation/judge/{places.safetensors, places.json}; nothing where training shows slices of one place or none."""
    import torch
    from safetensors.torch import save

    from components.evaluation.judge import fit, initialise, load_pixels
    from components.evaluation.judge_network import build

    slices = [image for image in dataset.images("train") if _label(image)]
    classes = tuple(sorted({_label(image) for image in slices}))
    if len(classes) < 2:
        return
    train = load_pixels(slices, _label)
    generator = torch.Generator().manual_seed(seed_of("judge", "places", ctx.recipe.seed))
    network = build(len(classes))
    initialise(network, generator)
    fit(network, train, classes, ctx.recipe.evaluation.judge, generator, each_step)
    network.eval()
    folder = ctx.workspace.evaluation / "judge"
    write_bytes(folder / PLACES.weights, save(network.state_dict()))
    facts = {"classes": list(classes), "side": SIDE, "train_images": dict(sorted(Counter(train.labels).items()))}
    write_json(folder / PLACES.facts, facts)
    real = [image for image in dataset.images(*VALIDATION) if _label(image)]
    counts: dict[str, dict[str, dict[str, int]]] = {part: {} for part in PARTS}
    if real:
        seen = load_pixels(real, _label)
        verdicts = Judge.read(folder, PLACES).name([image.permute(1, 2, 0).numpy() for image in seen.images])
        counts = rightly_named(seen.labels, verdicts)
    known = {part: sorted(known_families(found)) for part, found in counts.items()}
    write_json(folder / PLACES.facts, {**facts, "dataset_id": dataset.dataset_id, "families": counts, "known": known})


def rightly_named(truths: Sequence[str], verdicts: Sequence[str]) -> dict[str, dict[str, dict[str, int]]]:
    """region, plane -> `brain/axial` -> real images of that place, and of how many the judge names that part rightly."""
    found: dict[str, dict[str, dict[str, int]]] = {part: defaultdict(lambda: {"n": 0, "right": 0}) for part in PARTS}
    for truth, verdict in zip(truths, verdicts, strict=True):
        for part, wanted, seen in zip(PARTS, truth.split("/"), verdict.split("/"), strict=True):
            found[part][truth]["n"] += 1
            found[part][truth]["right"] += wanted == seen
    return {part: dict(sorted(counts.items())) for part, counts in found.items()}


def score_places(
    looked: Sequence[tuple[Mapping[str, Any], str, Rgb]], judge: Judge, facts: Mapping[str, Mapping[str, str]]
) -> Iterator[Score]:
    """Two verdicts, region and plane, about each (row, variant, image) whose record is a slice; `facts` are those of records."""
    asked = [(entry, place_of(entry[0]["anatomy"], facts.get(entry[0]["record_id"], {}))) for entry in looked]
    slices = [(entry, place) for entry, place in asked if place]
    verdicts = judge.name([pixels for (_, _, pixels), _ in slices])
    for ((row, variant, _), place), verdict in zip(slices, verdicts, strict=True):
        for part, wanted, seen in zip(PARTS, place.split("/"), verdict.split("/"), strict=True):
            yield score_of(
                row,
                _scorer(judge, part),
                variant=variant,
                reference=wanted,
                parsed=seen,
                correct=int(seen == wanted),
                status="ok" if f"{part} {place}" in judge.known else UNJUDGED,
            )


def part_of(score: Score) -> str:
    """region or plane of a verdict that counts; else empty."""
    part = score.scorer_id.removeprefix("judge.").partition("@")[0]
    return part if score.status == "ok" and part in PARTS and score.scorer_id.startswith("judge.") else ""


def place_metrics(scores: Sequence[Score], judge: Judge | None, meter: Meter) -> list[Metric]:
    """`t2i/recognised_region` and `_plane`, and the same of the real images, over the families that the judge knows."""
    metrics: list[Metric] = []
    for part in PARTS if judge is not None else ():
        for variant, suffix in ((PLAIN, ""), (REAL_VARIANT, "_real")):
            chosen = [score for score in scores if score.variant == variant and part_of(score) == part]
            if not chosen:
                continue
            most = max(Counter(score.reference for score in chosen).values()) / len(chosen)
            why = "drawn slices of the families whose real images the judge knows; reported beside the pool"
            control = {"most_common": most}
            metrics.append(meter.mean(f"t2i/recognised_{part}{suffix}", chosen, control=control, why_not_gated=why))
    return metrics


def places_said(folder: Any) -> dict[str, dict[str, Any]]:
    """region, plane -> `known` families, and those that are `not_testable` with the real images that the judge named rightly;
    empty where no slices were trained on."""
    path = folder / PLACES.facts
    facts: Any = read_json(path) if path.is_file() else {}
    return {
        part: {
            "known": facts["known"][part],
            UNJUDGED.replace(" ", "_"): {
                place: counts.get(place, {"n": 0, "right": 0})
                for place in sorted({*facts["classes"], *counts} - set(facts["known"][part]))
            },
        }
        for part, counts in facts.get("families", {}).items()
    }


def _label(image: LabelledImage) -> str:
    return place_of(image.anatomy, image.facts)


def _scorer(judge: Judge, part: str) -> str:
    return f"judge.{part}@{judge.sha256[:8]}"
