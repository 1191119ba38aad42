import pytest
import torch
from torch.testing import assert_close

from model.norm import RMSNorm, apply_rotary
from model.tables import rotary_tables


@pytest.mark.parametrize("shape", [(5, 8), (3, 4, 8), (0, 8)])
def test_rms_norm_gradients_are_right(shape):
    norm = RMSNorm(8, 1e-6).double()
    generator = torch.Generator().manual_seed(1)
    norm.weight.data = torch.rand(8, generator=generator, dtype=torch.float64) + 0.5
    x = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    x_again, weight_again = x.detach().clone().requires_grad_(), norm.weight.detach().clone().requires_grad_()
    plain = x_again / (x_again.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weight_again
    upstream = torch.randn(shape, generator=generator, dtype=torch.float64)
    ours = torch.autograd.grad(norm(x), (x, norm.weight), upstream)
    theirs = torch.autograd.grad(plain, (x_again, weight_again), upstream)
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(mine, other, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("takes_gradients", [True, False])
def test_a_bfloat16_input_is_rounded_before_the_weight(takes_gradients):
    norm = RMSNorm(16, 1e-6).bfloat16()
    norm.weight.data.fill_(1.3)
    x = torch.randn(4, 16, generator=torch.Generator().manual_seed(2)).bfloat16()
    wide = x.float()
    unit = (wide * (wide.square().mean(-1, keepdim=True) + 1e-6).rsqrt()).bfloat16()
    with torch.set_grad_enabled(takes_gradients):
        assert torch.equal(norm(x), unit * norm.weight)


def test_without_gradients_the_values_are_the_same():
    generator = torch.Generator().manual_seed(5)
    norm = RMSNorm(64, 1e-6)
    norm.weight.data = torch.rand(64, generator=generator) + 0.5
    x = torch.randn(7, 3, 64, generator=generator) * 10
    cos, sin = rotary_tables(torch.arange(7), 64, 1e4, torch.float32)
    trained = apply_rotary(norm(x), cos, sin)
    with torch.no_grad():
        assert_close(apply_rotary(norm(x), cos, sin), trained, atol=1e-6, rtol=1e-6)


def test_rotation_keeps_lengths_and_depends_on_distance_alone():
    generator = torch.Generator().manual_seed(3)
    q, k = (torch.randn(1, 2, 8, generator=generator) for _ in range(2))

    def score(at_q, at_k):
        turned = (
            apply_rotary(x, *rotary_tables(torch.tensor([at]), 8, 1e4, torch.float32))
            for x, at in ((q, at_q), (k, at_k))
        )
        first, second = turned
        assert_close(first.norm(), q.norm())
        return (first * second).sum(-1)

    assert_close(score(5, 2), score(103, 100), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(score(5, 2), score(5, 4), atol=1e-3)


def test_the_gradient_of_a_rotation_is_the_opposite_rotation():
    x = torch.randn(3, 2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(4), requires_grad=True)
    cos, sin = rotary_tables(torch.tensor([0, 3, 9]), 6, 100.0, torch.float64)
    assert torch.autograd.gradcheck(lambda y: apply_rotary(y, cos, sin), (x,))
