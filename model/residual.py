"""What of a velocity is known before the network says anything: it is left to say the rest.

With latents of variance 1, x = (1 - sigma) latent + sigma noise and d = sigma^2 + (1 - sigma)^2, the best linear guess of the
latent is (1 - sigma) / d x, that of the velocity (2 sigma - 1) / d x, and what is left of the velocity has variance 1 / d.
Behind an image the latent's mean is that image where a gate keeps it: at sigma 1 and gate 1 the first guess is the image
itself, unchanged. (Preconditioning as in Karras et al. 2022, "Elucidating the design space", here for a straight path.)
"""
# Shapes: n latent tokens, D latent_dim.

from typing import NamedTuple

from torch import Tensor


class Drawn(NamedTuple):
    """Target tokens as the velocity head meets them."""

    noisy: Tensor
    """[n, D]."""
    sigma: Tensor
    """[n]."""
    given: Tensor
    """[n, D] clean latents at the same place of the image before the target; 0 where there is none."""


def linear_guess(noisy: Tensor, sigma: Tensor) -> Tensor:
    """The best linear guess of the latents: all of them where sigma is 0, nothing where it is 1. [n, D], [n] -> [n, D]."""
    sigma_n1 = sigma.unsqueeze(-1).to(noisy.dtype)
    return noisy * ((1 - sigma_n1) / _variance(sigma_n1))


def with_residual(said: Tensor, gate: Tensor, drawn: Drawn) -> Tensor:
    """The velocity, float32, of what the head says [n, D] and how much of the given image is kept [n, 1]: [n, D]."""
    sigma_n1, mean = drawn.sigma.float().unsqueeze(-1), gate.float() * drawn.given.float()
    variance = _variance(sigma_n1)
    rest = drawn.noisy.float() - (1 - sigma_n1) * mean
    return (2 * sigma_n1 - 1) / variance * rest - mean + said.float() * variance.rsqrt()


def _variance(sigma: Tensor) -> Tensor:
    return sigma.square() + (1 - sigma).square()
