import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from model.attention import MAX_BUCKETS, AttentionLayout, allowed_matrix, attend, pick_backend
from model.block_mask import BLOCK


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


@pytest.fixture
def flex_backward_on_cpu(monkeypatch):
    """Lifts FlexAttention's refusal to take gradients on a CPU: written out, its backward works there."""
    monkeypatch.setattr("torch.nn.attention.flex_attention._validate_device", lambda *_: None)


def long_row(seed):
    """Samples that begin and end inside blocks, splits shorter and longer than one."""
    random = np.random.default_rng(seed)
    splits = [random.choice([1, 40, 127, 128, 300], size=3).tolist() for _ in range(3)]
    modes = random.permutation(["causal", "full", "noise"] * 3).tolist()
    return Row(tuple(map(sum, splits)), tuple(n for s in splits for n in s), tuple(modes))


def test_both_back_ends_give_the_same_outputs_and_gradients(flex_backward_on_cpu):
    for seed, num_kv_heads in ((0, 4), (1, 2)):
        row = long_row(seed)
        generator = torch.Generator().manual_seed(seed)
        q, k, v = (
            torch.randn(row.num_tokens, heads, 16, generator=generator, requires_grad=True)
            for heads in (4, num_kv_heads, num_kv_heads)
        )
        weight = torch.randn(row.num_tokens, 4, 16, generator=generator)
        results = []
        for backend in ("sdpa", "flex"):
            out = attend(q, k, v, AttentionLayout.from_packed(row, backend=backend))
            results.append((out, *torch.autograd.grad((out * weight).sum(), (q, k, v))))
        for by_rows, by_blocks in zip(*results, strict=True):
            assert_close(by_blocks, by_rows, atol=5e-6, rtol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_compiled_blocks_agree_with_rows_on_a_gpu():
    row = long_row(2)
    device = torch.device("cuda")
    q, k, v = (torch.randn(row.num_tokens, heads, 64, device=device, requires_grad=True) for heads in (4, 2, 2))
    results = []
    for backend in ("sdpa", "flex"):
        out = attend(q, k, v, AttentionLayout.from_packed(row, device, backend=backend))
        results.append((out, *torch.autograd.grad(out.square().sum(), (q, k, v))))
    for by_rows, by_blocks in zip(*results, strict=True):
        assert_close(by_blocks, by_rows, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("seed", range(8))
def test_blocks_are_empty_or_full_where_all_their_pairs_are(seed):
    row = long_row(seed)
    (bucket,) = AttentionLayout.from_packed(row, backend="flex").buckets
    num_blocks = bucket.length // BLOCK
    allowed = torch.zeros(bucket.length, bucket.length, dtype=torch.bool)
    allowed[: row.num_tokens, : row.num_tokens] = allowed_matrix(row)
    padding = slice(row.num_tokens, bucket.length)
    allowed[padding, padding] = allowed.new_ones(bucket.length - row.num_tokens, bucket.length - row.num_tokens).tril()
    pairs = allowed.unflatten(0, (num_blocks, BLOCK)).unflatten(2, (num_blocks, BLOCK)).sum((1, 3))
    full = pairs == BLOCK**2
    some = (pairs > 0) & ~full
    listed = bucket.mask
    for counts, numbers, expected in (
        (listed.kv_num_blocks, listed.kv_indices, some),
        (listed.full_kv_num_blocks, listed.full_kv_indices, full),
    ):
        for query in range(num_blocks):
            found = numbers[0, 0, query, : counts[0, 0, query]].tolist()
            assert found == expected[query].nonzero()[:, 0].tolist()


def test_a_gpu_trains_by_blocks_and_a_cpu_refuses_to():
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert pick_backend("auto", gpu, training=True) == "flex"
    assert pick_backend("auto", gpu, training=False) == pick_backend("auto", cpu, training=True) == "sdpa"
    assert pick_backend("sdpa", gpu, training=True) == "sdpa"
    with pytest.raises(
        ValueError, match=r"compute.attention is flex, which has no backward on cpu; set .* auto or sdpa"
    ):
        pick_backend("flex", cpu, training=True)


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
