"""The Qwen2 decoder with two experts, one for text and ViT tokens (und), one for latent tokens (gen).

The tokens stay two flat streams from the embedding to the head; only attention sees them together. Published names: the
gen expert's tensors carry `_moe_gen`.
"""
# Shapes: U und tokens, M gen tokens, N = U + M, D hidden, H query heads, G key heads, d head size.

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from model.config import LLMConfig
from model.norm import RMSNorm, apply_rotary

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""q [N, H, d], k and v [N, G, d], und tokens first -> what each token gathers [N, H, d]."""


class Streams(NamedTuple):
    """The tokens of a packed sequence, by expert."""

    und: Tensor
    """[U, D] text tokens, then ViT tokens."""
    gen: Tensor
    """[M, D] latent tokens."""


class Rotary(NamedTuple):
    """Rotary angles of all tokens, und first: cos and sin [N, 1, d / 2]."""

    cos: Tensor
    sin: Tensor


class Kept(NamedTuple):
    """The tokens whose last state somebody reads. Places in the und and in the gen stream."""

    und: Tensor
    gen: Tensor


class MLP(nn.Module):
    """down(silu(gate x) * up x): [n, D] -> [n, D]."""

    def __init__(self, config: LLMConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class _Projections(NamedTuple):
    """What one expert brings to attention."""

    q: nn.Module
    k: nn.Module
    v: nn.Module
    o: nn.Module
    q_norm: nn.Module
    k_norm: nn.Module


class Attention(nn.Module):
    """Joint attention of both streams, each projected by its own expert."""

    def __init__(self, config: LLMConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.has_gen = config.experts == "mot"
        for suffix in ("", "_moe_gen") if self.has_gen else ("",):
            self._add_projections(config, suffix)

    def forward(self, x: Streams, rotary: Rotary, attend: Attend) -> Streams:
        und, gen = self._expert(""), self._expert("_moe_gen")
        q, k, v = self._heads(x.und, und)
        if _counts(x.gen):
            q, k, v = (torch.cat(pair) for pair in zip((q, k, v), self._heads(x.gen, gen), strict=True))
        gathered = attend(apply_rotary(q, *rotary), apply_rotary(k, *rotary), v).flatten(1)
        return _each(Streams(*gathered.tensor_split([x.und.shape[0]])), und.o, gen.o)

    def _heads(self, x: Tensor, expert: _Projections) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = (project(x).unflatten(-1, (-1, self.head_dim)) for project in (expert.q, expert.k, expert.v))
        return expert.q_norm(q), expert.k_norm(k), v

    def _expert(self, suffix: str) -> _Projections:
        suffix = suffix if self.has_gen else ""
        names = ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm")
        return _Projections(*(getattr(self, name + suffix) for name in names))

    def _add_projections(self, config: LLMConfig, suffix: str) -> None:
        hidden, width, kv_width = config.hidden_size, config.hidden_size, config.num_kv_heads * config.head_dim
        self.add_module("q_proj" + suffix, nn.Linear(hidden, width))
        self.add_module("k_proj" + suffix, nn.Linear(hidden, kv_width))
        self.add_module("v_proj" + suffix, nn.Linear(hidden, kv_width))
        self.add_module("o_proj" + suffix, nn.Linear(width, hidden, bias=False))
        for name in ("q_norm", "k_norm"):
            norm = RMSNorm(config.head_dim, config.rms_norm_eps) if config.qk_norm else nn.Identity()
            self.add_module(name + suffix, norm)


class DecoderLayer(nn.Module):
    """x += attention(norm x); x += mlp(norm x), each token with its own expert."""

    def __init__(self, config: LLMConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        if config.experts != "dense":
            self.mlp_moe_gen = MLP(config)
        if config.experts == "mot":
            self.input_layernorm_moe_gen = RMSNorm(config.hidden_size, config.rms_norm_eps)
            self.post_attention_layernorm_moe_gen = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.experts = config.experts

    def forward(self, x: Streams, rotary: Rotary, attend: Attend, kept: Kept | None = None) -> Streams:
        """The next states; with kept, only those of the tokens that it names."""
        mot = self.experts == "mot"
        gen_in = self.input_layernorm_moe_gen if mot else self.input_layernorm
        gen_post = self.post_attention_layernorm_moe_gen if mot else self.post_attention_layernorm
        gen_mlp = self.mlp if self.experts == "dense" else self.mlp_moe_gen

        update = self.self_attn(_each(x, self.input_layernorm, gen_in), rotary, attend)
        und, gen = x.und + update.und, x.gen + update.gen
        if kept is not None:
            und, gen = und.index_select(0, kept.und), gen.index_select(0, kept.gen)
        x = Streams(und, gen)
        update = _each(_each(x, self.post_attention_layernorm, gen_post), self.mlp, gen_mlp)
        return Streams(x.und + update.und, x.gen + update.gen)


class Decoder(nn.Module):
    """Embedding, layers, final norms. Rows of Streams in, rows of Streams out."""

    def __init__(self, config: LLMConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        if config.experts != "dense":
            self.norm_moe_gen = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.has_gen_norm = config.experts != "dense"
        self.gradient_checkpointing = False
        """Keep only what enters each layer, and compute the layer again on the way back."""
        self.cuts_und = False
        """The und stream carries no gradient from one layer to the next."""

    def forward(self, x: Streams, rotary: Rotary, attend: Callable[[int], Attend], kept: Kept | None = None) -> Streams:
        """Normalised last states, of the tokens that kept names or of all. attend: layer number -> its attention."""
        return self.normalise(self.through_layers(x, rotary, attend, kept))

    def through_layers(
        self, x: Streams, rotary: Rotary, attend: Callable[[int], Attend], kept: Kept | None = None
    ) -> Streams:
        """Last states before they are normalised; else as forward."""
        last = len(self.layers) - 1
        computes_again = self.gradient_checkpointing and torch.is_grad_enabled()
        for number, layer in enumerate(self.layers):
            inputs = (x, rotary, attend(number), kept if number == last else None)
            x = checkpoint(layer, *inputs, use_reentrant=False) if computes_again else layer(*inputs)
            if self.cuts_und:
                x = Streams(x.und.detach(), x.gen)
        return x

    def normalise(self, x: Streams) -> Streams:
        """Each stream through its final norm."""
        return _each(x, self.norm, self.norm_moe_gen if self.has_gen_norm else self.norm)


class LanguageModel(nn.Module):
    """The decoder and its text head, under the published names."""

    def __init__(self, config: LLMConfig) -> None:
        super().__init__()
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)


def _each(x: Streams, und: nn.Module, gen: nn.Module) -> Streams:
    """Each stream through its own expert, which keeps its width."""
    return Streams(und(x.und) if _counts(x.und) else x.und, gen(x.gen) if _counts(x.gen) else x.gen)


def _counts(stream: Tensor) -> bool:
    """Whether to compute a stream: an empty one only in training, where its weights need a zero gradient, not none."""
    return stream.shape[0] > 0 or torch.is_grad_enabled()
