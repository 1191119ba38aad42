"""Our weights for public code: the published files under their published names."""

from pathlib import Path
from typing import TYPE_CHECKING

from components.storage.atomic import atomic_folder
from components.weights.importing import Incoming, open_published, write_incoming
from components.weights.tokenizer import FILES, save_tokenizer

if TYPE_CHECKING:
    from model.config import ModelConfig
    from model.tensor_files import EachTensor


def open_for_export(folder: Path) -> Incoming:
    """The checkpoint in the folder. Raises ValueError when it does not fit itself or public code cannot hold it."""
    opened = open_published(folder)
    config = opened.checkpoint.config
    if not config.is_published_form:
        stem, folded = config.vit.stem if config.vit else (), config.vae.pixel_patch if config.vae else 1
        raise ValueError(
            f"{folder} is no network that public code can hold: model.vit.stem is {list(stem)} (published: []), "
            f"model.vae.pixel_patch is {folded} (published: 1), model.residual_velocity is "
            f"{str(config.residual_velocity).lower()} (published: false); train a recipe with the published values"
        )
    return opened


def export(opened: Incoming, target: Path, *, dtype: str, progress: "EachTensor | None" = None) -> None:
    """Writes the folder, whole or not at all, with the tokenizer in Qwen2's four files. Raises ValueError if it exists."""
    check_target(target)
    with atomic_folder(target) as folder:
        write_incoming(opened, folder, opened.checkpoint.image_settings, dtype=dtype, progress=progress)
        if any(not (folder / name).is_file() for name in FILES):
            save_tokenizer(opened.tokenizer, folder)


def check_target(target: Path) -> None:
    """Raises ValueError unless the folder can be made: it does not exist, or is empty."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{target} exists already; name a new folder")


def departures(config: "ModelConfig") -> list[str]:
    """What public code has to be told, since its constants say otherwise."""
    from model.published import flux_vae_config

    found = []
    if config.vit is None:
        found.append("the network has no ViT: build public code's network with visual_und=False")
    if config.vae is None:
        found.append("the network has no generation side: build public code's network with visual_gen=False")
    elif config.vae != flux_vae_config():
        found.append(
            "the autoencoder is not FLUX's: public code takes its shape and scale from vae_config.json by hand"
        )
    if config.llm.experts != "mot" or not config.llm.qk_norm:
        found.append(
            "experts or query-key norms are not the published ones: see layer_module and qk_norm in llm_config.json"
        )
    return found
