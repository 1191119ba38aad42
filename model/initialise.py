"""First weights of a network that starts from nothing, all from one generator."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from model.tables import sincos_2d

if TYPE_CHECKING:
    from model.unimedvl import UniMedVL

GEN = "_moe_gen"


@torch.no_grad()
def initialise(
    model: "UniMedVL", generator: torch.Generator, *, std: float, residual_scale: bool, gen_key_equals_query: bool
) -> None:
    """Fills every weight in the order of the state dict.

    Decoder: normal of std, biases 0. ViT: SigLIP's (Xavier, positions 1 / sqrt(width)). What joins them: torch's Linear.
    Norms 1, the velocity head 0, so that the first velocity is 0.
    """
    for name, module in model.named_modules():
        if name.startswith("language_model."):
            _fill_decoder(module, generator, std)
        elif name.startswith("vit_model."):
            _fill_vit(module, generator)
    initialise_joints(model, generator)
    if residual_scale:
        _scale_residuals(model)
    if gen_key_equals_query:
        _start_keys_at_queries(model)


@torch.no_grad()
def initialise_joints(model: "UniMedVL", generator: torch.Generator) -> None:
    """Fills what joins decoder, ViT and latents, and their tables."""
    for part in joints(model).values():
        for module in part.modules():
            if isinstance(module, nn.Linear):
                bound = module.in_features**-0.5
                _uniform(module.weight, bound, generator)
                _uniform(module.bias, bound, generator)
            elif isinstance(table := getattr(module, "pos_embed", None), Tensor):
                table.copy_(sincos_2d(table.shape[1], round(table.shape[0] ** 0.5)))
    if model.config.vae is not None:
        model.llm2vae.weight.zero_()
        model.llm2vae.bias.zero_()
    if model.config.vae is not None and model.config.residual_velocity:
        # Half of the given image is kept before anything is learnt: a drawing may be near to it or far from it.
        model.gate.weight.zero_()
        model.gate.bias.fill_(0.5)


def joints(model: "UniMedVL") -> dict[str, nn.Module]:
    """The parts that are neither decoder nor ViT, in the order of the state dict."""
    return {name: part for name, part in model.named_children() if name not in ("language_model", "vit_model")}


def und_twin(name: str) -> str:
    """The und expert's name of a gen expert's tensor; any other name as it is."""
    return name.replace(GEN, "")


@torch.no_grad()
def copy_und_to_gen(model: "UniMedVL") -> None:
    """Every tensor of the gen expert becomes its und twin, as published before training starts from Qwen2.5."""
    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        if GEN in name:
            parameter.copy_(parameters[und_twin(name)])


def _fill_decoder(module: nn.Module, generator: torch.Generator, std: float) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        _normal(module.weight, std, generator)
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.zero_()
    elif isinstance(weight := getattr(module, "weight", None), Tensor):
        weight.fill_(1.0)


def _fill_vit(module: nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, nn.Linear):
        _uniform(module.weight, (6 / (module.in_features + module.out_features)) ** 0.5, generator)
    elif isinstance(module, nn.Embedding):
        _normal(module.weight, module.embedding_dim**-0.5, generator)
    elif isinstance(module, nn.Conv2d):
        _normal(module.weight, (2 / module.weight[0].numel()) ** 0.5, generator)
    elif isinstance(module, nn.LayerNorm | nn.GroupNorm):
        module.weight.fill_(1.0)
    if isinstance(bias := getattr(module, "bias", None), Tensor):
        bias.zero_()


def _scale_residuals(model: "UniMedVL") -> None:
    """Divides what a layer adds to the residual stream by sqrt(2 layers), so that its size does not grow with depth."""
    factor = (2 * model.config.llm.num_layers) ** -0.5
    for name, parameter in model.named_parameters():
        if ".o_proj" in name or (".down_proj" in name and name.startswith("language_model.")):
            parameter.mul_(factor)


def _start_keys_at_queries(model: "UniMedVL") -> None:
    """k = q in the gen expert, so that a latent token first attends to the same place of a clean condition."""
    llm = model.config.llm
    if llm.experts != "mot":
        raise ValueError(f"gen_key_equals_query needs a gen expert with its own attention (mot), not {llm.experts!r}")
    per_group = llm.num_heads // llm.num_kv_heads
    parameters = dict(model.named_parameters())
    for name, query in parameters.items():
        if f"q_proj{GEN}." in name:
            heads = query.view(llm.num_heads, llm.head_dim, *query.shape[1:])
            key = parameters[name.replace("q_proj", "k_proj")]
            key.copy_(heads[::per_group].reshape(key.shape))


def _normal(weight: Tensor, std: float, generator: torch.Generator) -> None:
    weight.copy_(torch.randn(weight.shape, generator=generator).mul_(std))


def _uniform(weight: Tensor, bound: float, generator: torch.Generator) -> None:
    weight.copy_(torch.rand(weight.shape, generator=generator).mul_(2 * bound).sub_(bound))
