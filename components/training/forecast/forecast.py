"""The forecast of the curriculum's stages: from shapes, the data set where there is one, and what earlier runs took."""

from collections.abc import Mapping

from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.training.forecast.data import Data, epochs, read_data
from components.training.forecast.disk import output_bytes, state_bytes, states_bytes
from components.training.forecast.fit import fits, what_would_fit
from components.training.forecast.found import Forecast, Machine, Measured, Memory
from components.training.forecast.machine import this_machine
from components.training.forecast.memory import memory_of
from components.training.forecast.tokens import Tokens, typical_forward, typical_samples
from components.training.forecast.weights import stage_weights
from components.training.forecast.work import stage_time


def forecasts(workspace: Workspace | None, recipe: Recipe, measured: Mapping[str, Measured]) -> list[Forecast]:
    """Of every stage of the curriculum, in order. workspace: whose data set counts, if any does; measured: by stage."""
    machine = this_machine()
    found = []
    for name, stage in recipe.curriculum.items():
        data = read_data(workspace.dataset, workspace.checkpoints / "start", recipe, stage) if workspace else None
        found.append(forecast(recipe, name, machine, data=data, measured=measured.get(name)))
    return found


def forecast(
    recipe: Recipe, name: str, machine: Machine, *, data: Data | None = None, measured: Measured | None = None
) -> Forecast:
    """The forecast of a stage; data: of the sealed data set, measured: of a run of this workspace, where there are any."""
    stage = recipe.curriculum[name]
    samples = {**typical_samples(recipe, stage), **(data.samples if data else {})}

    def forward(other: Recipe) -> Tokens:
        return typical_forward(other, other.curriculum[name], samples)

    def memory(other: Recipe) -> Memory:
        return memory_of(other, other.curriculum[name], forward(other))

    weights, needed = stage_weights(recipe.model, stage), memory(recipe)
    has_room = fits(recipe, needed, machine)
    training = recipe.training
    return Forecast(
        stage=name,
        trained=weights.num_trained,
        frozen=weights.num_all - weights.num_trained,
        ranks=max(recipe.compute.workers, 1),
        memory=needed,
        forward=forward(recipe),
        is_counted=bool(data and data.samples),
        machine=machine,
        fits=has_room,
        would_fit=() if has_room else tuple(what_would_fit(recipe, name, memory, machine)),
        state_bytes=state_bytes(weights),
        states_bytes=states_bytes(weights),
        output_bytes=output_bytes(weights),
        steps=stage.steps,
        tokens=stage.steps * training.sequences_per_step * stage.room(training),
        epochs=epochs(recipe, stage, data, samples) if data else None,
        time=stage_time(recipe, stage, forward(recipe), machine, measured),
    )
