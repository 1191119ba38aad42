"""Finished weights in a folder, in the published layout.

`ema.safetensors` (network), `ae.safetensors` (autoencoder), `llm_config.json`, `vit_config.json`, `vae_config.json`, and
`config.json`, whose block `unimed` holds the whole ModelConfig. A folder without that block is read as published weights.
A network without a ViT has no vit_config.json; one without a generation side has no autoencoder and no vae_config.json.
Loading is strict, one tensor at a time, and nothing is ever unpickled.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.config import ModelConfig, config_from_dict, config_to_dict
from model.published import llm_config_json, published_model_config, vae_config_json, vit_config_json
from model.tensor_files import (
    INDEX,
    EachTensor,
    LazyTensor,
    check_fit,
    lazy,
    open_tensors,
    read_tensors,
    weight_files,
    write_shards,
    write_tensors,
)
from model.unimedvl import UniMedVL

NETWORK_FILE = "ema.safetensors"
RAW_FILE = "model.safetensors"
"""Weights that are no moving average; read where there is no NETWORK_FILE."""
NETWORK_FILES = (NETWORK_FILE, "ema_bf16.safetensors", RAW_FILE, "model_bf16.safetensors")
AUTOENCODER_FILE = "ae.safetensors"
CONFIG_FILE = "config.json"
CONFIG_FORMAT = 1

_AUTOENCODER_PREFIX = "vae_model."
_WRAPPERS = ("module.", "model.")
"""What a trainer's wrapper puts before every name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint whose tensors are not read yet, under their published names."""

    config: ModelConfig
    network: Mapping[str, LazyTensor]
    autoencoder: Mapping[str, LazyTensor]
    """Empty when only the network was saved, or the network draws nothing."""
    stored_config: Mapping[str, Any] = field(default_factory=dict)
    """config.json as stored; empty where published weights have none."""

    @property
    def image_settings(self) -> Mapping[str, Any]:
        """How its images were prepared; empty when the checkpoint does not say."""
        return self.stored_config.get("unimed", {}).get("image_settings") or {}

    def check(self) -> None:
        """Raises ValueError that lists each weight of the network or the autoencoder that does not fit the config."""
        check_fit(self.network, _without_memory(self.config).state_dict(), "network weights")
        if self.config.vae is None:
            return
        if not self.autoencoder:
            raise ValueError(f"the checkpoint has no {AUTOENCODER_FILE}; an autoencoder is part of a checkpoint")
        with torch.device("meta"):
            expected = Autoencoder(self.config.vae).published_state()
        check_fit(self.autoencoder, expected, "autoencoder weights")

    def cast(self, dtype: torch.dtype | None) -> "Checkpoint":
        """The same weights in another dtype; None leaves each as it is stored."""
        network = {name: tensor.cast(dtype) for name, tensor in self.network.items()}
        return replace(self, network=network, autoencoder={k: v.cast(dtype) for k, v in self.autoencoder.items()})


def open_checkpoint(directory: Path) -> Checkpoint:
    """The checkpoint in a folder; only headers and configs are read. Raises FileNotFoundError or ValueError.

    Tensors of an autoencoder may lie in its own file or beside the network's, as published code can save them. Beside a
    network without a generation side they belong to nothing and are left out.
    """
    network, beside = _routed(open_tensors(weight_files(directory, NETWORK_FILES)))
    own = directory / AUTOENCODER_FILE
    if own.is_file():
        beside = {name.replace("module.", ""): tensor for name, tensor in open_tensors([own]).items()}
    config, stored = _config(directory, network)
    autoencoder = beside if config.vae is not None else {}
    return Checkpoint(config=config, network=network, autoencoder=autoencoder, stored_config=stored)


def write_checkpoint(
    directory: Path,
    checkpoint: Checkpoint,
    image_settings: Mapping[str, Any],
    *,
    max_shard_bytes: int | None = None,
    progress: EachTensor | None = None,
) -> None:
    """Writes the published layout into an existing folder; the same weights give the same bytes.

    image_settings is stored as it is, for whoever prepares images. With max_shard_bytes the network lies in shards of
    model.safetensors. The caller owns the tokenizer's files and an atomic hand-over.
    """
    config, total = checkpoint.config, len(checkpoint.network) + len(checkpoint.autoencoder)

    def each(done: int, _: int, name: str) -> None:
        if progress:
            progress(done, total, name)

    if max_shard_bytes is None:
        write_tensors(directory / NETWORK_FILE, checkpoint.network, each)
    else:
        write_shards(directory, RAW_FILE, checkpoint.network, max_shard_bytes, each)
    if checkpoint.autoencoder:
        before = len(checkpoint.network)
        write_tensors(
            directory / AUTOENCODER_FILE, checkpoint.autoencoder, lambda done, _, name: each(before + done, total, name)
        )
    _write_json(directory / "llm_config.json", llm_config_json(config.llm))
    if config.vit is not None:
        _write_json(directory / "vit_config.json", vit_config_json(config.vit))
    if config.vae is not None:
        _write_json(directory / "vae_config.json", vae_config_json(config.vae))
    block = {
        "format": CONFIG_FORMAT,
        "model": config_to_dict(config),
        "is_published_form": config.is_published_form,
        "image_settings": dict(image_settings),
    }
    _write_json(
        directory / CONFIG_FILE,
        {"architectures": ["UniMedVL"], "model_type": "unimedvl", "unimed": block},
    )


def save_checkpoint(
    directory: Path,
    model: UniMedVL,
    autoencoder: Autoencoder,
    image_settings: Mapping[str, Any],
    *,
    state: Mapping[str, Tensor] | None = None,
) -> None:
    """write_checkpoint of what is in memory. state: weights in place of the model's own (a moving average), same names."""
    tensors = model.state_dict() if state is None else dict(state)
    check_fit(tensors, model.state_dict(), "weights to save")
    checkpoint = Checkpoint(config=model.config, network=lazy(tensors), autoencoder=lazy(autoencoder.published_state()))
    write_checkpoint(directory, checkpoint, image_settings)


def save_network(
    directory: Path,
    model: UniMedVL,
    image_settings: Mapping[str, Any],
    *,
    max_shard_bytes: int | None = None,
    progress: EachTensor | None = None,
) -> None:
    """write_checkpoint of a network alone. Raises FileExistsError when the folder holds a network under another name."""
    directory.mkdir(parents=True, exist_ok=True)
    own = NETWORK_FILE if max_shard_bytes is None else RAW_FILE + INDEX
    other = [
        name for file in NETWORK_FILES for name in (file, file + INDEX) if name != own and (directory / name).exists()
    ]
    if other:
        raise FileExistsError(f"{directory} holds another network, {other[0]}; remove it or save somewhere else")
    checkpoint = Checkpoint(config=model.config, network=lazy(model.state_dict()), autoencoder={})
    write_checkpoint(directory, checkpoint, image_settings, max_shard_bytes=max_shard_bytes, progress=progress)


def load_checkpoint(
    directory: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> tuple[UniMedVL, Autoencoder, dict[str, Any]]:
    """(network, autoencoder, config.json) from a folder. Raises ValueError that lists every key that does not fit."""
    model, config = load_network(directory, device, dtype)
    return model, load_autoencoder(directory, device, dtype), config


def load_network(
    directory: Path,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = torch.float32,
    progress: EachTensor | None = None,
) -> tuple[UniMedVL, dict[str, Any]]:
    """(network, config.json): for work without images to draw, which spares the import of diffusers.

    dtype None: the smallest that loses nothing of what is stored. Memory: the network's own size and one tensor.
    """
    checkpoint = open_checkpoint(directory)
    model = _without_memory(checkpoint.config)
    check_fit(checkpoint.network, model.state_dict(), "network weights")
    model.load_state_dict(read_tensors(checkpoint.network, dtype, device, progress), assign=True)
    return model.eval(), dict(checkpoint.stored_config)


def load_autoencoder(
    directory: Path, device: torch.device | str = "cpu", dtype: torch.dtype | None = torch.float32
) -> Autoencoder:
    """The autoencoder of a folder. Raises ValueError when it has none, or lists every key that does not fit."""
    checkpoint = open_checkpoint(directory)
    config = checkpoint.config.require_vae()
    if not checkpoint.autoencoder:
        raise ValueError(f"checkpoint {directory} has no {AUTOENCODER_FILE}; an autoencoder is part of a checkpoint")
    with torch.device("meta"):
        autoencoder = Autoencoder(config)
    check_fit(checkpoint.autoencoder, autoencoder.published_state(), "autoencoder weights")
    autoencoder.load_published_state(read_tensors(checkpoint.autoencoder, dtype, device))
    return autoencoder.eval()


def read_config(directory: Path) -> tuple[ModelConfig, dict[str, Any]]:
    """(ModelConfig, config.json as stored; {} where published weights have none)."""
    checkpoint = open_checkpoint(directory)
    return checkpoint.config, dict(checkpoint.stored_config)


def _config(directory: Path, network: Mapping[str, LazyTensor]) -> tuple[ModelConfig, dict[str, Any]]:
    path = directory / CONFIG_FILE
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    block = stored.get("unimed")
    if block is None:
        return published_model_config(directory, {key: tensor.shape for key, tensor in network.items()}), stored
    if block.get("format") != CONFIG_FORMAT:
        raise ValueError(f"{path}: unimed.format is {block.get('format')!r}, this code reads {CONFIG_FORMAT}")
    return config_from_dict(block["model"]), stored


def _routed(tensors: Mapping[str, LazyTensor]) -> tuple[dict[str, LazyTensor], dict[str, LazyTensor]]:
    """(the network's, the autoencoder's) tensors of one file under their own names."""
    network: dict[str, LazyTensor] = {}
    autoencoder: dict[str, LazyTensor] = {}
    for stored, tensor in tensors.items():
        name = _unwrapped(stored)
        home = network
        if name.startswith(_AUTOENCODER_PREFIX):
            name, home = _unwrapped(name.removeprefix(_AUTOENCODER_PREFIX)), autoencoder
        if name in home:
            raise ValueError(f"{name} is stored twice, with and without a prefix (here as {stored}); keep one")
        home[name] = tensor
    return network, autoencoder


def _unwrapped(name: str) -> str:
    while name.startswith(_WRAPPERS):
        name = name.partition(".")[2]
    return name


def _without_memory(config: ModelConfig) -> UniMedVL:
    with torch.device("meta"):
        return UniMedVL(config)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
