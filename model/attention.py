"""Joint attention over a packed sequence.

A token sees what comes before it in its own sample, and all of its own split where the split is full or noise; a noise
split is seen by nobody else. Two permutations do it, flat tokens to rows and back, for two back ends:

- sdpa: the samples stand as rows of a few lengths (padding to one length would cost more, one row for all samples ten
  times more), each row with its own mask;
- flex: all samples stand in one row, and the kernel skips the blocks in which nobody sees anybody.
"""
# Shapes: N tokens in stream order, B rows of T places, H query heads, G key heads, d head size.

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

from model.block_mask import BLOCK, Splits, block_mask, block_sparse_attention
from model.config import AttentionChoice
from model.packed import PackedSequence

ROUND_TO = 8
MAX_BUCKETS = 3

Backend = Literal["sdpa", "flex"]


def pick_backend(choice: AttentionChoice, device: torch.device, *, training: bool) -> Backend:
    """The back end for packed sequences; auto: flex where a GPU trains. Raises ValueError for flex training on a CPU."""
    on_gpu = device.type == "cuda"
    if choice == "flex" and training and not on_gpu:
        raise ValueError(
            f"compute.attention is flex, which has no backward on {device.type}; set compute.attention to auto or sdpa"
        )
    if choice == "auto":
        return "flex" if on_gpu and training else "sdpa"
    return choice


def allowed_matrix(packed: PackedSequence) -> Tensor:
    """Who may see whom, in sequence order: [query N, key N] bool. The plain statement that the layout must agree with."""
    sample = np.repeat(np.arange(len(packed.sample_lens)), packed.sample_lens)
    split = np.repeat(np.arange(len(packed.split_lens)), packed.split_lens)
    mode = np.repeat(np.array(packed.attention_modes), packed.split_lens)
    place = np.arange(packed.num_tokens)
    same_split = split[:, None] == split[None, :]
    looks_ahead = same_split & np.isin(mode, ["full", "noise"])[:, None]
    hidden = (mode == "noise")[None, :] & ~same_split
    return torch.from_numpy(
        (sample[:, None] == sample[None, :]) & ((place[None, :] <= place[:, None]) | looks_ahead) & ~hidden
    )


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows of one padded length, and who may see whom in each."""

    num_rows: int
    length: int
    mask: Tensor | BlockMask | None
    """[B, 1, T, T] bool, or blocks of one row. None: everybody everybody."""


@dataclass(frozen=True, slots=True)
class AttentionLayout:
    """Where each token stands among the rows. Made once per forward, used by every layer."""

    to_rows: Tensor
    """[places] the token at each place; padding repeats token 0."""
    from_rows: Tensor
    """[N] the place of each token."""
    buckets: tuple[Bucket, ...]

    @classmethod
    def from_packed(
        cls,
        packed: PackedSequence,
        device: torch.device | None = None,
        *,
        max_buckets: int = MAX_BUCKETS,
        backend: Backend = "sdpa",
    ) -> "AttentionLayout":
        """The layout of tokens in stream order (text, ViT, latent). With one bucket of sdpa, row b is sample b."""
        order = torch.cat([packed.text_token_index, packed.vit_token_index, packed.latent_token_index])
        modes = np.array(packed.attention_modes)
        if backend == "flex" and packed.num_tokens:  # padding repeats token 0, where there is one
            return _one_row(packed, order.cpu().numpy(), modes, device or packed.device)
        split = np.repeat(np.arange(len(packed.split_lens)), packed.split_lens)
        rules = _Rules(
            split=split,
            looks_ahead=np.repeat(modes != "causal", packed.split_lens),
            hidden=np.repeat(modes == "noise", packed.split_lens),
        )
        return _layout(packed.sample_lens, order.cpu().numpy(), rules, device or packed.device, max_buckets)

    @classmethod
    def from_segments(cls, lengths: Sequence[int], device: torch.device) -> "AttentionLayout":
        """The layout of segments within which everybody sees everybody (the images of a ViT), tokens in order."""
        return _layout(lengths, np.arange(sum(lengths)), None, device, MAX_BUCKETS)


def attend(q: Tensor, k: Tensor, v: Tensor, layout: AttentionLayout) -> Tensor:
    """What each token gathers: q [N, H, d], k and v [N, G, d] in stream order -> [N, H, d], in v's type."""
    q, k = q.to(v.dtype), k.to(v.dtype)  # under autocast, norms leave q and k in float32
    places = [bucket.num_rows * bucket.length for bucket in layout.buckets]
    # split, not slices: the gradient of a slice is a zeroed copy of the whole.
    q_parts, k_parts, v_parts = (_Permute.apply(x, layout.to_rows, layout.from_rows).split(places) for x in (q, k, v))
    gathered = []
    for bucket, parts in zip(layout.buckets, zip(q_parts, k_parts, v_parts, strict=True), strict=True):
        q_BHTd, k_BGTd, v_BGTd = (x.unflatten(0, (bucket.num_rows, bucket.length)).transpose(1, 2) for x in parts)
        out_BHTd = masked_attention(q_BHTd, k_BGTd, v_BGTd, bucket.mask)
        gathered.append(out_BHTd.transpose(1, 2).flatten(0, 1))
    # Without any token the sums are 0, and hand k and v a gradient of 0 instead of none.
    out = torch.cat(gathered) if gathered else q + k.sum() + v.sum()
    return _Permute.apply(out, layout.from_rows, layout.to_rows)


def masked_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | BlockMask | None) -> Tensor:
    """Softmax attention of rows, scale d^-1/2: [B, H, Tq, d], [B, G, Tk, d] twice, bool [B, 1, Tq, Tk] -> [B, H, Tq, d]."""
    if isinstance(mask, BlockMask):
        return block_sparse_attention(q, k, v, mask)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=q.shape[1] != k.shape[1])


class _Permute(torch.autograd.Function):
    """Takes rows by index; the gradient goes back by the opposite index instead of being scattered.

    That holds in both directions although padding repeats token 0: a padded place sees padding alone and no token sees
    it, so no gradient that reaches it belongs to a token, and none that it hands on reaches one.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return x.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (inverse,) = ctx.saved_tensors
        return grads[0].index_select(0, inverse), None, None


@dataclass(frozen=True, slots=True)
class _Rules:
    """Per token, in sequence order: its split, whether it sees the whole of it, whether others may not see it."""

    split: np.ndarray
    looks_ahead: np.ndarray
    hidden: np.ndarray


def _layout(
    lengths: Sequence[int], order: np.ndarray, rules: _Rules | None, device: torch.device, max_buckets: int
) -> AttentionLayout:
    """order: the sequence place of each token of the streams."""
    lens = np.asarray(lengths, dtype=np.int64)
    starts = np.cumsum(lens) - lens
    stream_of = np.empty(len(order), dtype=np.int64)
    stream_of[order] = np.arange(len(order))
    to_rows, from_rows = [], np.empty(len(order), dtype=np.int64)
    buckets, base = [], 0
    for members, length in _bucket_rows(lens, max_buckets):
        offset = np.arange(length)
        real = offset[None, :] < lens[members, None]
        place = np.where(real, starts[members, None] + offset[None, :], 0)
        to_rows.append(np.where(real, stream_of[place], 0).ravel())
        from_rows[stream_of[place[real]]] = base + np.flatnonzero(real.ravel())
        mask = _mask(place, real, rules)
        buckets.append(Bucket(len(members), length, None if mask is None else torch.from_numpy(mask).to(device)))
        base += real.size
    index = np.concatenate(to_rows) if to_rows else np.empty(0, dtype=np.int64)
    return AttentionLayout(torch.from_numpy(index).to(device), torch.from_numpy(from_rows).to(device), tuple(buckets))


def _one_row(packed: PackedSequence, order: np.ndarray, modes: np.ndarray, device: torch.device) -> AttentionLayout:
    """The layout of all samples in one row, filled up to whole blocks by a causal sample of padding."""
    padding = -packed.num_tokens % BLOCK
    sample_ends = np.cumsum(packed.sample_lens)
    split_starts = np.cumsum(packed.split_lens) - packed.split_lens
    splits = Splits(
        lengths=np.array([*packed.split_lens, padding]),
        sample=np.append(np.searchsorted(sample_ends, split_starts, side="right"), len(sample_ends)),
        looks_ahead=np.append(modes != "causal", False),
        hidden=np.append(modes == "noise", False),
    )
    from_rows = torch.from_numpy(order).to(device)
    to_rows = torch.zeros(packed.num_tokens + padding, dtype=torch.int64, device=device)
    to_rows[from_rows] = torch.arange(packed.num_tokens, device=device)
    return AttentionLayout(to_rows, from_rows, (Bucket(1, len(to_rows), block_mask(splits, device)),))


def _mask(place: np.ndarray, real: np.ndarray, rules: _Rules | None) -> np.ndarray | None:
    """Who sees whom in rows: place, real [B, T] -> [B, 1, T, T]. Padding sees itself, so that no softmax is empty."""
    if rules is None:
        if real.all():
            return None
        allowed = real[:, :, None] & real[:, None, :]
    else:
        split, ahead, hidden = rules.split[place], rules.looks_ahead[place], rules.hidden[place]
        same = split[:, :, None] == split[:, None, :]
        allowed = np.tri(place.shape[1], dtype=bool)[None] | (same & ahead[:, :, None])
        allowed &= same | ~hidden[:, None, :]
        allowed &= real[:, :, None] & real[:, None, :]
    diagonal = np.arange(place.shape[1])
    allowed[:, diagonal, diagonal] = True
    return allowed[:, None]


def _bucket_rows(lens: np.ndarray, max_buckets: int) -> list[tuple[np.ndarray, int]]:
    """(rows, padded length) of at most max_buckets groups with the least total of places, shortest first."""
    if len(lens) == 0:
        return []
    if (lens == lens[0]).all():
        return [(np.arange(len(lens)), int(lens[0]))]
    padded = -(-lens // ROUND_TO) * ROUND_TO
    sizes, counts = np.unique(padded, return_counts=True)
    cuts = _best_cuts(sizes.tolist(), counts.tolist(), max_buckets)
    edges = [0, *sizes[cuts].tolist()]
    return [(np.flatnonzero((padded > low) & (padded <= high)), high) for low, high in pairwise(edges)]


def _best_cuts(sizes: list[int], counts: list[int], max_buckets: int) -> list[int]:
    """Positions in sizes of the bucket lengths that waste least; the last is always one."""

    rows = [0, *accumulate(counts)]

    def cost(first: int, last: int) -> float:
        # A place costs its own work plus its row's length in attention; 64 balances them for heads of 32 to 64.
        return (rows[last + 1] - rows[first]) * sizes[last] * (64 + sizes[last])

    best: list[tuple[float, list[int]]] = [(cost(0, end), [end]) for end in range(len(sizes))]
    for _ in range(max_buckets - 1):
        best = [
            min([best[end], *((best[cut][0] + cost(cut + 1, end), [*best[cut][1], end]) for cut in range(end))])
            for end in range(len(sizes))
        ]
    return best[-1][1]
