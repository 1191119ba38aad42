"""Broken on purpose: noise levels, losses, embeddings, experts, norms, autoencoder, guidance, optimizer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.training.optimizer import Average
from model import decoder, extrapolation, generation, guidance, objective
from model import unimedvl as network
from model.autoencoder import Autoencoder, Moments
from model.context import Context
from model.extrapolation import Extrapolation
from model.guidance import GuidanceSettings, guide, shrink
from model.unimedvl import UniMedVL
from tests.parity import golden
from tests.parity.breaking import Break, replaced, with_network, wrapped


def markers_through_gen(model: UniMedVL) -> None:
    """The und MLP hands the markers of latents to the gen one, where the whole stream passes."""
    packed = golden.training_batch()
    beside = torch.cat([packed.latent_token_index - 1, packed.latent_token_index + 1])
    rows = torch.isin(packed.text_token_index, beside).nonzero()[:, 0]
    tokens = len(packed.text_ids) + len(packed.vit_patches)

    def reroute(gen: nn.Module) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor], out: Tensor) -> Tensor:
            return out.index_copy(0, rows, gen(inputs[0][rows])) if len(out) == tokens else out

        return hook

    for layer in model.language_model.model.layers:
        layer.mlp.register_forward_hook(reroute(layer.mlp_moe_gen))  # type: ignore[union-attr, operator]


def heads_in_turn(model: UniMedVL) -> None:
    """Query head h reads key head h modulo their number: the middle two of four change places."""
    for name, weight in model.state_dict().items():
        if ".q_proj" in name and name.startswith("language_model"):
            weight.copy_(weight.clone().unflatten(0, (4, 16))[[0, 2, 1, 3]].flatten(0, 1))
        elif ".o_proj" in name:
            weight.copy_(weight.clone().unflatten(1, (4, 16))[:, [0, 2, 1, 3]].flatten(1, 2))


def norm_after_rotation(original: Any, self: Any, x: Any, rotary: Any, attend: Any) -> Any:
    """q and k are unrotated and normalised when they arrive; the norm's weight is taken off, and put on after turning."""

    def late(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return attend(*(turned(part, name) for part, name in ((q, "q_norm"), (k, "k_norm"))), v)

    def turned(part: Tensor, name: str) -> Tensor:
        parts = [(x.und, getattr(self, name)), (x.gen, getattr(self, f"{name}_moe_gen"))]
        weight = torch.cat([norm.weight.expand(len(stream), 1, -1) for stream, norm in parts])
        return decoder.apply_rotary(part / weight, *rotary) * weight

    still = type(rotary)(torch.ones_like(rotary.cos), torch.zeros_like(rotary.sin))
    return original(self, x, still, late)


def gate_and_up_exchanged(model: UniMedVL) -> None:
    for layer in model.language_model.model.layers:
        layer.mlp.gate_proj, layer.mlp.up_proj = layer.mlp.up_proj, layer.mlp.gate_proj  # type: ignore[union-attr]


def one_final_norm(model: UniMedVL) -> None:
    model.language_model.model.norm_moe_gen.weight.data = model.language_model.model.norm.weight.data


def without_last_norm(model: UniMedVL) -> None:
    model.vit_model.vision_model.post_layernorm = nn.Identity()  # type: ignore[assignment]


def without(table: str) -> Any:
    return with_network(lambda model: getattr(model, table).pos_embed.data.zero_())


def image_first(velocities: Sequence[Tensor], settings: GuidanceSettings, image_of: Tensor, num_images: int) -> Tensor:
    """The two guidances in the other order."""
    plain, without_text, *without_image = velocities
    exchanged = replace(settings, text_scale=settings.image_scale, image_scale=settings.text_scale)
    both = (plain, without_image[0], without_text) if without_image else (plain, without_text)
    return guide(both, exchanged if without_image else settings, image_of, num_images)


def renorm_taken_for(old: str, new: Any) -> Any:
    def other(original: Any, velocities: Any, settings: GuidanceSettings, *rest: Any) -> Tensor:
        return original(velocities, replace(settings, renorm=new) if settings.renorm == old else settings, *rest)

    return wrapped(generation, "guide", other)


def guides_where(rule: Any) -> Any:
    return replaced(GuidanceSettings, "guides_at", rule)


def scaled_attention(original: Any, q: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return original(q, *args, **kwargs, scale=1 / q.shape[-1])


def normalised(states: Tensor) -> Tensor:
    return states / states.square().mean(-1, keepdim=True).add(1e-6).sqrt()


def average_of_the_new(self: Average, model: nn.Module) -> None:
    for name in self.weights:
        parameter = model.get_parameter(name)
        self.weights[name].lerp_(parameter.detach(), self.decay)


ATTEND = wrapped(F, "scaled_dot_product_attention", scaled_attention)
BREAKS = [
    Break(
        "a velocity points from data to noise",
        "training mot",
        replaced(objective, "velocity_target", lambda latent, noise: latent - noise),
    ),
    Break(
        "sigma 0 is data, sigma 1 noise",
        "training mot",
        wrapped(objective, "interpolate", lambda f, latent, noise, sigma: f(noise, latent, sigma)),
    ),
    *(
        Break(
            "a shift above 1 moves towards noise",
            name,
            wrapped(owner, "shifted", lambda f, sigma, shift: f(sigma, 1 / shift)),
        )
        for name, owner in (("tables", objective), ("training shift 3", objective), ("noise levels", guidance))
    ),
    Break(
        "the image loss is a mean over channels",
        "training mot",
        wrapped(objective, "Losses", lambda f, text, image, *counts: f(text, image * 64, *counts)),
    ),
    Break(
        "a step goes from noise towards data",
        "t2i",
        wrapped(generation, "euler_step", lambda f, x, velocity, *sigmas: f(x, -velocity, *sigmas)),
    ),
    Break(
        "a grid counts its points, not its steps",
        "noise levels",
        wrapped(GuidanceSettings, "sigmas", lambda f, s: f(replace(s, num_timesteps=s.num_timesteps + 1))[:-1]),
    ),
    Break(
        "a clean image stands at noise level 0",
        "caches",
        wrapped(UniMedVL, "embed", lambda f, self, packed, noisy, sigma: f(self, packed, noisy, sigma + 0.1)),
    ),
    *(
        Break(
            "cosines of sigma come first", name, wrapped(network, "timestep_features", lambda f, x: f(x).roll(128, 1))
        )
        for name in ("tables", "training mot")
    ),
    Break(
        "sigma is embedded as it is, not times 1000",
        "training mot",
        wrapped(network, "timestep_features", lambda f, sigma: f(1000 * sigma)),
    ),
    Break("a latent token knows its place", "training mot", without("latent_pos_embed")),
    Break("a ViT token knows its place again after the connector", "vit", without("vit_pos_embed")),
    *(
        Break(
            "q and k are normalised",
            name,
            wrapped(golden, "network", lambda f, *args, **kwargs: f(*args, **{**kwargs, "qk_norm": False})),
        )
        for name in ("training mot", "answers")
    ),
    *(
        Break(
            "q and k are normalised before they turn", name, wrapped(decoder.Attention, "forward", norm_after_rotation)
        )
        for name in ("training mot", "gradients")
    ),
    *(
        Break("scores are divided by the root of the head size", name, ATTEND)
        for name in ("vit", "training mot", "caches")
    ),
    Break("query heads share key heads in groups of neighbours", "training mot", with_network(heads_in_turn)),
    Break(
        "the norm's epsilon is 1e-6",
        "tables",
        wrapped(
            golden,
            "config",
            lambda f, *args, **kwargs: replace(
                f(*args, **kwargs), llm=replace(f(*args, **kwargs).llm, rms_norm_eps=1e-3)
            ),
        ),
    ),
    *(
        Break("latent tokens go through the gen expert", name, with_network(lambda model: model.copy_und_to_gen()))
        for name in ("training mot", "t2i")
    ),
    Break("the markers of latents go through the und expert", "training mot", with_network(markers_through_gen)),
    Break("each expert has its final norm", "training mot", with_network(one_final_norm)),
    Break("silu is of the gate", "training mot", with_network(gate_and_up_exchanged)),
    Break(
        "ViT and connector bend by the tanh form of gelu",
        "vit",
        wrapped(F, "gelu", lambda f, x, approximate="none": f(x)),
    ),
    Break("the ViT ends in its last norm", "vit", with_network(without_last_norm)),
    Break(
        "latents are scaled after they are shifted",
        "vae",
        replaced(Autoencoder, "normalise", lambda self, raw: raw * 0.3611 - 0.1159),
    ),
    Break(
        "the deviation is the root of the variance",
        "vae",
        replaced(Moments, "std", property(lambda self: self.logvar.exp())),
    ),
    Break("a text's guidance comes before an image's", "edit", replaced(generation, "guide", image_first)),
    *(
        Break(f"renorm {old} is its own", name, renorm_taken_for(old, new))
        for old, new, name in (
            ("global", "channel", "t2i"),
            ("channel", "global", "t2i"),
            ("channel", "global", "edit"),
            ("text_channel", "channel", "edit"),
            ("text_channel", "global", "edit"),
        )
    ),
    Break(
        "a guided velocity keeps a share of its length",
        "t2i",
        replaced(guidance, "shrink", lambda wanted, found, least: shrink(wanted, found, 0.0)),
    ),
    Break(
        "guidance begins at its upper end",
        "t2i",
        guides_where(lambda s, sigma: s.text_scale > 1 and s.interval[0] < sigma < s.interval[1]),
    ),
    Break(
        "guidance ends at its lower end",
        "t2i",
        guides_where(lambda s, sigma: s.text_scale > 1 and sigma <= s.interval[1]),
    ),
    Break(
        "without a text scale nothing guides",
        "edit",
        guides_where(
            lambda s, sigma: s.interval[0] < sigma <= s.interval[1] and (s.text_scale > 1 or s.image_scale > 1)
        ),
    ),
    *(
        Break(convention, "t2i taylorseer", replaced(extrapolation, name, value))
        for convention, name, value in (
            ("the first five steps are computed", "FIRST", 4),
            ("then every third step is computed", "EVERY", 2),
            ("a series has all the differences there are", "MAX_ORDER", 3),
        )
    ),
    Break(
        "differences are by the step, not by the computed step",
        "t2i taylorseer",
        wrapped(Extrapolation, "_series", lambda f, self, ahead: f(self, ahead / 3)),
    ),
    Break(
        "states are continued before their norm",
        "t2i taylorseer",
        wrapped(Extrapolation, "next", lambda f, self, compute: f(self, lambda: normalised(compute()))),
    ),
    Break(
        "an answer goes on at its context's position",
        "answers",
        replaced(Context, "position", property(lambda self: self._position + 1)),
    ),
    Break(
        "AdamW forgets by 0.9 and 0.95",
        "optimizer",
        wrapped(torch.optim, "AdamW", lambda f, *args, **kwargs: f(*args, **{**kwargs, "betas": (0.9, 0.999)})),
    ),
    Break("the average keeps its decay of the old", "optimizer", replaced(Average, "update", average_of_the_new)),
    Break(
        "no gradient passes through a frozen text or ViT token",
        "freeze und",
        wrapped(
            UniMedVL, "freeze_und", lambda f, self: (f(self), setattr(self.language_model.model, "cuts_und", False))
        ),
    ),
]
