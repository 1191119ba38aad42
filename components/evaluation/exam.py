"""The stage `predict-exam`: one checkpoint predicted and scored on the frozen exam, into .unimed/gate/.

Both sides of a decision come through here. An opening is written down before the first prediction; a cached one is none.
"""

import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.assembly.benchmark.exam import Exam, read_exam
from components.assembly.dataset import Dataset
from components.context import CannotPredict, Interrupted, StageContext
from components.evaluation.asked import Asked
from components.evaluation.decision_table import COSTS, MACHINE
from components.evaluation.evaluate import protocol_of, score_predictions
from components.evaluation.judge_network import Judge
from components.evaluation.predict import Say, Showing, answer_rows, decoding, drawing_rows, plan_questions
from components.evaluation.predictions import FILE, GREY, PLAIN, SHUFFLED, PredictionHeader, write_predictions
from components.evaluation.scores import write_scores
from components.recipes.recipe import Recipe
from components.records.benchmark import BenchmarkItem
from components.storage.atomic import atomic_folder, read_object, write_json
from components.storage.file_hashes import checkpoint_sha256, file_sha256
from components.storage.keys import digest
from components.storage.processor import processor_name
from components.storage.recorded_code import recorded_code
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from components.inference.predictor import Predictor

STAGE, PREDICTIONS = "predict-exam", "predictions"


def predict_exam(ctx: StageContext) -> None:
    """Predicts and scores the checkpoint that lies under .unimed/models in the folder that the item names. Raises
    CannotPredict where today's code cannot load it or predict with it."""
    checkpoint, exam = ctx.workspace.model_folder(ctx.item), read_exam(ctx.workspace.exam)
    if not checkpoint.is_dir():
        raise ValueError(f"{checkpoint} holds no checkpoint; `unimed verify` lays a version's out")
    folder = predictions_folder(ctx.workspace, ctx.recipe, ctx.item)
    if not (folder / FILE).is_file():
        weights = checkpoint_sha256(checkpoint)
        ctx.open_exam(exam.id, exam.version, weights)
        with atomic_folder(folder) as out:
            _predict(ctx, checkpoint, exam, weights, out)
    ctx.raise_if_stopped()
    data = Dataset(ctx.workspace.dataset)
    judge = Judge.load(ctx.workspace.evaluation / "judge")
    header, scores, _ = score_predictions(folder, asked_of(exam), judge, data)
    with atomic_folder(scores_folder(ctx.workspace, ctx.recipe, ctx.item)) as out:
        write_json(out / COSTS, read_object(folder / COSTS))
        write_scores(out, scores, protocol_of(header))


def asked_of(exam: Exam) -> Asked:
    """The exam's items. They belong to no data set: what is predicted of them outlives one."""
    return Asked(dataset_id=exam.id, benchmark_id=exam.id, benchmarks=exam.parts, items=exam.items)


def predictions_folder(workspace: Workspace, recipe: Recipe, weights_sha256: str) -> Path:
    """.unimed/gate/<weights>/<exam>/<decoding>/predictions: one for each thing that predictions depend on."""
    how = how_predicted(workspace, recipe)
    exam = read_exam(workspace.exam).id
    return workspace.private / "gate" / weights_sha256[:16] / exam[:16] / how[:8] / PREDICTIONS


def scores_folder(workspace: Workspace, recipe: Recipe, weights_sha256: str) -> Path:
    """Where the scores of these predictions belong: today's scorer, judge, data set and settings name it."""
    scores = how_scored(workspace, recipe)
    return predictions_folder(workspace, recipe, weights_sha256).with_name(f"scores-{scores[:8]}")


def how_predicted(workspace: Workspace, recipe: Recipe) -> str:
    """Changes with what predictions depend on beside weights and items."""
    settings = recipe.evaluation
    tokens = [settings.answer_tokens, settings.caption_tokens]
    how = [recipe.seed, *tokens, recipe.compute.precision, repr(settings.drawing)]
    return digest([recorded_code(workspace, "prediction"), *how])


def how_scored(workspace: Workspace, recipe: Recipe) -> str:
    """Changes with scorer, judge, data set and settings."""
    judge = sorted(file_sha256(path) for path in (workspace.evaluation / "judge").glob("*") if path.is_file())
    dataset = read_object(workspace.dataset / "manifest.json")["dataset_id"]
    return digest([recorded_code(workspace, "evaluation"), judge, dataset, repr(recipe.evaluation)])


def _predict(ctx: StageContext, checkpoint: Path, exam: Exam, weights: str, out: Path) -> None:
    from components.inference.predictor import Predictor

    def say(what: str, done: int, total: int) -> None:
        ctx.raise_if_stopped()
        ctx.progress.update(done, total, what)

    try:
        compute = ctx.recipe.compute
        predictor = Predictor.load(checkpoint, threads=compute.threads, precision=compute.precision)
        rows, costs = exam_rows(predictor, exam.items, ctx.recipe, say)
    except (MemoryError, OSError, Interrupted):
        raise
    except RuntimeError as error:
        if "memory" in str(error):  # torch has one class for all that a kernel refuses
            raise
        raise CannotPredict(f"{checkpoint.name}: {error}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise CannotPredict(f"{checkpoint.name}: {error}") from error
    header = PredictionHeader(
        dataset_id=exam.id,
        benchmark_id=exam.id,
        benchmarks=exam.parts,
        decoding=decoding(ctx.recipe),
        weights_sha256=weights,
        checkpoint=checkpoint.name,
    )
    threads = ctx.recipe.compute.threads
    write_json(out / COSTS, {**costs, MACHINE: f"{processor_name()}, {os.cpu_count()} cores, {threads} threads"})
    write_predictions(out, ({**row, "weights_sha256": weights} for row in rows), header)


def exam_rows(
    predictor: "Predictor", items: Sequence[BenchmarkItem], recipe: Recipe, say: Say
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """(rows, what an answer and a drawing took). Answers as they are, to a grey image and to another one; drawings as
    they are: what a decision reads, and no control beyond it."""
    asked = [item for item in items if item.answer_type != "image"]
    drawn = [item for item in items if item.answer_type == "image"]
    showings, costs, rows = _showings(asked) if asked else [], {}, []
    for name, count, work in (
        ("answer", len(showings), lambda: answer_rows(predictor, showings, recipe, say)),
        ("drawing", len(drawn), lambda: drawing_rows(predictor, drawn, recipe, say)),
    ):
        if count:
            begun = time.perf_counter()
            rows += work()
            costs[f"{name}_seconds"] = (time.perf_counter() - begun) / count
            costs[f"{name}_bytes"] = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    return rows, costs


def _showings(items: Sequence[BenchmarkItem]) -> list[Showing]:
    """The variants that a decision reads."""
    return [
        showing
        for showing in plan_questions(items)
        if showing.variant in (PLAIN, SHUFFLED) or (showing.variant == GREY and showing.item.answer_type != "caption")
    ]
