import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from model.attention import MAX_BUCKETS, AttentionLayout, allowed_matrix, attend


class Row:
    """Only what attention reads of a packed sequence."""

    def __init__(self, sample_lens, split_lens, attention_modes):
        self.sample_lens, self.split_lens, self.attention_modes = sample_lens, split_lens, attention_modes
        self.num_tokens = sum(sample_lens)
        self.device = torch.device("cpu")
        order = torch.randperm(self.num_tokens, generator=torch.Generator().manual_seed(self.num_tokens))
        self.text_token_index, self.vit_token_index, self.latent_token_index = order.tensor_split(3)
        self.order = torch.cat([self.text_token_index, self.vit_token_index, self.latent_token_index])


def random_row(seed):
    random = np.random.default_rng(seed)
    splits = [random.integers(1, 9, size=random.integers(1, 5)).tolist() for _ in range(random.integers(1, 9))]
    modes = random.choice(["causal", "full", "noise"], size=sum(map(len, splits))).tolist()
    return Row(tuple(map(sum, splits)), tuple(n for s in splits for n in s), tuple(modes))


def plain_attention(q, k, v, allowed):
    """Softmax over all tokens of the sequence, in stream order. The slow and obvious reference."""
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))
    scores = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(q.shape[-1])
    return torch.einsum("hqk,khd->qhd", scores.masked_fill(~allowed, float("-inf")).softmax(-1), v)


@pytest.mark.parametrize("num_kv_heads", [4, 2])
@pytest.mark.parametrize("seed", range(8))
def test_rows_give_what_attention_over_the_whole_sequence_gives(seed, num_kv_heads):
    row = random_row(seed)
    generator = torch.Generator().manual_seed(seed)
    q, k, v = (
        torch.randn(row.num_tokens, heads, 6, generator=generator, requires_grad=True)
        for heads in (4, num_kv_heads, num_kv_heads)
    )
    out = attend(q, k, v, AttentionLayout.from_packed(row))
    expected = plain_attention(q, k, v, allowed_matrix(row)[row.order][:, row.order])
    assert_close(out, expected, atol=2e-6, rtol=1e-5)
    # Also the gradients: padding repeats a token, and must hand nothing back to it.
    weight = torch.randn(out.shape, generator=generator)
    for ours, theirs in zip(
        torch.autograd.grad((out * weight).sum(), (q, k, v)),
        torch.autograd.grad((expected * weight).sum(), (q, k, v)),
        strict=True,
    ):
        assert_close(ours, theirs, atol=5e-6, rtol=1e-5)


def test_segments_see_all_of_themselves_and_nothing_else():
    generator = torch.Generator().manual_seed(0)
    lengths = (5, 5, 12, 1)
    q, k, v = (torch.randn(23, 3, 4, generator=generator) for _ in range(3))
    out = attend(q, k, v, AttentionLayout.from_segments(lengths, torch.device("cpu")))
    segment = torch.repeat_interleave(torch.arange(4), torch.tensor(lengths))
    assert_close(out, plain_attention(q, k, v, segment[:, None] == segment[None, :]), atol=2e-6, rtol=1e-5)


def test_no_segments_give_no_tokens():
    empty = torch.zeros(0, 2, 4)
    assert attend(empty, empty, empty, AttentionLayout.from_segments((), torch.device("cpu"))).shape == (0, 2, 4)


def test_segments_of_one_length_need_no_mask():
    (bucket,) = AttentionLayout.from_segments((7, 7, 7), torch.device("cpu")).buckets
    assert (bucket.num_rows, bucket.length, bucket.mask) == (3, 7, None)


def test_few_buckets_hold_many_lengths_with_little_padding():
    lengths = [10] * 30 + [100] * 5 + [11, 12, 95, 400]
    layout = AttentionLayout.from_segments(lengths, torch.device("cpu"))
    assert len(layout.buckets) <= MAX_BUCKETS
    assert sum(bucket.num_rows for bucket in layout.buckets) == len(lengths)
    assert sum(bucket.num_rows * bucket.length for bucket in layout.buckets) < 1.4 * sum(lengths)
