"""A worker that sees neither the workspace nor our code trains to the bytes of none, by way of the DVC remote alone."""

import hashlib
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from components.context import StageContext
from components.recipes.recipe import Recipe
from components.storage.atomic import read_object
from components.storage.dvc_objects import object_name
from components.storage.dvc_repository import ensure_initialised, open_repo
from components.storage.workspace import Workspace
from components.training.run import train_stage
from components.training.stage import stage_job, train
from components.training.state_folders import forget_states
from components.training.world import World
from tests.components.training.conftest import context
from tests.fixtures.nodes import can_unshare, cluster
from tests.fixtures.seaweed import WEED, objects, server

BUCKET = "store"
RAY = {"RAY_TRAIN_V2_ENABLED": "1", "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2", "RAY_TRAIN_METRICS_ENABLED": "0"}
STAGES = """stages:
  assemble: {cmd: "true", outs: [data/unimed]}
  start: {cmd: "true", outs: [checkpoints/start]}
"""


def recorded(workspace: Workspace) -> None:
    """dvc.lock and the cache know data set and start, as after their stages; the remote has nothing yet."""
    for path in (workspace.dataset, workspace.checkpoints / "start"):
        there = path.resolve()
        path.unlink()
        shutil.copytree(there, path)
    (workspace.root / "dvc.yaml").write_text(STAGES)
    ensure_initialised(workspace)
    with open_repo(workspace) as repo:
        repo.commit(None, force=True)
        with repo.config.edit("repo") as settings:
            settings["core"]["remote"] = "store"
            settings["remote"]["store"] = {"url": f"s3://{BUCKET}/data"}


def sha256(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def train_foundation(root: Path, recipe: Recipe) -> None:
    """The stage in a process of its own, as a run starts it: Ray keeps the first way to authenticate that a process knew."""
    train(context(root, recipe, "foundation"))


def said(ctx: StageContext) -> str:
    return ctx.progress.path.read_text()


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.skipif(not can_unshare(), reason="no mount namespaces on this machine")
@pytest.mark.skipif(not WEED.exists(), reason="weed, the S3 server, is not installed")
def test_a_worker_that_sees_no_workspace_gives_the_bytes_of_none(workspace: Workspace, recipe: Recipe, monkeypatch):
    recorded(workspace)
    recipe = replace(recipe, compute=replace(recipe.compute, workers=1))
    ctx = context(workspace.root, recipe, "foundation")
    job = replace(stage_job(ctx, "alone"), checkpoint=workspace.root / "alone", losses=workspace.root / "alone.json")
    assert train_stage(job, World(), hooks=[], should_stop=lambda: False, say=print)
    with server(BUCKET) as store, cluster(store) as nodes:
        for name, value in (nodes.environment | RAY).items():
            monkeypatch.setenv(name, value)
        nodes.start(1)
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(train_foundation, workspace.root, recipe).result()
        assert "do not see the workspace" in said(ctx) and "fetches" in said(ctx)
        assert sha256(workspace.checkpoints / "foundation") == sha256(workspace.root / "alone")
        assert (workspace.losses / "foundation.json").read_bytes() == (workspace.root / "alone.json").read_bytes()
        held = objects(BUCKET, store)
        assert any(key.startswith("data/unimed/training/") for key in held), "states lie there until all is recorded"
        images = {s["md5"] for s in read_object(workspace.dataset / "manifest.json")["shards"] if s["kind"] == "images"}
        assert images and not any(object_name(md5) in key for md5 in images for key in held), (
            "what is not trained on stays"
        )
        forget_states(workspace, ["foundation"])
        assert not any(key.startswith("data/unimed/") for key in objects(BUCKET, store))
    assert nodes.environment["AWS_SECRET_ACCESS_KEY"] not in said(ctx)
