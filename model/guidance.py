"""How a drawing is steered: which noise levels it passes, and how far it moves away from contexts that lack something."""
# Shapes: M latent tokens of all images, D latent_dim.

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from model.objective import shifted

Renorm = Literal["global", "channel", "text_channel"]


@dataclass(frozen=True, kw_only=True, slots=True)
class GuidanceSettings:
    """How an image is drawn."""

    num_timesteps: int = 50
    """Points of the sigma grid, both ends counted: one more than the steps."""
    timestep_shift: float = 3.0
    text_scale: float = 4.0
    """1 or less: no guidance at all."""
    image_scale: float = 1.0
    """1 or less: no guidance away from the context without images."""
    interval: tuple[float, float] = (0.4, 1.0)
    """Guides where low < sigma <= high."""
    renorm: Renorm = "global"
    renorm_min: float = 0.0
    extrapolates: bool = False
    """Compute the first steps and then one in three, and continue the states between them: faster, not the same image."""

    def __post_init__(self) -> None:
        if self.num_timesteps < 2:
            raise ValueError(f"num_timesteps counts grid points and must be at least 2, got {self.num_timesteps}")
        if self.renorm not in ("global", "channel", "text_channel"):
            raise ValueError(f"unknown renorm {self.renorm!r}; known: global, channel, text_channel")

    def sigmas(self) -> Tensor:
        """The grid from 1 to 0: [num_timesteps] float32."""
        return shifted(torch.linspace(1, 0, self.num_timesteps), self.timestep_shift)

    def guides_at(self, sigma: float) -> bool:
        low, high = self.interval
        return self.text_scale > 1 and low < sigma <= high


def guide(velocities: tuple[Tensor, ...], settings: GuidanceSettings, image_of: Tensor, num_images: int) -> Tensor:
    """Away from the velocity without text, then from that without images, no longer than the plain one. [M, D] each."""
    plain, without_text, *without_image = velocities
    guided = without_text + settings.text_scale * (plain - without_text)
    if settings.renorm == "text_channel":
        guided = guided * shrink(plain.norm(dim=-1), guided.norm(dim=-1), settings.renorm_min)[:, None]
    for base in without_image:
        guided = base + settings.image_scale * (guided - base)
    if settings.renorm == "channel":
        guided = guided * shrink(plain.norm(dim=-1), guided.norm(dim=-1), settings.renorm_min)[:, None]
    if settings.renorm == "global":
        wanted, found = (_image_norms(velocity, image_of, num_images) for velocity in (plain, guided))
        guided = guided * shrink(wanted, found, settings.renorm_min)[image_of, None]
    return guided


def shrink(wanted: Tensor, found: Tensor, least: float) -> Tensor:
    """What brings a velocity of length found down to wanted: between least and 1, so never longer. Any shape."""
    return (wanted / (found + 1e-8)).clamp(least, 1.0)


def _image_norms(velocity: Tensor, image_of: Tensor, num_images: int) -> Tensor:
    """Norm over all of each image: [M, D], image of each token [M] -> [num_images]."""
    squares = velocity.square().sum(-1)
    return squares.new_zeros(num_images).index_add_(0, image_of, squares).sqrt()
