"""MLflow watches a training stage and has no part in it: whenever its server comes and goes, same bytes and a whole curve."""

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.context import StageContext, StageRun
from components.recipes.recipe import Recipe
from components.registry.sending import send_waiting
from components.registry.tracking import connect
from components.registry.watching import watched
from components.storage.workspace import Workspace
from components.training.stage import train
from tests.components.training.conftest import context
from tests.fixtures.mlflow_server import MlflowServer

SECONDS = 90.0


class Paced:
    """A stage's run that waits behind each row until the test says go; it travels to a worker as the run itself does."""

    def __init__(self, run: StageRun, folder: Path) -> None:
        self._run, self._folder = run, folder

    def params(self, values: Mapping[str, Any]) -> None:
        self._run.params(values)

    def dataset(self, dataset_id: str, context: str) -> None:
        self._run.dataset(dataset_id, context)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._run.log(step, metrics)
        (self._folder / f"at-{step}").touch()
        wait_for((self._folder / f"go-{step}").exists)


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"{holds} did not come true"
        time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowServer]:
    for name, value in (("RAY_AUTH_MODE", "disabled"), ("RAY_TRAIN_V2_ENABLED", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
    monkeypatch.setenv("RAY_TRAIN_METRICS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    made = MlflowServer(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.url)
    yield made
    made.stop()


def stage(workspace: Workspace, recipe: Recipe, workers: int) -> StageContext:
    """`foundation`, long enough for three rows."""
    curriculum = {**recipe.curriculum, "foundation": replace(recipe.curriculum["foundation"], steps=30)}
    training = replace(recipe.training, save_every=30)
    compute = replace(recipe.compute, workers=workers)
    numbers = replace(recipe, compute=compute, curriculum=curriculum, training=training)
    return context(workspace.root, numbers, "foundation")


def made(workspace: Workspace) -> tuple[str, bytes]:
    weights = workspace.checkpoints / "foundation" / "ema.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest(), (workspace.losses / "foundation.json").read_bytes()


def train_paced(ctx: StageContext, does: dict[int, list[Callable[[], object]]]) -> None:
    """Train; behind each row do what is to be done there before the next step."""
    folder = ctx.workspace.root / "pace"
    folder.mkdir()
    failed: list[BaseException] = []

    @contextmanager
    def tracker(name: str, key: str, /) -> Iterator[StageRun]:
        with watched(ctx.workspace, name, key) as run:
            yield Paced(run, folder)

    def conduct() -> None:
        for step, work in does.items():
            try:
                wait_for((folder / f"at-{step}").exists)
                for one in work:
                    one()
            except BaseException as error:
                failed.append(error)
            (folder / f"go-{step}").touch()

    conductor = threading.Thread(target=conduct)
    conductor.start()
    train(replace(ctx, tracker=tracker))
    conductor.join()
    assert not failed, failed


def curve(workspace: Workspace) -> list[tuple[int, float]]:
    tracking = connect(workspace)
    runs = tracking.client.search_runs([tracking.experiment_id])
    history = [tracking.client.get_metric_history(run.info.run_id, "train/image_loss") for run in runs]
    return [(point.step, point.value) for points in history for point in points]


def whole(workspace: Workspace) -> list[tuple[int, float]]:
    rows = json.loads((workspace.losses / "foundation.json").read_text())
    assert [row["step"] for row in rows] == [10, 20, 30]
    return [(row["step"], row["image_loss"]) for row in rows]


def is_live(workspace: Workspace, step: int) -> bool:
    return any(told == step for told, _ in curve(workspace))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_server_away_at_start_and_end_or_in_the_middle_costs_nothing(
    workspace: Workspace, recipe: Recipe, server: MlflowServer, workers: int
) -> None:
    ctx = stage(workspace, recipe, workers)
    train(ctx)
    unwatched = made(workspace)
    live = partial(is_live, workspace)

    away = {10: [server.start, lambda: wait_for(lambda: live(10))], 20: [server.stop], 30: []}
    train_again(ctx, away)
    assert made(workspace) == unwatched
    server.start()
    assert curve(workspace) != whole(workspace), "the server was away at the end"
    send_waiting(workspace)
    assert curve(workspace) == whole(workspace)
    if workers == 0:
        train_again(ctx, {10: [lambda: wait_for(lambda: live(10)), server.stop], 20: [server.start], 30: []})
        assert made(workspace) == unwatched
        assert sorted(set(curve(workspace))) == whole(workspace), "what was left is sent at the stage's end"


def train_again(ctx: StageContext, does: dict[int, list[Callable[[], object]]]) -> None:
    """The same stage once more, from its start."""
    workspace = ctx.workspace
    for folder in (workspace.checkpoints / "foundation", workspace.training_state, workspace.root / "pace"):
        shutil.rmtree(folder, ignore_errors=True)
    train_paced(ctx, does)
