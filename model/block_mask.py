"""Who sees whom in one long row, in blocks of 128 x 128 tokens: what FlexAttention reads to skip the empty blocks.

Which blocks hold anything, and which everything, is counted from the splits: no mask of all pairs of tokens is made.
"""
# Shapes: P places of the row, n blocks of it, S splits, H query heads, G key heads, d head size.

import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

BLOCK = 128


class Splits(NamedTuple):
    """The splits of the row in order, padding included: [S] each."""

    lengths: np.ndarray
    sample: np.ndarray
    """Number of the sample that holds it."""
    looks_ahead: np.ndarray
    """Its tokens see the whole of it."""
    hidden: np.ndarray
    """No other split may see it."""


def block_mask(splits: Splits, device: torch.device) -> BlockMask:
    """The mask of a row."""
    length = int(splits.lengths.sum())
    seen = _pairs_in_blocks(splits)
    full = seen == BLOCK * BLOCK
    some_count, some_index = _listed((seen > 0) & ~full, device)
    full_count, full_index = _listed(full, device)
    split, sample, ahead, hidden = (
        torch.from_numpy(np.repeat(x, splits.lengths)).to(device)
        for x in (np.arange(len(splits.lengths)), splits.sample, splits.looks_ahead, splits.hidden)
    )

    def allowed(batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        same = split[q] == split[k]
        return (sample[q] == sample[k]) & ((k <= q) | (same & ahead[q])) & (same | ~hidden[k])

    return BlockMask.from_kv_blocks(
        some_count, some_index, full_count, full_index, BLOCK_SIZE=BLOCK, mask_mod=allowed, seq_lengths=(length, length)
    )


def block_sparse_attention(q: Tensor, k: Tensor, v: Tensor, mask: BlockMask) -> Tensor:
    """Softmax attention, scale d^-1/2: [1, H, P, d], [1, G, P, d] twice -> [1, H, P, d].

    Compiled on a GPU. On a CPU it runs written out, holds all pairs of tokens, and has no backward: for tests.
    """
    attention = _compiled() if q.is_cuda else _written_out
    return attention(q, k, v, block_mask=mask, enable_gqa=q.shape[1] != k.shape[1])


def _pairs_in_blocks(splits: Splits) -> np.ndarray:
    """How many of its pairs each block allows: [query n, key n]. Exact: float64 counts far beyond any row."""
    ends = np.cumsum(splits.lengths)
    starts = ends - splits.lengths
    edges = np.arange(0, ends[-1], BLOCK)
    low, high = np.maximum(edges[:, None], starts), np.minimum(edges[:, None] + BLOCK, ends)
    inside = np.maximum(high - low, 0).astype(np.float64)  # [n, S] tokens of each split in each block
    number = np.arange(len(ends))
    before = (splits.sample[:, None] == splits.sample) & (number[None, :] < number[:, None]) & ~splits.hidden
    whole = before | np.diag(splits.looks_ahead)
    causal = inside * ~splits.looks_ahead
    # A causal split sees itself in full where its key block lies before, as a triangle in the block itself.
    triangles = (causal * (causal + 1) / 2).sum(1)
    return inside @ whole @ inside.T + np.tril(causal @ causal.T, -1) + np.diag(triangles)


def _listed(blocks: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
    """[query n, key n] bool -> how many in each line, and their numbers first: [1, 1, n] and [1, 1, n, n] int32."""
    counts = blocks.sum(1, dtype=np.int32)
    numbers = np.argsort(~blocks, axis=1, kind="stable").astype(np.int32)
    return torch.from_numpy(counts)[None, None].to(device), torch.from_numpy(numbers)[None, None].to(device)


@cache
def _compiled() -> Any:
    return torch.compile(flex_attention)


def _written_out(*args: Any, **kwargs: Any) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="flex_attention called without torch.compile")
        return flex_attention(*args, **kwargs)  # type: ignore[return-value]
