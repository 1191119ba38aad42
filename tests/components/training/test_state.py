"""A state is of the moment it was saved at, counts once it is published, and is the only one under way."""

import threading
from pathlib import Path

import pytest
import torch

from components.recipes.recipe import Recipe
from components.storage.atomic import read_object
from components.storage.workspace import Workspace
from components.training import state as states
from components.training.loop import Learner
from components.training.state import StateStore, TrainingState
from components.training.state_places import MANIFEST, SharedFolder
from components.training.world import World
from model.weights import load_checkpoint
from tests.components.training.test_optimizer import learner


@pytest.fixture
def student(started: Workspace, recipe: Recipe) -> Learner:
    return learner(load_checkpoint(started.checkpoints / "start")[0], recipe)


def at(step: int) -> TrainingState:
    return TrainingState(step=step, skipped=0, planner={"draws": step}, losses={"rows": []})


def complete(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"step-*/{MANIFEST}"))


def test_what_is_trained_while_a_state_is_written_is_not_in_it(tmp_path: Path, student: Learner) -> None:
    store = StateStore(SharedFolder(tmp_path), World())
    weight = student.model.llm2vae.weight
    before = weight.detach().clone()
    store.save(at(1), student)
    with torch.no_grad():
        weight += 1
    assert complete(tmp_path) == [], "it counts when it is published"
    store.settle()
    assert complete(tmp_path) == ["step-000001"] and not store.has_written
    found = store.load_newest(student)
    assert found == at(1) and torch.equal(weight, before)


def test_one_save_is_under_way_and_the_two_newest_states_are_kept(
    tmp_path: Path, student: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, real, running = threading.Event(), states.write_parts, []

    def slow(*parts: object) -> object:
        gate.wait(60)
        running.append(sum(thread.name.startswith("state-") for thread in threading.enumerate()))
        return real(*parts)  # type: ignore[arg-type]

    monkeypatch.setattr(states, "write_parts", slow)
    store = StateStore(SharedFolder(tmp_path), World())
    store.save(at(1), student)
    assert not store.has_written
    gate.set()
    for step in (2, 3):
        store.save(at(step), student)
        assert complete(tmp_path)[-1] == f"step-{step - 1:06d}", "the one before is complete"
    store.settle()
    assert running == [1, 1, 1]
    assert complete(tmp_path) == ["step-000002", "step-000003"]
    assert sorted(path.name for path in tmp_path.iterdir()) == complete(tmp_path)


def test_a_disk_that_takes_no_more_is_an_error_at_the_next_step(
    tmp_path: Path, student: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(states, "write_parts", full)
    store = StateStore(SharedFolder(tmp_path), World())
    store.save(at(1), student)
    with pytest.raises(OSError, match="no space left"):
        store.settle()
    assert complete(tmp_path) == []


def test_a_state_is_files_of_tensors_and_json_without_frozen_weights(tmp_path: Path, student: Learner) -> None:
    student.model.vit_pos_embed.pos_embed.requires_grad_(False)
    store = StateStore(SharedFolder(tmp_path), World())
    store.save(at(1), student)
    store.settle()
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".safetensors", ".json"}
    (card,) = read_object(tmp_path / "step-000001" / MANIFEST)["ranks"]
    trained = {name for name, p in student.model.named_parameters() if p.requires_grad}
    kinds = ("model/{}", "average/{}", "optimizer/{}/step", "optimizer/{}/exp_avg", "optimizer/{}/exp_avg_sq")
    assert set(card["parts"]) == {kind.format(name) for name in trained for kind in kinds}


def test_a_save_by_time_is_the_first_ranks_to_ask_for(tmp_path: Path) -> None:
    assert StateStore(SharedFolder(tmp_path), World(), every_seconds=0).is_late
    assert not StateStore(SharedFolder(tmp_path), World(), every_seconds=3600).is_late
    assert not StateStore(SharedFolder(tmp_path), World(rank=1, size=2), every_seconds=0).is_late
