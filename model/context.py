"""What the model has read so far, kept as keys and values, so that each token is computed once.

Adding to a context costs nothing until somebody asks: then what is pending in all contexts of a batch goes through the
network in one forward. No state is left on the network's modules.
"""
# Shapes: B rows (one per context), N new tokens of all rows in stream order, Q places for new tokens in a row,
# T places for cached tokens, G key heads, d head size.

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.attention import AttentionLayout, masked_attention
from model.decoder import Attend, Kept
from model.packed import GivenImage, Grid, PackedSequence, SpecialTokens
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL


@dataclass(frozen=True, slots=True)
class _Text:
    ids: tuple[int, ...]

    def add_to(self, builder: SequenceBuilder) -> None:
        builder.add_text(self.ids, supervised=False)


@dataclass(frozen=True, slots=True, eq=False)
class _ViTImage:
    patches: Tensor
    grid_hw: Grid

    def add_to(self, builder: SequenceBuilder) -> None:
        builder.add_vit(self.patches, self.grid_hw)


@dataclass(frozen=True, slots=True, eq=False)
class _LatentImage:
    tokens: Tensor
    grid_hw: Grid

    def add_to(self, builder: SequenceBuilder) -> None:
        builder.add_latent(self.tokens, self.grid_hw, target=False)


class Context:
    """One conversation: what was added, in order, and the cache of what has been computed of it."""

    def __init__(self, model: UniMedVL, special: SpecialTokens) -> None:
        llm = model.config.llm
        self.model = model
        self.special = special
        self.given: GivenImage | None = None
        """The clean image to draw from that was added last."""
        self._position = 0
        self._pending: tuple[_Text | _ViTImage | _LatentImage, ...] = ()
        self._keys = torch.zeros(
            llm.num_layers, llm.num_kv_heads, 0, llm.head_dim, dtype=model.dtype, device=model.device
        )
        self._values = self._keys

    def add_text(self, ids: Sequence[int]) -> None:
        """Adds a text, between its markers."""
        self._pending = (*self._pending, _Text(tuple(ids)))

    def add_vit(self, patches: Tensor, grid_hw: Grid) -> None:
        """Adds an image to understand: patches [m, 3 p p] of a grid of rows x columns."""
        self._pending = (*self._pending, _ViTImage(patches, grid_hw))

    def add_latent(self, tokens: Tensor, grid_hw: Grid) -> None:
        """Adds a clean image to draw from: latent tokens [m, latent_dim]."""
        self._pending = (*self._pending, _LatentImage(tokens, grid_hw))
        self.given = GivenImage(tokens, grid_hw)

    def copy(self) -> "Context":
        """A context that goes its own way from here. Shares what is computed; prefill first to share the rest too."""
        other = Context(self.model, self.special)
        other._position, other._pending, other.given = self._position, self._pending, self.given
        other._keys, other._values = self._keys, self._values
        return other

    @property
    def num_tokens(self) -> int:
        """Tokens in the cache; computes what is pending."""
        prefill([self])
        return self._keys.shape[2]

    @property
    def position(self) -> int:
        """Rotary position of what comes next; computes what is pending."""
        prefill([self])
        return self._position

    @property
    def keys(self) -> Tensor:
        """[layers, G, tokens, d], normalised and rotated; computes what is pending."""
        prefill([self])
        return self._keys

    @property
    def values(self) -> Tensor:
        """[layers, G, tokens, d]; computes what is pending."""
        prefill([self])
        return self._values


@torch.inference_mode()
def prefill(contexts: Sequence[Context]) -> None:
    """Computes what is pending in any of these contexts, in one forward."""
    waiting = list({id(context): context for context in contexts if context._pending}.values())
    if not waiting:
        return
    model = model_of(waiting)
    builder = SequenceBuilder(waiting[0].special, model.config)
    positions = []
    for context in waiting:
        builder.start_sample(context._position)
        for piece in context._pending:
            piece.add_to(builder)
        positions.append(builder.position)
        builder.end_sample()
    packed = builder.build().to(model.device)
    rows = CachedRows(waiting, room=max(packed.sample_lens))
    x = model.embed(packed, packed.latents, packed.latents.new_zeros(len(packed.latents)))
    nothing = torch.empty(0, dtype=torch.int64, device=model.device)
    model.language_model.model(x, model.rotary(packed), rows.attention(packed), Kept(nothing, nothing))
    for row, (context, position) in enumerate(zip(waiting, positions, strict=True)):
        context._keys, context._values = rows.row(row, packed.sample_lens[row])
        context._position, context._pending = position, ()


def model_of(contexts: Sequence[Context]) -> UniMedVL:
    """The one network of a batch. Raises ValueError when there are none or several."""
    models = {id(context.model): context.model for context in contexts}
    if len(models) != 1:
        raise ValueError(f"a batch needs contexts of one model, got {len(contexts)} contexts of {len(models)} models")
    return next(iter(models.values()))


class CachedRows:
    """The caches of several contexts side by side, each ending at place T, with room for new tokens behind."""

    def __init__(self, contexts: Sequence[Context], room: int) -> None:
        lens = [context._keys.shape[2] for context in contexts]
        first = contexts[0]._keys
        self.cached = max(lens)
        shape = (first.shape[0], len(contexts), first.shape[1], self.cached + room, first.shape[3])
        self.keys, self.values = first.new_zeros(shape), first.new_zeros(shape)
        for row, (context, length) in enumerate(zip(contexts, lens, strict=True)):
            self.keys[:, row, :, self.cached - length : self.cached] = context._keys
            self.values[:, row, :, self.cached - length : self.cached] = context._values
        starts = torch.tensor([self.cached - length for length in lens], device=first.device)
        self.starts = starts
        self.filled = torch.arange(self.cached + room, device=first.device)[None, :] >= starts[:, None]
        self._one_length = min(lens) == self.cached

    def attention(self, packed: PackedSequence) -> "PackedAttention":
        """Attention of new tokens, sample b of packed behind row b. Asked anew, it writes over the same places."""
        return PackedAttention(self, packed)

    def next_token(self, layer: int, step: int) -> Attend:
        """Attention of one new token per row, in row order, at the step-th place behind the cache."""
        place = self.cached + step
        mask = None if self._one_length else self.filled[:, None, None, : place + 1]

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self.keys[layer], self.values[layer]
            keys[:, :, place], values[:, :, place] = k, v
            # The query heads of a key head stand where queries do: the kernel reads each key once for all of them.
            q_BGgd = q.unflatten(1, (k.shape[1], -1))
            return masked_attention(q_BGgd, keys[:, :, : place + 1], values[:, :, : place + 1], mask).flatten(1, 2)

        return attend

    def keep(self, rows: Tensor) -> None:
        """Drops every row but these."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]
        self.starts, self.filled = self.starts[rows], self.filled[rows]

    def row(self, row: int, new: int) -> tuple[Tensor, Tensor]:
        """(keys, values) of one row with its new tokens, as a context holds them."""
        start, end = int(self.starts[row]), self.cached + new
        return self.keys[:, row, :, start:end].clone(), self.values[:, row, :, start:end].clone()


class PackedAttention:
    """Attention of a packed sequence whose samples stand behind the rows of a cache. Callable per layer."""

    def __init__(self, rows: CachedRows, packed: PackedSequence) -> None:
        self._rows = rows
        self._layout = AttentionLayout.from_packed(packed, max_buckets=1)
        (bucket,) = self._layout.buckets
        self._width = min(bucket.length, rows.keys.shape[3] - rows.cached)
        self._bucket = bucket
        before = rows.filled[:, None, None, : rows.cached].expand(-1, -1, bucket.length, -1)
        assert isinstance(bucket.mask, Tensor)
        self._mask = torch.cat([before, bucket.mask[..., : self._width]], dim=-1)

    def __call__(self, layer: int) -> Attend:
        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            q_BHQd, k_BGQd, v_BGQd = (self._to_rows(x) for x in (q, k, v))
            start, end = self._rows.cached, self._rows.cached + self._width
            keys, values = self._rows.keys[layer], self._rows.values[layer]
            keys[:, :, start:end] = k_BGQd[:, :, : self._width]
            values[:, :, start:end] = v_BGQd[:, :, : self._width]
            out = masked_attention(q_BHQd, keys[:, :, :end], values[:, :, :end], self._mask)
            return out.transpose(1, 2).flatten(0, 1).index_select(0, self._layout.from_rows)

        return attend

    def _to_rows(self, x: Tensor) -> Tensor:
        rows = x.index_select(0, self._layout.to_rows)
        return rows.view(self._bucket.num_rows, self._bucket.length, *x.shape[1:]).transpose(1, 2)
