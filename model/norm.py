"""Root-mean-square normalisation and rotary positions, each with its gradient written out.

The gradient of torch's own rms_norm is a chain of small operations on a CPU: in the tiny recipe the chain took a third of
a step, and for the short rows of q and k six times this one. Where no gradient is taken, neither is the way through it. transformers' layers hold the same chain and cost a second to import.
"""
# Shapes: any leading axes, D = last axis; N tokens, heads, d = head size.

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) in float32, rounded to x's type, times weight: [..., D] -> [..., D]."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return _RMSNorm.apply(x, self.weight, self.eps)
        if x.dtype == torch.float32:  # the same bits in a third of the time that a few tokens take
            return F.rms_norm(x, self.weight.shape, self.weight, self.eps)
        return _unit(x, self.eps)[0] * self.weight


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates pair (j, j + d/2) of every head by its token's angle: x [N, heads, d], cos and sin [N, 1, d/2]."""
    return _Rotary.apply(x, cos, sin) if torch.is_grad_enabled() else _rotate(x, cos, sin)


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        unit, inverse = _unit(x, eps)
        ctx.save_for_backward(unit, inverse, weight)
        return unit * weight

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (grad,) = grads
        unit, inverse, weight = ctx.saved_tensors
        of_weight = of_x = None
        product = grad * unit
        if ctx.needs_input_grad[1]:
            of_weight = product.flatten(0, -2).sum(0).to(weight.dtype)
        if ctx.needs_input_grad[0]:
            along = (product.float() @ weight.float()).div_(-weight.shape[0]).unsqueeze(-1)
            of_x = (grad * weight).float().addcmul_(unit.float(), along).mul_(inverse).to(grad.dtype)
        return of_x, of_weight, None


class _Rotary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotate(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _rotate(grads[0], cos, -sin), None, None


def _unit(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """x at a mean square of 1, rounded to its type, and the float32 factor that did it."""
    wide = x.float()
    inverse = wide.square().mean(-1, keepdim=True).add_(eps).rsqrt_()
    return (wide * inverse).to(x.dtype), inverse


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    out = torch.empty_like(x)
    torch.mul(first, cos, out=out[..., :half]).addcmul_(second, sin, value=-1)
    torch.mul(second, cos, out=out[..., half:]).addcmul_(first, sin)
    return out
