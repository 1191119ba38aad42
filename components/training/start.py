"""The stage `start`: the checkpoint that the curriculum begins with, trained here or imported."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from components.assembly.dataset import Dataset, SampleIndex
from components.context import StageContext
from components.recipes.training import TRAIN
from components.records.sample import Clinical, Text
from components.sources.starts import open_start
from components.storage.atomic import atomic_folder, write_json_rows
from components.storage.keys import keyed_hash, seed_of
from components.storage.recorded_code import recorded_code
from components.training.parts import Part, PartStore
from components.training.state_folders import forget_states, state_folder
from components.weights.tokenizer import save_tokenizer, text_of, train_tokenizer
from model.config import ModelConfig, config_to_dict

if TYPE_CHECKING:
    from components.training.pictures import PictureSet
    from model.autoencoder import Autoencoder
    from model.unimedvl import UniMedVL

UNMEASURED = (("latents_mean", 0.0), ("latents_std", 1.0))
"""Key of `model.vae` -> what it holds of each channel before anything was measured."""


def make_start(ctx: StageContext) -> None:
    """Writes checkpoints/start/ and training/start.json.

    Raises Interrupted when asked to stop (finished parts are kept) and ValueError for what a person can mend.
    """
    from model.device import take_device

    take_device(ctx.recipe.compute.threads)
    if ctx.recipe.start.source == TRAIN:
        rows = _trained(ctx)
    else:
        rows = _imported(ctx)
    write_json_rows(ctx.workspace.losses / "start.json", rows)


def _trained(ctx: StageContext) -> list[dict[str, Any]]:
    from components.training.autoencoder_training import check_autoencoder
    from components.training.pictures import PictureSet
    from components.training.vision_warmup import check_vision
    from model.weights import save_checkpoint

    recipe, config = ctx.recipe, ctx.recipe.model
    settings = recipe.start
    check_autoencoder(config.require_vae(), settings.autoencoder, settings.image_side)
    check_vision(config.require_vit().patch_size, config.vit_max_patches_per_side, settings.image_side)
    dataset = Dataset(ctx.workspace.dataset)
    ctx.progress.say("learning the tokenizer")
    tokenizer = train_tokenizer(corpus(dataset.samples("train")), vocabulary=settings.vocabulary)
    tokenizer.check_fits(config.llm.vocab_size)
    ctx.raise_if_stopped()
    pictures = PictureSet(dataset.images("train"), settings.image_side, with_targets=True)
    parts = PartStore(state_folder(ctx.workspace, "start", part_key(ctx, dataset.dataset_id)))
    autoencoder, autoencoder_rows = _autoencoder(ctx, pictures, parts)
    model, vision_rows = _network(ctx, replace(config, vae=autoencoder.config), dataset, parts)
    with atomic_folder(ctx.workspace.checkpoints / "start") as folder:
        save_checkpoint(folder, model, autoencoder, start_image_settings(ctx))
        save_tokenizer(tokenizer, folder)
    forget_states(ctx.workspace, ["start"], keep=parts.folder)
    return [*autoencoder_rows, *vision_rows]


def _imported(ctx: StageContext) -> list[dict[str, Any]]:
    """Takes a finished checkpoint, ours or a published one, strictly: shapes as the recipe says, tokenizer within the
    vocabulary."""
    from components.weights.importing import open_published, write_incoming

    settings = ctx.recipe.start
    if settings.shipped:
        folder = open_start(ctx.workspace, settings.shipped, settings.sha256).folder
    else:
        folder = local_folder(settings.source, ctx.workspace.root)
    opened = open_published(folder)
    check_same_network(opened.checkpoint.config, ctx.recipe.model, str(folder))

    def each_tensor(done: int, total: int, name: str) -> None:
        ctx.raise_if_stopped()
        ctx.progress.update(done, total, f"importing {folder.name}: {name}")

    image_settings = opened.checkpoint.image_settings or start_image_settings(ctx)
    with atomic_folder(ctx.workspace.checkpoints / "start") as writing:
        write_incoming(opened, writing, image_settings, progress=each_tensor)
    return []


def local_folder(source: str, root: Path) -> Path:
    """The folder of a `file://` URI or of a path (relative to the workspace). Raises ValueError when it is not there."""
    parsed = urlparse(source)
    if parsed.scheme not in ("", "file"):
        raise ValueError(
            f"start.source is {source!r}; bring the checkpoint into the workspace with `unimed weights import` and name its "
            "folder, or use a file:// URI"
        )
    path = Path(url2pathname(parsed.path)) if parsed.scheme else root / source
    if not path.is_dir():
        raise ValueError(f"start.source {source!r}: there is no folder {path}")
    return path


def check_same_network(found: ModelConfig, wanted: ModelConfig, where: str) -> None:
    """Raises ValueError that lists each number of `model` in the recipe that differs from the checkpoint's.

    Mean and deviation of the latents are measured: where the recipe states none (0 and 1), the weights' own hold.
    """
    if found.vae is not None and wanted.vae is not None:
        measured = {
            name: getattr(found.vae, name) for name, none in UNMEASURED if set(getattr(wanted.vae, name)) == {none}
        }
        wanted = replace(wanted, vae=replace(wanted.vae, **measured))
    left, right = _flat(config_to_dict(found)), _flat(config_to_dict(wanted))
    # A side that one of the two lacks has no numbers there.
    pairs = {key: (right.get(key, "has none"), left.get(key, "has none")) for key in {**left, **right}}
    differing = [
        f"model.{key}: recipe {mine}, checkpoint {theirs}" for key, (mine, theirs) in pairs.items() if mine != theirs
    ]
    if differing:
        raise ValueError(f"{where} is another network than the recipe's:\n" + "\n".join(differing))


def corpus(index: SampleIndex) -> list[str]:
    """Every distinct text of the conversations, sorted."""
    texts = {text_of(piece) for *_, layout in index.layouts() for piece in layout if isinstance(piece, Text | Clinical)}
    return sorted(texts)


def part_key(ctx: StageContext, dataset_id: str) -> str:
    """What identifies the work of this stage: its numbers, the data and the code."""
    recipe = ctx.recipe
    numbers = {"seed": recipe.seed, "threads": recipe.compute.threads}
    numbers |= {"model": asdict(recipe.model), "start": asdict(recipe.start)}
    code = recorded_code(ctx.workspace, "start")
    return keyed_hash("start", json.dumps(numbers, sort_keys=True, default=dict), dataset_id, code)


def start_image_settings(ctx: StageContext) -> dict[str, Any]:
    """How the start's images were prepared, for whoever predicts with it."""
    side = ctx.recipe.start.image_side
    return {"side": side, "square": True, "vae_side": [side, side], "vit_side": [side, side]}


def _autoencoder(
    ctx: StageContext, pictures: "PictureSet", parts: PartStore
) -> "tuple[Autoencoder, list[dict[str, Any]]]":
    from components.training.autoencoder_training import train_autoencoder
    from components.training.small_loop import watched
    from model.autoencoder import Autoencoder

    config, settings = ctx.recipe.model.require_vae(), ctx.recipe.start.autoencoder
    affine = ("latents_mean", "latents_std")

    def train() -> Part:
        trained, rows = train_autoencoder(
            config, pictures, settings, seed=ctx.recipe.seed, each_step=watched(ctx, "autoencoder")
        )
        measured = {name: list(getattr(trained.config, name)) for name in affine}
        return Part(trained.published_state(), {**measured, "rows": rows})

    part = parts.get_or_train("autoencoder", train)
    autoencoder = Autoencoder(replace(config, **{name: tuple(part.facts[name]) for name in affine}))
    autoencoder.load_published_state(part.tensors)
    return autoencoder.eval(), part.facts["rows"]


def _network(
    ctx: StageContext, config: ModelConfig, dataset: Dataset, parts: PartStore
) -> "tuple[UniMedVL, list[dict[str, Any]]]":
    import torch

    from components.training.pictures import PictureSet
    from components.training.small_loop import watched
    from components.training.vision_warmup import warm_up_vision
    from model.unimedvl import UniMedVL

    settings = ctx.recipe.start
    model = UniMedVL(config)
    model.init_weights(
        torch.Generator().manual_seed(seed_of(ctx.recipe.seed, "network")),
        residual_scale=settings.residual_scale,
        gen_key_equals_query=settings.gen_key_equals_query,
    )
    if settings.vision.steps == 0:
        return model, []

    def train() -> Part:
        pictures = PictureSet(dataset.images("train"), settings.image_side, with_targets=False)
        rows = warm_up_vision(
            model, pictures, settings.vision, seed=ctx.recipe.seed, each_step=watched(ctx, "vision warm-up")
        )
        return Part(model.vit_model.state_dict(), {"rows": rows})

    part = parts.get_or_train("vision", train)
    model.vit_model.load_state_dict(part.tensors)
    return model, part.facts["rows"]


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found
