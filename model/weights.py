"""Finished weights in a folder, in the published layout.

`ema.safetensors` (network), `ae.safetensors` (autoencoder), `llm_config.json`, `vit_config.json`, `vae_config.json`, and
`config.json`, whose block `unimed` holds the whole ModelConfig. A folder without that block is read as published weights.
Loading is strict. Nothing is ever unpickled.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.config import ModelConfig, config_from_dict, config_to_dict
from model.published import llm_config_json, published_model_config, vae_config_json, vit_config_json
from model.unimedvl import UniMedVL

NETWORK_FILE = "ema.safetensors"
NETWORK_BF16_FILE = "ema_bf16.safetensors"
AUTOENCODER_FILE = "ae.safetensors"
CONFIG_FILE = "config.json"
CONFIG_FORMAT = 1
_AUTOENCODER_PREFIX = "vae_model."


def save_checkpoint(
    directory: Path,
    model: UniMedVL,
    autoencoder: Autoencoder,
    image_settings: Mapping[str, Any],
    *,
    state: Mapping[str, Tensor] | None = None,
) -> None:
    """Writes the published layout into an existing folder; the same weights give the same bytes.

    state: weights to write in place of the model's own (a moving average), under the same names. image_settings is
    stored as it is, for whoever prepares images. The caller owns the tokenizer's files and an atomic hand-over.
    """
    from safetensors.torch import save_file

    config = model.config
    tensors = model.state_dict() if state is None else dict(state)
    check_state(tensors, model.state_dict(), "weights to save")
    save_file(_on_cpu(tensors), directory / NETWORK_FILE, metadata={"format": "pt"})
    save_file(_on_cpu(autoencoder.published_state()), directory / AUTOENCODER_FILE, metadata={"format": "pt"})
    _write_json(directory / "llm_config.json", llm_config_json(config.llm))
    _write_json(directory / "vit_config.json", vit_config_json(config.vit))
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


def load_checkpoint(
    directory: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> tuple[UniMedVL, Autoencoder, dict[str, Any]]:
    """(network, autoencoder, config.json) from a folder. Raises ValueError that lists every key that does not fit."""
    model, config = load_network(directory, device, dtype)
    return model, load_autoencoder(directory, device, dtype), config


def load_network(
    directory: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> tuple[UniMedVL, dict[str, Any]]:
    """(network, config.json): for work without images to draw, which spares the import of diffusers."""
    tensors = _network_tensors(directory)
    config, stored = read_config(directory)
    with torch.device("meta"):
        model = UniMedVL(config)
    load_unimedvl_state(model, {key: value.to(device=device, dtype=dtype) for key, value in tensors.items()})
    return model.eval(), stored


def load_autoencoder(
    directory: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Autoencoder:
    """The autoencoder of a folder; its weights may also lie in the network's file, as published code can save them."""
    config, _ = read_config(directory)
    autoencoder = Autoencoder(config.vae)
    path = directory / AUTOENCODER_FILE
    if path.is_file():
        tensors = {key.replace("module.", ""): value for key, value in _read_tensors(path).items()}
    else:
        network = _read_tensors(_network_file(directory))
        tensors = {
            k.removeprefix(_AUTOENCODER_PREFIX): v for k, v in network.items() if k.startswith(_AUTOENCODER_PREFIX)
        }
        if not tensors:
            raise ValueError(
                f"checkpoint {directory} has no {AUTOENCODER_FILE}; an autoencoder is part of a checkpoint"
            )
    autoencoder.load_published_state(tensors)
    return autoencoder.to(device=device, dtype=dtype).eval()


def read_config(directory: Path) -> tuple[ModelConfig, dict[str, Any]]:
    """(ModelConfig, config.json as stored; {} where published weights have none)."""
    path = directory / CONFIG_FILE
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    block = stored.get("unimed")
    if block is None:
        shapes = {key: tuple(shape) for key, shape in _shapes(_network_file(directory)).items()}
        return published_model_config(directory, shapes), stored
    if block.get("format") != CONFIG_FORMAT:
        raise ValueError(f"{path}: unimed.format is {block.get('format')!r}, this code reads {CONFIG_FORMAT}")
    return config_from_dict(block["model"]), stored


def load_unimedvl_state(model: UniMedVL, tensors: Mapping[str, Tensor]) -> None:
    """Puts tensors in place of the model's weights (also of one without memory). Strict: ValueError lists every misfit."""
    state = model.state_dict()
    check_state(tensors, state, "network weights")
    model.load_state_dict(dict(tensors), assign=True)
    for table in (model.vit_pos_embed, model.latent_pos_embed):
        table.pos_embed.requires_grad_(False)


def check_state(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], what: str) -> None:
    """Raises ValueError that lists every missing, extra and mis-shaped key of found."""
    problems = [f"missing {key}" for key in expected if key not in found]
    problems += [f"extra {key}" for key in found if key not in expected]
    problems += [
        f"{key} has shape {tuple(value.shape)}, not {tuple(expected[key].shape)}"
        for key, value in found.items()
        if key in expected and value.shape != expected[key].shape
    ]
    if problems:
        raise ValueError(f"{what} do not fit ({len(problems)}): " + "; ".join(problems))


def _network_tensors(directory: Path) -> dict[str, Tensor]:
    """The network's tensors, without what published code may have saved beside them."""
    tensors = _read_tensors(_network_file(directory))
    return {key: value for key, value in tensors.items() if not key.startswith(_AUTOENCODER_PREFIX)}


def _network_file(directory: Path) -> Path:
    for name in (NETWORK_FILE, NETWORK_BF16_FILE):
        if (directory / name).is_file():
            return directory / name
    raise FileNotFoundError(f"{directory} holds no checkpoint: neither {NETWORK_FILE} nor {NETWORK_BF16_FILE} is there")


def _read_tensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def _shapes(path: Path) -> dict[str, list[int]]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118


def _on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.detach().to("cpu").contiguous() for key, value in tensors.items()}


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
