"""The stage `predict-checkpoint`: any checkpoint on the present validation side, to compare and to choose; the exam stays
closed."""

from pathlib import Path

from components.assembly.dataset import Dataset
from components.context import CannotPredict, StageContext
from components.evaluation.asked import Asked
from components.evaluation.evaluate import evaluate_predictions, protocol_of
from components.evaluation.exam import PREDICTIONS, how_predicted, how_scored
from components.evaluation.predict import predict_asked
from components.evaluation.predictions import FILE
from components.evaluation.scores import write_scores
from components.recipes.recipe import Recipe
from components.storage.atomic import atomic_folder, read_object, write_json
from components.storage.workspace import Workspace

STAGE = "predict-checkpoint"
EVALUATION = "evaluation.json"


def predict_checkpoint(ctx: StageContext) -> None:
    """Predicts and scores the checkpoint that lies under .unimed/models in the folder that the item names. Raises
    CannotPredict where today's code cannot."""
    data, out = Dataset(ctx.workspace.dataset), validation_folder(ctx.workspace, ctx.recipe, ctx.item)
    folder = out.with_name(PREDICTIONS)
    if not (folder / FILE).is_file():
        checkpoint = ctx.workspace.model_folder(ctx.item)
        try:
            predict_asked(checkpoint, Asked.validation(data), folder, ctx.recipe, ctx.progress, ctx.stop)
        except (ValueError, LookupError, TypeError) as error:
            raise CannotPredict(f"{checkpoint.name}: {error}") from error
    ctx.raise_if_stopped()
    found = evaluate_predictions(folder, ctx.workspace.evaluation / "judge", ctx.workspace.dataset, ctx.recipe)
    with atomic_folder(out) as temporary:
        write_json(temporary / EVALUATION, found.to_json())
        write_scores(temporary, found.scores, protocol_of(found.header))


def validation_folder(workspace: Workspace, recipe: Recipe, weights_sha256: str) -> Path:
    """.unimed/gate/<weights>/val-<data set>/<decoding>/scores-<how>: scores and evaluation.json of a checkpoint."""
    dataset = read_object(workspace.dataset / "manifest.json")["dataset_id"]
    place = workspace.private / "gate" / weights_sha256[:16] / f"val-{dataset[:12]}"
    return place / how_predicted(workspace, recipe)[:8] / f"scores-{how_scored(workspace, recipe)[:8]}"
