"""What the network is trained on: the next token, and the straight path from data (sigma 0) to noise (sigma 1)."""
# Shapes: L packed latent tokens, Lt of them targets, D latent_dim, C text targets.

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model.packed import PackedSequence
from model.unimedvl import UniMedVL


class Draw(NamedTuple):
    """The chance in one training forward."""

    sigma: Tensor
    """[L], one level per target image or video, exactly 0 for clean ones."""
    noise: Tensor
    """[L, D] standard normal."""


class Losses(NamedTuple):
    """Sums, so that micro-batches and ranks add up before anybody divides."""

    text_loss_sum: Tensor
    """Cross-entropy summed over text targets (weighted, where weights were asked for)."""
    image_loss_sum: Tensor
    """Squared velocity error, mean over channels, summed over target tokens."""
    num_text_targets: Tensor
    """What to divide text_loss_sum by: the targets, or their summed weights."""
    num_image_targets: Tensor
    """What to divide image_loss_sum by: the target latent tokens."""


def draw(packed: PackedSequence, generator: torch.Generator, timestep_shift: float) -> Draw:
    """Noise levels and noise from a generator on the CPU, placed on the sequence's device."""
    logit = torch.randn(len(packed.latent_lens), generator=generator)
    noise = torch.randn(packed.latents.shape, generator=generator)
    return Draw(levels(packed, logit, timestep_shift).to(packed.device), noise.to(packed.device))


def levels(packed: PackedSequence, logit: Tensor, timestep_shift: float) -> Tensor:
    """Noise level of each latent token from a logit per image: 0 where clean, and a video's from its first frame: [L]."""
    sigma = sigma_of(logit[packed.latent_leader], timestep_shift)
    sigma = torch.where(torch.tensor(packed.latent_is_target, dtype=torch.bool), sigma, 0.0)
    return sigma.repeat_interleave(torch.tensor(packed.latent_lens, dtype=torch.int64))


def sigma_of(logit: Tensor, timestep_shift: float) -> Tensor:
    """Noise level of a logit; a shift above 1 moves levels towards noise. Any shape."""
    return shifted(logit.sigmoid(), timestep_shift)


def shifted(sigma: Tensor, timestep_shift: float) -> Tensor:
    """s sigma / (1 + (s - 1) sigma): keeps 0 and 1. Any shape."""
    return timestep_shift * sigma / (1 + (timestep_shift - 1) * sigma)


def interpolate(latent: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """Noisy latents: (L, D), (L, D), sigma (L,) in [0, 1] -> (L, D)."""
    sigma_L1 = sigma.unsqueeze(-1)
    return (1 - sigma_L1) * latent + sigma_L1 * noise


def velocity_target(latent: Tensor, noise: Tensor) -> Tensor:
    """d(noisy)/d(sigma): points from data to noise. (L, D), (L, D) -> (L, D)."""
    return noise - latent


def euler_step(noisy: Tensor, velocity: Tensor, sigma: Tensor, next_sigma: Tensor) -> Tensor:
    """From one noise level to the next, lower one: (L, D), (L, D), scalars -> (L, D)."""
    return noisy - velocity * (sigma - next_sigma).to(noisy.device)


def summed_losses(
    model: UniMedVL, packed: PackedSequence, sigma: Tensor, noise: Tensor, *, reweight_text: bool = False
) -> Losses:
    """Both losses of one forward. Also a sequence without text or image targets has a gradient (zero) everywhere."""
    prediction = model(packed, interpolate(packed.latents, noise, sigma), sigma)
    text = F.cross_entropy(prediction.text_logits.float(), packed.label_ids, reduction="none")
    weights = packed.label_weights if reweight_text else torch.ones_like(packed.label_weights)
    target = velocity_target(packed.latents, noise).index_select(0, packed.target_index)
    image = (prediction.velocity.float() - target).square().mean(-1)
    return Losses(
        (text * weights).sum(),
        image.sum(),
        weights.sum(),
        torch.tensor(float(packed.num_targets), device=packed.device),
    )
