"""From a picture to the network's numbers: sizes, pixels in [-1, 1], patches, and back."""
# Shapes: h, w = pixels or latents, p = patch side, c = channels, m = patches of one image.

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from model.config import MAX_PIXELS

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class ImageTransform:
    """Resizes a picture to sides that are multiples of stride and gives its pixels as numbers in [-1, 1]."""

    max_side: int
    min_side: int
    stride: int
    max_pixels: int = MAX_PIXELS
    """Pixels over all images of a sample."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_side <= self.max_side or self.stride < 1:
            raise ValueError(
                f"image sides must satisfy 1 <= min <= max and stride >= 1, got min {self.min_side}, "
                f"max {self.max_side}, stride {self.stride}"
            )

    def size(self, width: int, height: int, num_images: int = 1) -> tuple[int, int]:
        """(width, height) after resizing one of num_images pictures of a sample.

        Keeps the published rule: above the pixel limit both sides shrink by the ratio of areas, not its root.
        """
        scale = min(self.max_side / max(width, height), 1.0)
        scale = max(scale, self.min_side / min(width, height))
        width, height = self._scaled(width, height, scale)
        limit = self.max_pixels / num_images
        if width * height > limit:
            width, height = self._scaled(width, height, limit / (width * height))
        if max(width, height) > self.max_side:
            width, height = self._scaled(width, height, self.max_side / max(width, height))
        return width, height

    def __call__(self, image: "Image", num_images: int = 1) -> Tensor:
        """Pixels of an RGB picture: [3, h, w] float32 in [-1, 1]. Raises ValueError for any other mode."""
        from PIL.Image import Resampling

        if image.mode != "RGB":
            raise ValueError(f"image mode is {image.mode}, not RGB; convert (and window) it before the transform")
        resized = image.resize(self.size(*image.size, num_images), Resampling.BICUBIC)
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous()
        return (pixels.float() / 255 - 0.5) / 0.5

    def _scaled(self, width: int, height: int, scale: float) -> tuple[int, int]:
        return self._rounded(round(width * scale)), self._rounded(round(height * scale))

    def _rounded(self, side: int) -> int:
        return max(self.stride, round(side / self.stride) * self.stride)


def to_uint8(pixels: Tensor) -> Tensor:
    """Picture bytes: [..., 3, h, w] in [-1, 1] (clamped) -> [..., h, w, 3] uint8, truncated as published."""
    return (pixels.float() * 0.5 + 0.5).clamp(0, 1).mul(255).to(torch.uint8).movedim(-3, -1).contiguous()


def patchify_pixels(image: Tensor, patch: int) -> Tensor:
    """Patches row by row, each flattened as (row, column, channel): [c, h, w] -> [m, p * p * c].

    Raises ValueError when a side is not a multiple of patch.
    """
    channels, height, width = image.shape
    if height % patch or width % patch:
        raise ValueError(f"an image of {width} x {height} cannot be cut into patches of {patch} pixels a side")
    grid = image.reshape(channels, height // patch, patch, width // patch, patch)
    return grid.permute(1, 3, 2, 4, 0).reshape(-1, patch * patch * channels)


def unpatchify_pixels(patches: Tensor, grid_hw: tuple[int, int], patch: int) -> Tensor:
    """Inverse of patchify_pixels, over any leading axes: [..., m, p * p * c] -> [..., c, h, w]."""
    rows, columns = grid_hw
    leading = patches.shape[:-2]
    channels = patches.shape[-1] // patch**2
    grid = patches.reshape(math.prod(leading), rows, columns, patch, patch, channels).permute(0, 5, 1, 3, 2, 4)
    return grid.reshape(*leading, channels, rows * patch, columns * patch)


def patchify_latent(latent: Tensor, patch: int) -> Tensor:
    """Latent tokens row by row: [c, h, w] -> [m, p * p * c]. A rest that fills no patch is cropped."""
    height, width = (side // patch * patch for side in latent.shape[-2:])
    return patchify_pixels(latent[:, :height, :width], patch)


def unpatchify_latent(tokens: Tensor, grid_hw: tuple[int, int], patch: int) -> Tensor:
    """Inverse of patchify_latent: [m, p * p * c] -> [c, h, w]."""
    return unpatchify_pixels(tokens, grid_hw, patch)
