"""The stage `predict`: answers, captions and drawings for every item of the validation side, raw, with their controls.

Nothing is scored here, so a changed scorer draws nothing again. Equal questions about equal images are answered once.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.assembly.benchmark.delivered import TEXT
from components.assembly.dataset import Dataset
from components.context import Interrupted, StageContext
from components.evaluation.asked import Asked
from components.evaluation.controls import grey_image, shuffled_images
from components.evaluation.images import decode, encode
from components.evaluation.predictions import (
    GREY,
    ONE_STEP,
    PLAIN,
    RECONSTRUCTION,
    SHUFFLED,
    SHUFFLED_IN_MODALITY,
    START,
    PredictionHeader,
    prediction_row,
    write_predictions,
)
from components.evaluation.scores import FILE as SCORED
from components.evaluation.scores import is_decoded_alike, read_scores
from components.recipes.evaluation import DrawingSettings
from components.recipes.recipe import Recipe
from components.records.benchmark import BenchmarkItem
from components.sources.starts import open_start
from components.storage.atomic import read_json
from components.storage.keys import seed_of, sha256_bytes
from components.storage.progress import Progress

if TYPE_CHECKING:
    from components.inference.predictor import Predictor

Say = Callable[[str, int, int], None]
"""Called with (what, done, total); raises Interrupted when the stage was asked to stop."""


@dataclass(frozen=True, slots=True)
class Showing:
    """One item in one variant, with the image that the model is shown."""

    item: BenchmarkItem
    variant: str
    image: bytes | None
    more: tuple[bytes, ...] = ()
    """Further images that it is shown."""

    @property
    def shown(self) -> list[bytes]:
        """All images that the model is shown, in order."""
        return [data for data in (self.image, *self.more) if data is not None]


def predict(ctx: StageContext) -> None:
    """Write evaluation/predictions/predictions-00000.parquet for the final stage's checkpoint; and, below it in START, the
    same of a start of ours whose own scores are of other items or other settings."""
    asked, settings = Asked.validation(Dataset(ctx.workspace.dataset)), ctx.recipe.start
    out = ctx.workspace.evaluation / "predictions"
    work = [(ctx.recipe.final_stage, out)]
    if settings.shipped:
        start = open_start(ctx.workspace, settings.shipped, settings.sha256)
        if not is_asked_alike(start.folder, asked, ctx.recipe):
            work.append(("start", out / START))
    for checkpoint, folder in work:
        predict_asked(ctx.workspace.checkpoints / checkpoint, asked, folder, ctx.recipe, ctx.progress, ctx.stop)


def is_asked_alike(start: Path, asked: Asked, recipe: Recipe) -> bool:
    """Whether the scores that lie in a start are of these items, predicted as this recipe does."""
    if not (start / SCORED).is_file():
        return False
    protocol = read_scores(start)[0]
    same = protocol.get("benchmark_id") == asked.benchmark_id
    return same and is_decoded_alike(protocol.get("decoding"), decoding(recipe))


def predict_asked(
    checkpoint: Path, asked: Asked, out: Path, recipe: Recipe, progress: Progress, stop: threading.Event
) -> Path:
    """The predictions file of any checkpoint on the items, in the folder `out`."""
    from components.inference.predictor import Predictor
    from components.storage.file_hashes import checkpoint_sha256

    def say(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise Interrupted("predict was asked to stop")
        progress.update(done, total, what)

    say("loading the checkpoint", 0, 1)
    weights = checkpoint_sha256(checkpoint)
    predictor = Predictor.load(checkpoint, threads=recipe.compute.threads, precision=recipe.compute.precision)
    rows = predict_items(predictor, asked.items, recipe, say)
    header = PredictionHeader(
        dataset_id=asked.dataset_id,
        benchmark_id=asked.benchmark_id,
        benchmarks=asked.benchmarks,
        decoding=decoding(recipe),
        weights_sha256=weights,
        checkpoint=_name_of(checkpoint),
    )
    return write_predictions(out, ({**row, "weights_sha256": weights} for row in rows), header)


def predict_items(
    predictor: "Predictor", items: Sequence[BenchmarkItem], recipe: Recipe, say: Say
) -> list[dict[str, Any]]:
    """The rows of all items: text first, then drawings."""
    asked = [item for item in items if item.answer_type != "image"]
    drawn = [item for item in items if item.answer_type == "image"]
    rows = answer_rows(predictor, plan_questions(asked), recipe, say) if asked else []
    return rows + (draw_rows(predictor, drawn, recipe, say) if drawn else [])


def plan_questions(items: Sequence[BenchmarkItem]) -> list[Showing]:
    """Every text item as it is; about images also with grey ones, and, of one image, with those of others where they
    change the answer."""
    about = [item for item in items if item.image is not None]
    questions = [item for item in about if item.answer_type != "caption" and not item.more_images]
    shuffled = shuffled_images(questions, same_modality=False)
    in_modality = shuffled_images(questions, same_modality=True)
    showings = [Showing(item, PLAIN, item.image, item.more_images) for item in items]
    if about:
        grey = grey_image(about)
        showings += [Showing(item, GREY, grey, (grey,) * len(item.more_images)) for item in about]
    for variant, images in ((SHUFFLED, shuffled), (SHUFFLED_IN_MODALITY, in_modality)):
        showings += [Showing(item, variant, images[item.item_id]) for item in questions if item.item_id in images]
    return showings


def answer_rows(predictor: "Predictor", showings: Sequence[Showing], recipe: Recipe, say: Say) -> list[dict[str, Any]]:
    """Greedy answers to the showings; the plain ones with options carry each option's log-probability too."""
    from components.inference.predictor import Answer, Question

    settings = recipe.evaluation
    groups: dict[tuple[int, bool], dict[tuple[str, str, tuple[str, ...]], Question]] = {}
    pictures: dict[str, Any] = {}
    for showing in showings:
        key = _question_key(showing)
        names = [sha256_bytes(data) for data in showing.shown]
        for name, data in zip(names, showing.shown, strict=True):
            if name not in pictures:
                pictures[name] = decode(data)
        first, *more = [pictures[name] for name in names] or [None]
        group = groups.setdefault(_group(showing, recipe), {})
        group.setdefault(key, Question(showing.item.prompt, first, showing.item.options, tuple(more)))
    answers: dict[tuple[tuple[int, bool], tuple[str, str, tuple[str, ...]]], Answer] = {}
    for (tokens, scored), questions in sorted(groups.items()):
        found = predictor.answer(
            list(questions.values()),
            max_new_tokens=tokens,
            score_options=scored,
            batch=settings.batch,
            each_batch=lambda done, total: say("answering", done, total),
        )
        answers.update({((tokens, scored), key): answer for key, answer in zip(questions, found, strict=True)})
    rows = []
    for showing in showings:
        answer = answers[_group(showing, recipe), _question_key(showing)]
        rows.append(
            prediction_row(
                showing.item,
                variant=showing.variant,
                seed=0,
                image=showing.image,
                more=showing.more,
                response_raw=answer.text,
                n_tokens=answer.num_tokens,
                finish_reason=answer.finish_reason,
                answer_logprob=round(answer.logprob, 6),
                choice_logprobs=[round(value, 6) for value in answer.option_logprobs],
            )
        )
    return rows


def draw_rows(predictor: "Predictor", items: Sequence[BenchmarkItem], recipe: Recipe, say: Say) -> list[dict[str, Any]]:
    """Drawings of the items: sampled; edits in one step besides; and each real image through the autoencoder alone."""
    rows = drawing_rows(predictor, items, recipe, say)
    edits = [item for item in items if item.image is not None]
    rows += drawing_rows(predictor, edits, recipe, say, in_one_step=True)
    real = {sha256_bytes(item.reference_image): item.reference_image for item in items if item.reference_image}
    rebuilt = dict(zip(real, predictor.reconstruct([decode(data) for data in real.values()]), strict=True))
    for item in items:
        if item.reference_image:
            picture = rebuilt[sha256_bytes(item.reference_image)]
            rows.append(_drawn(item, RECONSTRUCTION, recipe.seed, encode(picture)))
    return rows


def drawing_rows(
    predictor: "Predictor", items: Sequence[BenchmarkItem], recipe: Recipe, say: Say, *, in_one_step: bool = False
) -> list[dict[str, Any]]:
    """One drawing of each item, sampled or in one step."""
    from components.inference.predictor import DrawRequest

    drawing, variant, what = recipe.evaluation.drawing, PLAIN, "drawing"
    if in_one_step:
        drawing, variant, what = drawing.one_step(), ONE_STEP, "drawing in one step"
    # One noise per item, whoever draws: two checkpoints are compared on equal draws.
    requests = [
        DrawRequest(
            item.prompt,
            seed_of("draw", recipe.seed, item.item_id),
            decode(item.image) if item.image is not None else None,
        )
        for item in items
    ]
    drawn = predictor.draw(requests, drawing, each_batch=lambda done, total: say(what, done, total))
    return [_drawn(item, variant, recipe.seed, encode(picture)) for item, picture in zip(items, drawn, strict=True)]


def decoding(recipe: Recipe) -> dict[str, str]:
    """Benchmark kind -> how its answers are made: part of what makes two numbers comparable."""
    settings, drawing = recipe.evaluation, recipe.evaluation.drawing
    words, edits, end = drawing.of_words(), drawing.of_edits(), f"seed {recipe.seed}{_precision(recipe)}"
    side = f"{drawing.side} pixels a side, " if drawing.side else ""
    guided = f"text guidance {edits.text_guidance:g}, image guidance {edits.image_guidance:g}"
    sampled = f"{_grid(edits)}, {guided} {_guidance(edits)}, {end}"
    return {
        "vqa": f"greedy, at most {settings.answer_tokens} tokens{_precision(recipe)}",
        "caption": f"greedy, at most {settings.caption_tokens} tokens{_precision(recipe)}",
        TEXT: f"greedy, at most {settings.caption_tokens} tokens{_precision(recipe)}",
        "t2i": f"{side}{_grid(words)}, text guidance {words.text_guidance:g} {_guidance(words)}, {end}",
        "edit": sampled if drawing.edits == "sampled" else f"the mean in one step, {end}",
    }


def _grid(drawing: DrawingSettings) -> str:
    return f"{drawing.grid_points} grid points, shift {drawing.timestep_shift:g}"


def _guidance(drawing: DrawingSettings) -> str:
    low, high = drawing.guidance_interval
    return f"in ({low:g}, {high:g}], renorm {drawing.renorm} >= {drawing.renorm_min:g}"


def _precision(recipe: Recipe) -> str:
    return "" if recipe.compute.precision == "fp32" else f", {recipe.compute.precision}"


def _drawn(item: BenchmarkItem, variant: str, seed: int, picture: bytes) -> dict[str, Any]:
    return prediction_row(item, variant=variant, seed=seed, image=item.image, response_image=picture)


def _group(showing: Showing, recipe: Recipe) -> tuple[int, bool]:
    """(most tokens, whether options are scored)."""
    is_long = showing.item.answer_type == "caption" or showing.item.benchmark == TEXT
    tokens = recipe.evaluation.caption_tokens if is_long else recipe.evaluation.answer_tokens
    return tokens, showing.variant == PLAIN and bool(showing.item.options)


def _question_key(showing: Showing) -> tuple[str, str, tuple[str, ...]]:
    """What the model sees, and the options that are scored."""
    images = " ".join(map(sha256_bytes, showing.shown))
    scored = showing.item.options if showing.variant == PLAIN else ()
    return images, showing.item.prompt, scored


def _name_of(checkpoint: Path) -> str:
    config = checkpoint / "config.json"
    stored: Any = read_json(config) if config.is_file() else {}
    block = stored.get("unimed", {}) if isinstance(stored, dict) else {}
    return str(block.get("name", checkpoint.name))
