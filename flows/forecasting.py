"""What training will take, found out in a process of its own: torch's memory is given back before the run begins."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from components.recipes.recipe import Recipe
from components.stage import leave_out
from components.storage.atomic import read_json, read_object
from components.storage.workspace import Workspace
from components.training.forecast.found import Forecast, Measured
from flows.following import read_view
from model.config import config_to_dict

if TYPE_CHECKING:
    from concurrent.futures import Future


def training_forecasts(workspace: Workspace, recipe: Recipe, *, has_data: bool = True) -> list[Forecast]:
    """Of every stage of the curriculum, in order. has_data: whether the workspace's data set is the recipe's."""
    measured = measured_stages(workspace, recipe)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        found: Future[list[Forecast]] = process.submit(_forecasts, workspace if has_data else None, recipe, measured)
        return found.result()


def measured_stages(workspace: Workspace, recipe: Recipe) -> dict[str, Measured]:
    """Stage -> how fast it was the last time, where that was with this network and it ran to its end."""
    found = {}
    for name in recipe.curriculum:
        view = read_view(workspace.progress, f"train@{name}")
        losses, config = workspace.losses / f"{name}.json", workspace.checkpoints / name / "config.json"
        if view is None or view.state != "done" or not view.per_second or not (losses.is_file() and config.is_file()):
            continue
        before, now = read_object(config).get("unimed", {}).get("model", {}), config_to_dict(recipe.model)
        if any(before.get(side) != now[side] for side in ("llm", "vit")):
            continue
        rows: list[dict[str, float]] = read_json(losses)  # type: ignore[assignment]
        found[name] = Measured(
            steps_per_second=view.per_second,
            tokens_per_step=sum(row["tokens"] for row in rows) / rows[-1]["step"],
            around_seconds=max(0.0, view.counted_at - view.started_at),
        )
    return found


def _forecasts(workspace: Workspace | None, recipe: Recipe, measured: dict[str, Measured]) -> list[Forecast]:
    leave_out("train")  # half of the seconds that this takes would be their imports
    from components.training.forecast.forecast import forecasts

    return forecasts(workspace, recipe, measured)
