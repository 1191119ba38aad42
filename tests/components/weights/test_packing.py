"""A start holds the weights as they are, all that they were trained on, and what they are."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.assembly.selection.started import Seen
from components.recipes.recipe import Recipe
from components.recipes.shipped import read_shipped
from components.sources.former_keys import FormerKeys
from components.sources.starts import FACTS, SCORES, SEEN, open_start
from components.storage.atomic import read_object, write_json
from components.storage.file_hashes import checkpoint_sha256, file_sha256
from components.storage.workspace import Workspace
from components.weights.importing import open_published, write_incoming
from components.weights.packing import Making, write_start
from model.weights import NETWORK_FILE, RAW_FILE
from tests.components.assembly.conftest import assemble_validated, make_corpus, write_validated

MAKING = Making(hours=1.5, processor="a processor, avx2", torch="2.0")
SOURCES = ("mri", "ct", "tissue", "scan")


@pytest.fixture
def recipe() -> Recipe:
    start = read_shipped("tiny-start")
    return replace(start, sources=dict.fromkeys(SOURCES, next(iter(start.sources.values()))))


@pytest.fixture
def workspace(tmp_path: Path, published: Path, recipe: Recipe) -> Workspace:
    """A workspace whose run is over."""
    workspace = Workspace(tmp_path / "workspace")
    write_validated(workspace, make_corpus())
    data = assemble_validated(workspace.root, start=recipe.start)
    checkpoint = workspace.checkpoints / recipe.final_stage
    opened = open_published(published)
    checkpoint.mkdir(parents=True)
    write_incoming(opened, checkpoint, {"side": 28})
    shutil.copyfile(checkpoint / NETWORK_FILE, checkpoint / RAW_FILE)
    about = {
        "weights_sha256": checkpoint_sha256(checkpoint),
        "dataset_id": read_object(data / "manifest.json")["dataset_id"],
    }
    write_json(workspace.evaluation / "evaluation.json", about)
    (workspace.evaluation / "scores").mkdir()
    (workspace.evaluation / "scores" / SCORES).write_bytes(b"a score an item")
    write_json(workspace.evaluation / "metrics.json", {"vqa/pool/accuracy": 0.5})
    return workspace


def test_a_start_is_the_checkpoint_with_what_it_was_trained_on_and_what_it_is(workspace, recipe):
    facts = write_start(workspace, recipe, "small-1", workspace.starts / "small-1", MAKING)
    start = open_start(workspace, "small-1", file_sha256(workspace.starts / "small-1" / FACTS))
    checkpoint = workspace.checkpoints / recipe.final_stage
    for file in checkpoint.iterdir():
        if file.name == RAW_FILE:
            continue
        assert (start.folder / file.name).read_bytes() == file.read_bytes()
    assert not (start.folder / RAW_FILE).exists(), "weights that are no moving average are no part of it"
    assert facts["weights_sha256"] == checkpoint_sha256(checkpoint) and facts["hours"] == 1.5
    assert facts["steps"].keys() == {"autoencoder", "vision", *recipe.curriculum}
    assert start.described["licences"]["ct"] == ["CC0"] and facts["metrics"] == {"vqa/pool/accuracy": 0.5}
    card = (start.folder / "README.md").read_text()
    assert f"sha256 `{facts['weights_sha256']}`" in card and "- ct: CC0" in card and "{" not in card


def test_what_it_was_trained_on_is_the_training_side_and_nothing_else(workspace, recipe):
    facts = write_start(workspace, recipe, "small-1", workspace.starts / "small-1", MAKING)
    start = open_start(workspace, "small-1", file_sha256(workspace.starts / "small-1" / FACTS))
    (path,) = workspace.dataset.glob("decisions-*.parquet")
    rows = pq.read_table(path).to_pylist()
    trained = [row for row in rows if (row["bin"], row["split"]) == ("kept", "train")]
    seen = Seen.read(start, FormerKeys())
    assert facts["images"] == len(trained) == sum(seen.patients.values()) == pq.read_table(start.folder / SEEN).num_rows
    assert set(seen.patients) == {row["patient_key"] for row in trained}
    held_out = {row["patient_key"] for row in rows if row["split"] in ("test", "val")}
    assert held_out and held_out.isdisjoint(seen.patients)


def test_weights_that_began_with_a_start_or_are_of_another_run_are_not_packed(workspace, recipe):
    folder = workspace.starts / "small-1"
    begun = replace(recipe, start=replace(recipe.start, source="shipped:other", sha256="0" * 64))
    with pytest.raises(ValueError, match=r"began with shipped:other, .*train one from nothing"):
        write_start(workspace, begun, "small-1", folder, MAKING)
    write_json(workspace.evaluation / "evaluation.json", {"weights_sha256": "other", "dataset_id": "other"})
    with pytest.raises(ValueError, match=r"evaluation.json is of other weights or data"):
        write_start(workspace, recipe, "small-1", folder, MAKING)
    assert not folder.exists()
