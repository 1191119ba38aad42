"""What telling MLflow about a training costs its loop, while MLflow's server is stopped and started again and again.

    python -m tests.benchmarks.watching [--steps 300] [--workers 0 2]

A stage of the tests' small network, whose steps are so short that the telling weighs as much as it ever can; alone, and with
two workers. Summed are the seconds that the loop spends in telling its rows, beside those from the first row to the last.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.context import StageContext, StageRun
from components.recipes.recipe import Recipe
from components.registry.sending import send_waiting
from components.registry.tracking import connect
from components.registry.watching import watched
from components.storage.workspace import Workspace
from components.training.stage import train
from components.training.start import make_start
from tests.benchmarks.figures import Figure, report, share, within
from tests.components.training import conftest as small
from tests.fixtures.mlflow_server import MlflowServer

GOAL = 0.01
PAUSE_SECONDS = 3.0
ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "PYTHONPATH": str(Path(__file__).parents[2]),
}


class Timed:
    """A stage's run that notes how long each row takes; it travels to a worker as the run itself does."""

    def __init__(self, run: StageRun, notes: Path) -> None:
        self._run, self._notes = run, notes

    def params(self, values: Mapping[str, Any]) -> None:
        self._run.params(values)

    def dataset(self, dataset_id: str, context: str) -> None:
        self._run.dataset(dataset_id, context)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        begun = time.monotonic()
        self._run.log(step, metrics)
        ended = time.monotonic()
        with self._notes.open("a") as file:
            file.write(json.dumps([step, begun, ended]) + "\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    given = parser.parse_args(arguments)
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="unimed-bench-") as folder:
        return report("watching", measured(Path(folder), given.steps, given.workers))


def measured(folder: Path, steps: int, numbers: Sequence[int]) -> Iterator[Figure]:
    """Share of the loop without and with workers, and of its rows that MLflow has in the end."""
    recipe: Recipe = small.recipe.__wrapped__()  # type: ignore[attr-defined]
    dataset = small.write_dataset(folder / "data" / "unimed", small.conversations())
    make_start(small.context(folder, recipe))
    for workers in numbers:
        root = folder / f"workers-{workers}"
        for name in ("data", "checkpoints"):
            (root / name).mkdir(parents=True)
        (root / "data" / "unimed").symlink_to(dataset.folder)
        (root / "checkpoints" / "start").symlink_to(folder / "checkpoints" / "start")
        ctx = stage(root, recipe, steps, workers)
        server = MlflowServer(root)
        os.environ["MLFLOW_TRACKING_URI"] = server.url
        stops = train_with(ctx, server, root / "notes")
        told, loop, calls = times(root / "notes")
        note = f"{told * 1000:.1f} ms in {calls} rows of {loop:.1f} s; the server was stopped {stops} times"
        yield within(
            f"watching.share_of_loop_{workers}", told / loop, "", GOAL, of="1 %", is_right=stops > 0, note=note
        )
        server.start()
        send_waiting(ctx.workspace)
        rows = len(json.loads((ctx.workspace.losses / "foundation.json").read_text()))
        yield share(f"watching.rows_{workers}", len(curve(ctx.workspace)), "rows", "of the loop", rows, 1.0)
        server.stop()


def stage(root: Path, recipe: Recipe, steps: int, workers: int) -> StageContext:
    curriculum = {**recipe.curriculum, "foundation": replace(recipe.curriculum["foundation"], steps=steps)}
    training = replace(recipe.training, save_every=steps)
    numbers = replace(
        recipe, compute=replace(recipe.compute, workers=workers), curriculum=curriculum, training=training
    )
    return small.context(root, numbers, "foundation")


def train_with(ctx: StageContext, server: MlflowServer, notes: Path) -> int:
    """Train while the server comes and goes; how often it was stopped."""
    over, stops = threading.Event(), 0

    @contextmanager
    def tracker(name: str, key: str, /) -> Iterator[StageRun]:
        with watched(ctx.workspace, name, key) as run:
            yield Timed(run, notes)

    def disturb() -> None:
        nonlocal stops
        while not over.is_set():
            server.start()
            over.wait(PAUSE_SECONDS)
            server.stop()
            stops += 1
            over.wait(PAUSE_SECONDS)

    other = threading.Thread(target=disturb)
    other.start()
    try:
        train(replace(ctx, tracker=tracker))
    finally:
        over.set()
        other.join()
    return stops


def times(notes: Path) -> tuple[float, float, int]:
    """(seconds of telling, seconds of the loop, rows); the driver repeats the rows when the loop is over."""
    rows: dict[int, tuple[float, float]] = {}
    for step, begun, ended in map(json.loads, notes.read_text().splitlines()):
        rows.setdefault(step, (begun, ended))
    spans = sorted(rows.values())
    return sum(ended - begun for begun, ended in spans), spans[-1][1] - spans[0][0], len(spans)


def curve(workspace: Workspace) -> set[int]:
    tracking = connect(workspace)
    runs = tracking.client.search_runs([tracking.experiment_id])
    return {
        point.step for run in runs for point in tracking.client.get_metric_history(run.info.run_id, "train/image_loss")
    }


if __name__ == "__main__":
    sys.exit(main())
