"""The start is a whole checkpoint, the same each time, and finished parts survive an interruption."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from components.context import Interrupted
from components.recipes.recipe import Recipe
from components.sources.starts import FACTS, SCHEMA
from components.storage.atomic import write_json
from components.storage.workspace import Workspace
from components.training.start import local_folder, make_start
from components.training.vision_warmup import fact_tables, patchify_batch
from components.weights.tokenizer import TextTokenizer
from model.image_transform import patchify_pixels
from model.weights import load_checkpoint
from tests.components.training.conftest import context


def hashes(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


@pytest.fixture
def empty(tmp_path: Path, started: Workspace) -> Workspace:
    """A workspace with a data set and nothing else."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "unimed").symlink_to(started.dataset.resolve())
    return Workspace(tmp_path)


def test_the_start_loads_with_tokenizer_and_measured_latents(started: Workspace) -> None:
    folder = started.checkpoints / "start"
    model, autoencoder, config = load_checkpoint(folder)
    assert TextTokenizer.load(folder).size <= model.config.llm.vocab_size
    assert autoencoder.config.latents_std != (1.0,) * 4
    assert config["unimed"]["image_settings"]["vit_side"] == [32, 32]
    parts = [row["part"] for row in json.loads((started.losses / "start.json").read_text())]
    assert parts == ["autoencoder", "vision"]


@pytest.mark.parametrize("interrupted_in", ["autoencoder", "vision warm-up"])
def test_an_interrupted_start_ends_with_the_same_bytes(
    empty: Workspace, started: Workspace, recipe: Recipe, interrupted_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context(empty.root, recipe)

    def update(done: float, total: float, message: str = "", **metrics: float) -> None:
        if interrupted_in in message and done == 2:
            ctx.stop.set()

    monkeypatch.setattr(type(ctx.progress), "update", lambda self, *a, **k: update(*a, **k))
    with pytest.raises(Interrupted):
        make_start(ctx)
    assert not (empty.checkpoints / "start").exists()
    kept = {path.name for path in empty.training_state.glob("start-*/*.json")}
    assert kept == ({"autoencoder.json"} if interrupted_in == "vision warm-up" else set())
    ctx.stop.clear()
    interrupted_in = "never"
    make_start(ctx)
    assert hashes(empty.checkpoints / "start") == hashes(started.checkpoints / "start")
    assert (empty.losses / "start.json").read_bytes() == (started.losses / "start.json").read_bytes()


def test_a_damaged_part_is_trained_again(empty: Workspace, started: Workspace, recipe: Recipe) -> None:
    shutil.copytree(started.training_state, empty.training_state)
    for file in empty.training_state.glob("start-*/*.safetensors"):
        file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")
    make_start(context(empty.root, recipe))
    assert hashes(empty.checkpoints / "start") == hashes(started.checkpoints / "start")


def test_a_start_can_be_imported_whole(empty: Workspace, started: Workspace, recipe: Recipe) -> None:
    published = empty.root / "published"
    shutil.copytree(started.checkpoints / "start", published)
    config = load_checkpoint(published)[0].config
    wanted = replace(recipe, model=config, start=replace(recipe.start, source="published"))
    make_start(context(empty.root, wanted))
    assert hashes(empty.checkpoints / "start") == hashes(started.checkpoints / "start")
    assert (empty.losses / "start.json").read_text() == "[\n\n]\n"


def test_weights_of_ours_are_taken_with_the_latents_that_were_measured_for_them(
    empty: Workspace, started: Workspace, recipe: Recipe
) -> None:
    assert recipe.model.require_vae().latents_std == (1.0,) * 4, "the recipe states none"
    wanted = replace(recipe, start=replace(recipe.start, source=(started.checkpoints / "start").as_uri()))
    make_start(context(empty.root, wanted))
    assert hashes(empty.checkpoints / "start") == hashes(started.checkpoints / "start")


def test_latents_that_a_recipe_states_are_the_weights_own(empty: Workspace, started: Workspace, recipe: Recipe) -> None:
    stated = replace(recipe.model, vae=replace(recipe.model.require_vae(), latents_std=(2.0,) * 4))
    source = (started.checkpoints / "start").as_uri()
    with pytest.raises(ValueError, match=r"model.vae.latents_std: recipe \[2.0, 2.0, 2.0, 2.0\], checkpoint"):
        make_start(context(empty.root, replace(recipe, model=stated, start=replace(recipe.start, source=source))))


def test_a_start_of_ours_is_copied_once_its_bytes_are_checked(
    empty: Workspace, started: Workspace, recipe: Recipe
) -> None:
    laid = empty.starts / "small-1"
    shutil.copytree(started.checkpoints / "start", laid)
    write_json(laid / FACTS, {"schema": SCHEMA, "name": "small-1", "files": hashes(laid)})
    named = replace(recipe.start, source="shipped:small-1", sha256=hashes(laid)[FACTS])
    make_start(context(empty.root, replace(recipe, start=named)))
    assert hashes(empty.checkpoints / "start") == hashes(started.checkpoints / "start")
    (laid / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer.json is not the start's own"):
        make_start(context(empty.root, replace(recipe, start=named)))


def test_an_import_of_another_network_lists_what_differs(empty: Workspace, started: Workspace, recipe: Recipe) -> None:
    source = (started.checkpoints / "start").as_uri()
    other = replace(
        recipe,
        model=replace(recipe.model, llm=replace(recipe.model.llm, num_layers=3), latent_patch=1),
        start=replace(recipe.start, source=source),
    )
    with pytest.raises(
        ValueError, match=r"(?s)model.llm.num_layers: recipe 3, checkpoint 1.*model.latent_patch: recipe 1"
    ):
        make_start(context(empty.root, other))


def test_sources_that_are_not_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'https://host/x'; bring the checkpoint"):
        local_folder("https://host/x", tmp_path)
    with pytest.raises(ValueError, match="there is no folder"):
        local_folder("published", tmp_path)


def test_numbers_that_do_not_fit_are_refused_before_training(empty: Workspace, recipe: Recipe) -> None:
    start = recipe.start
    for wrong, message in (
        (
            replace(start, autoencoder=replace(start.autoencoder, crop=64)),
            "crop is 64, larger than start.image_side 32",
        ),
        (replace(start, image_side=36), "start.image_side is 36, not a multiple of model.vit.patch_size 8"),
        (replace(start, image_side=128), "makes 16 patches a side, more than model.vit_max_patches_per_side 8"),
    ):
        with pytest.raises(ValueError, match=message):
            make_start(context(empty.root, replace(recipe, start=wrong)))


def test_facts_become_classes_lists_and_unknowns() -> None:
    facts = [
        {"plane": "axial", "organs": "liver;spleen", "stain": "H&E"},
        {"plane": "coronal", "organs": "", "stain": "H&E"},
        {},
    ]
    tables = {t.name: t for t in fact_tables(facts, {"plane": 1.0, "organs": 0.2, "stain": 1.0, "level": 1.0})}
    assert set(tables) == {"plane", "organs"}, "a fact with one value teaches nothing"
    assert tables["plane"].labels.tolist() == [0, 1, -1]
    assert tables["organs"].labels.tolist() == [[1, 1], [0, 0], [-1, -1]]
    with pytest.raises(ValueError, match="nothing to teach"):
        fact_tables(facts, {"level": 1.0})


def test_batched_patches_are_the_patches_of_each_image() -> None:
    images = torch.randn(2, 3, 8, 12)
    expected = torch.cat([patchify_pixels(image, 4) for image in images])
    torch.testing.assert_close(patchify_batch(images, 4), expected, rtol=0, atol=0)
