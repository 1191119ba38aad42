"""The stage `predict-champion`: an earlier checkpoint predicted and scored on the present benchmark, into .unimed/gate/."""

from pathlib import Path

from components.assembly.dataset import Dataset
from components.context import StageContext
from components.evaluation.asked import Asked
from components.evaluation.evaluate import evaluate_predictions, protocol_of
from components.evaluation.predict import predict_asked
from components.evaluation.predictions import FILE
from components.evaluation.scores import write_scores
from components.recipes.recipe import Recipe
from components.storage.atomic import atomic_folder, read_object
from components.storage.file_hashes import file_sha256
from components.storage.keys import digest
from components.storage.recorded_code import recorded_code
from components.storage.workspace import Workspace

STAGE = "predict-champion"


def predict_champion(ctx: StageContext) -> None:
    """Predicts and scores the checkpoint that lies under .unimed/models in the folder that the item names."""
    folder = predictions_folder(ctx.workspace, ctx.recipe, ctx.item)
    if not (folder / FILE).is_file():
        checkpoint = ctx.workspace.model_folder(ctx.item)
        asked = Asked.validation(Dataset(ctx.workspace.dataset))
        predict_asked(checkpoint, asked, folder, ctx.recipe, ctx.progress, ctx.stop)
    ctx.raise_if_stopped()
    found = evaluate_predictions(folder, ctx.workspace.evaluation / "judge", ctx.workspace.dataset, ctx.recipe)
    with atomic_folder(scores_folder(ctx.workspace, ctx.recipe, ctx.item)) as out:
        write_scores(out, found.scores, protocol_of(found.header))


def predictions_folder(workspace: Workspace, recipe: Recipe, weights_sha256: str) -> Path:
    """.unimed/gate/<weights>-<benchmark>-<decoding>/predictions: one for each thing that predictions depend on."""
    manifest = read_object(workspace.dataset / "manifest.json")
    benchmark = digest([manifest["dataset_id"], manifest["benchmark"]])
    settings = recipe.evaluation
    how = digest(
        [
            recorded_code(workspace, "prediction"),
            recipe.seed,
            settings.answer_tokens,
            settings.caption_tokens,
            repr(settings.drawing),
        ]
    )
    return workspace.private / "gate" / f"{weights_sha256[:8]}-{benchmark[:8]}-{how[:8]}" / "predictions"


def scores_folder(workspace: Workspace, recipe: Recipe, weights_sha256: str) -> Path:
    """Where the scores of these predictions belong: today's scorer, judge and settings name it."""
    judge = sorted(file_sha256(path) for path in (workspace.evaluation / "judge").glob("*") if path.is_file())
    scores = digest([recorded_code(workspace, "evaluation"), judge, repr(recipe.evaluation)])
    return predictions_folder(workspace, recipe, weights_sha256).with_name(f"scores-{scores[:8]}")
