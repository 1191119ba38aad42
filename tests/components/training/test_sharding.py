"""What a world of one does with the functions that worlds of more stand on; worlds of more: test_workers and the proof."""

import torch

from components.training.sharding import Region, fill, gathered_apart, is_first_copy, lazily_whole, own, region, whole
from components.training.world import World
from model.tensor_files import lazy
from model.unimedvl import UniMedVL
from tests.components.training.conftest import NETWORK


def test_a_plain_tensor_is_its_own_whole_and_the_first_ranks_to_write() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)
    assert own(tensor) is tensor and whole(tensor) is tensor
    assert region(tensor) == Region((0, 0), (2, 3), (2, 3))
    assert is_first_copy(tensor, 0) and not is_first_copy(tensor, 1)
    assert lazily_whole({"a": tensor})["a"].fetch() is tensor
    assert World().mesh(torch.device("cpu")) is None


def test_a_network_without_memory_is_filled_and_keeps_what_is_frozen() -> None:
    values = {name: torch.randn(value.shape) for name, value in UniMedVL(NETWORK).state_dict().items()}
    with torch.device("meta"):
        model = UniMedVL(NETWORK)
    model.connector.requires_grad_(False)
    fill(model, lazy(values), torch.device("cpu"))
    assert all(torch.equal(value, values[name]) for name, value in model.state_dict().items())
    assert not any(p.requires_grad for p in model.connector.parameters())
    assert model.llm2vae.weight.requires_grad


def test_layers_vit_embedding_and_head_are_gathered_apart_and_inner_parts_before_outer_ones() -> None:
    with torch.device("meta"):
        model = UniMedVL(NETWORK)
    names = {part: name for name, part in model.named_modules()}
    found = [names[part] for part in gathered_apart(model)]
    assert found == [
        "language_model.model.layers.0",
        "vit_model.vision_model.encoder.layers.0",
        "vit_model",
        "language_model.model.embed_tokens",
        "language_model.lm_head",
    ]
