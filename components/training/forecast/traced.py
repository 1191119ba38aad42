"""Bytes that a layer needs besides its weights, there and back: the real layer run on tensors without memory, and what torch's
own tracker counts of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker

from components.recipes.training import Precision
from components.training.forecast.tokens import Tokens
from model.attention import AttentionLayout, Bucket, attend
from model.config import LLMConfig, ViTConfig
from model.decoder import DecoderLayer, Rotary, Streams
from model.vit import EncoderLayer

Made = tuple[nn.Module, list[Tensor], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Traced:
    """Bytes of one layer, its weights not counted."""

    inputs: int
    """What enters it."""
    kept: int
    """What waits for the way back, beside what enters."""
    most: int
    """At most alive at once, beside what enters: what is kept, and what is there for a moment."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Bytes of a forward's tokens in each kind of layer."""

    decoder: Traced
    vit: Traced
    head: Traced


def traced_layers(llm: LLMConfig, vit: ViTConfig, tokens: Tokens, precision: Precision, *, sharded: bool) -> Layers:
    """The bytes of a layer of the decoder, one of the ViT, and the text head with its loss, for these tokens."""
    return Layers(
        _decoder(llm, tokens.all, precision, sharded),
        _encoder(vit, tokens.vit, precision, sharded),
        _head(llm, tokens.labels, precision, sharded),
    )


@lru_cache
def _decoder(llm: LLMConfig, tokens: int, precision: Precision, sharded: bool) -> Traced:
    """Half of the tokens for each expert, which have the same shapes."""
    counts, angles = (tokens // 2, tokens - tokens // 2), (tokens, 1, llm.head_dim // 2)

    def make() -> Made:
        layer, rotary = DecoderLayer(llm), Rotary(torch.zeros(angles), torch.zeros(angles))
        streams = [torch.zeros(count, llm.hidden_size, requires_grad=True) for count in counts]
        within = partial(attend, layout=_layout(tokens))
        return layer, streams, lambda *x: layer(Streams(*x), rotary, within)

    return _traced(make, precision, sharded=sharded)


@lru_cache
def _encoder(vit: ViTConfig, tokens: int, precision: Precision, sharded: bool) -> Traced:
    entering = torch.bfloat16 if precision == "bf16" and sharded else torch.float32

    def make() -> Made:
        layer = EncoderLayer(vit)
        patches = torch.zeros(tokens, vit.hidden_size, dtype=entering, requires_grad=True)
        return layer, [patches], partial(layer, layout=_layout(tokens))

    return _traced(make, precision, sharded=sharded)


@lru_cache
def _head(llm: LLMConfig, labels: int, precision: Precision, sharded: bool) -> Traced:
    def make() -> Made:
        layer = nn.Linear(llm.hidden_size, llm.vocab_size, bias=False)
        states, ids = torch.zeros(labels, llm.hidden_size, requires_grad=True), torch.zeros(labels, dtype=torch.int64)
        return layer, [states], lambda x: F.cross_entropy(layer(x).float(), ids, reduction="none")

    return _traced(make, precision, sharded=sharded)


def _traced(make: Callable[[], Made], precision: Precision, *, sharded: bool) -> Traced:
    """There and back through what `make` gives: a module, what enters it, and the call."""
    device, cast = torch.device("cpu"), precision == "bf16"
    weights = torch.bfloat16 if cast and sharded else torch.float32
    with FakeTensorMode():
        layer, inputs, forward = make()
        for name, parameter in list(layer.named_parameters()):
            owner, _, last = name.rpartition(".")
            setattr(layer.get_submodule(owner), last, nn.Parameter(parameter.detach().to(weights)))
        entering = sum(x.untyped_storage().nbytes() for x in inputs)
        tracker = MemTracker()
        tracker.track_external(layer, *inputs)
        own = sum(p.untyped_storage().nbytes() for p in layer.parameters()) + entering
        with tracker:
            with torch.autocast("cpu", torch.bfloat16, enabled=cast):
                made = forward(*inputs)
            kept = tracker.get_tracker_snapshot("current")[device]["Total"] - own
            outputs = [made] if isinstance(made, Tensor) else list(made)
            torch.autograd.backward(outputs, [torch.zeros_like(x) for x in outputs])
            most = tracker.get_tracker_snapshot("peak")[device]["Total"] - own
    return Traced(entering, max(kept, 0), max(most, 0))


def _layout(tokens: int) -> AttentionLayout:
    """All tokens in one row, everybody seeing everybody: a kernel holds no matrix of pairs, whatever the mask."""
    places = torch.arange(tokens)
    return AttentionLayout(places, places, (Bucket(1, tokens, None),))
