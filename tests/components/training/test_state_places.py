"""States in a bucket: each rank sends its files, the manifest makes them count, and any rank on any node has them again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from components.recipes.recipe import Recipe
from components.storage.object_store import ObjectStore
from components.storage.s3 import UnreadableS3
from components.storage.workspace import Workspace
from components.training.loop import Learner
from components.training.state import StateStore, TrainingState
from components.training.state_places import Bucket
from components.training.world import World
from model.weights import load_checkpoint
from tests.components.training.test_optimizer import learner
from tests.fixtures.moto_server import moto_store


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with moto_store(monkeypatch) as found:
        yield found


@pytest.fixture
def student(started: Workspace, recipe: Recipe) -> Learner:
    return learner(load_checkpoint(started.checkpoints / "start")[0], recipe)


def saved(bucket: ObjectStore, folder: Path, student: Learner, *steps: int) -> torch.Tensor:
    """Saves after these steps, a weight one higher each; the weight."""
    store, weight = StateStore(Bucket(bucket, folder), World()), student.model.llm2vae.weight
    for step in steps:
        with torch.no_grad():
            weight += 1
        store.save(TrainingState(step=step, skipped=0, planner={"draws": step}, losses={"rows": []}), student)
    store.settle()
    return weight


def test_a_node_that_has_nothing_goes_on_from_the_newest_state_of_another(bucket, tmp_path, student):
    weight = saved(bucket, tmp_path / "one", student, 1, 2, 3)
    after = weight.detach().clone()
    assert {name.partition("/")[0] for name in bucket.names()} == {"step-000002", "step-000003"}
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["step-000003"], "the node keeps one"
    with torch.no_grad():
        weight.zero_()
    found = StateStore(Bucket(bucket, tmp_path / "other"), World()).load_newest(student)
    assert found is not None and found.step == 3 and torch.equal(weight, after)


@pytest.mark.parametrize("damage", ["other bytes", "gone"])
def test_a_state_of_which_an_object_is_damaged_does_not_count(bucket, tmp_path, student, damage):
    weight = saved(bucket, tmp_path / "one", student, 1, 2)
    name = "step-000002/rank-00000.safetensors"
    if damage == "gone":
        bucket.below(name.partition("/")[0]).remove()
        bucket.write("step-000002/manifest.json", b'{"format": 2, "ranks": []}')
    else:
        bucket.write(name, bytes(bucket.size(name) or 0))
    before = weight.detach().clone()
    found = StateStore(Bucket(bucket, tmp_path / "other"), World()).load_newest(student)
    assert found is not None and found.step == 1 and torch.equal(weight, before - 1)


def test_a_state_whose_manifest_never_came_does_not_count_and_goes_with_the_next(bucket, tmp_path, student):
    saved(bucket, tmp_path / "one", student, 1)
    bucket.write("step-000002/rank-00000.safetensors", b"half")
    store = StateStore(Bucket(bucket, tmp_path / "other"), World())
    found = store.load_newest(student)
    assert found is not None and found.step == 1
    saved(bucket, tmp_path / "one", student, 3)
    assert {name.partition("/")[0] for name in bucket.names()} == {"step-000001", "step-000003"}


def test_a_bucket_that_stays_away_is_an_error_at_the_next_step(bucket, tmp_path, student):
    gone = ObjectStore(bucket.url, "http://127.0.0.1:9", 0.0)
    store = StateStore(Bucket(gone, tmp_path), World(rank=0))
    with pytest.raises(UnreadableS3, match="check the AWS variables"):
        store.save(TrainingState(step=1, skipped=0, planner={}, losses={}), student)
