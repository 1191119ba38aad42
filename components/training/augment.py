"""Images changed a little for training: what the ViT sees, the autoencoder's crops, what the judge learns from.

What the ViT sees is turned, scaled, shifted, lighter, blurred, noisy, partly erased, and never flipped: left and right
are questions. Every number of its change comes from the image's own key, so it is the same whichever images stand
beside it in the batch, whichever rank asks, and after a restart.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from components.storage.keys import generator

# Shapes: B images of one size, h x w pixels.

ROTATION = 0.19
"""Radians, either way."""
LOG_SCALE, LOG_ASPECT, SHIFT = 0.22, 0.08, 0.18
"""Natural logarithms; the shift is a share of half the side."""
LOG_GAMMA, GAIN, BIAS, COLOUR = 0.55, 0.15, 0.1, 0.08
BLUR_SHARE, NOISE_SHARE, ERASE_SHARE = 0.3, 0.4, 0.3
NOISE, ERASED_SIDE = 0.04, 0.35
CROP_LOG_GAMMA = 0.3

Key = tuple[object, ...]


def plain(images: Sequence[np.ndarray]) -> Tensor:
    """The images as they are: uint8 [h, w, 3] each -> [B, 3, h, w] float32 in [-1, 1]."""
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return (pixels.float() / 255 - 0.5) / 0.5


def augmented(images: Sequence[np.ndarray], keys: Sequence[Key]) -> Tensor:
    """The images changed as their keys say: uint8 [h, w, 3] each -> [B, 3, h, w] float32 in [-1, 1]."""
    draws = [generator(*key, "augment") for key in keys]
    numbers = np.stack([draw.uniform(-1, 1, 11) for draw in draws]).astype(np.float32)
    chances = np.stack([draw.uniform(0, 1, 7) for draw in draws]).astype(np.float32)
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    moved = _moved(pixels, torch.from_numpy(_affine(numbers[:, :5])))
    shaded = _shade(moved, torch.from_numpy(numbers[:, 5:]))
    rough = _roughen(shaded, chances, draws)
    return (rough.clamp(0, 1) - 0.5) / 0.5


def random_crops(images: Sequence[np.ndarray], side: int, draw: np.random.Generator) -> Tensor:
    """Random crops, flipped, transposed and of changed gamma: uint8 [h, w, 3] each -> [B, 3, side, side] in [-1, 1]."""
    places = draw.uniform(size=(len(images), 2))
    turns = draw.integers(0, 2, size=(len(images), 3))
    gammas = np.exp(draw.uniform(-CROP_LOG_GAMMA, CROP_LOG_GAMMA, len(images)))
    crops = []
    for pixels, place, (flip, mirror, transpose) in zip(images, places, turns, strict=True):
        top, left = (int(at * (whole - side + 1)) for at, whole in zip(place, pixels.shape[:2], strict=True))
        crop = pixels[top : top + side, left : left + side]
        crop = crop[::-1] if flip else crop
        crop = crop[:, ::-1] if mirror else crop
        crops.append(np.ascontiguousarray(crop.transpose(1, 0, 2) if transpose else crop))
    unit = (plain(crops) + 1) / 2
    gamma = torch.from_numpy(gammas.astype(np.float32))[:, None, None, None]
    return unit.clamp(0, 1).pow(gamma) * 2 - 1


def softened(images: Tensor, generator: torch.Generator) -> Tensor:
    """The images mirrored, cropped, blurred, brightened and noised, each by its own draw. [B, 3, h, w] in [-1, 1] -> same.

    Blur matters most: a drawing is softer than a photograph, and softness is no modality.
    """
    count = len(images)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)

    theta = torch.zeros(count, 2, 3)
    scale = draw(0.8, 1.15).view(count)
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    theta[:, 0, 0], theta[:, 1, 1] = scale * mirror, scale
    theta[:, :, 2] = 0.15 * (2 * torch.rand(count, 2, generator=generator) - 1)
    moved = _moved(images, theta)
    soft = F.avg_pool2d(moved, 3, stride=1, padding=1, count_include_pad=False)
    moved = torch.lerp(moved, soft, draw(-0.3, 1.0).clamp(0, 1))
    moved = moved * draw(0.7, 1.2) + draw(-0.15, 0.15)
    # Noise of one colour: a grey image stays grey, since colour tells a modality.
    noise = torch.randn(count, 1, *moved.shape[2:], generator=generator)
    return (moved + draw(0, 0.12) * noise).clamp(-1, 1)


def _moved(images: Tensor, theta: Tensor) -> Tensor:
    """Each image read at the places that its matrix says, its border's colour outside: [B, 3, h, w], [B, 2, 3] -> same."""
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _affine(numbers: np.ndarray) -> np.ndarray:
    """Where each pixel of the result is read from: [B, 5] in [-1, 1] -> [B, 2, 3]."""
    angle = numbers[:, 0] * ROTATION
    scale, aspect = np.exp(numbers[:, 1] * LOG_SCALE), np.exp(numbers[:, 2] * LOG_ASPECT)
    cos, sin = np.cos(angle), np.sin(angle)
    rows = [
        [cos * scale * aspect, -sin * scale, numbers[:, 3] * SHIFT],
        [sin * scale, cos * scale / aspect, numbers[:, 4] * SHIFT],
    ]
    return np.stack([np.stack(row, -1) for row in rows], 1).astype(np.float32)


def _shade(pixels: Tensor, numbers: Tensor) -> Tensor:
    """Gamma, gain, bias and a gain of each colour; numbers [B, 6]."""
    gamma = torch.exp(numbers[:, 0] * LOG_GAMMA)[:, None, None, None]
    gain = (1 + numbers[:, 1:2] * GAIN) * (1 + numbers[:, 3:6] * COLOUR)
    bias = (numbers[:, 2] * BIAS)[:, None, None, None]
    return pixels.clamp(1e-4, 1).pow(gamma) * gain[:, :, None, None] + bias


def _roughen(pixels: Tensor, chances: np.ndarray, draws: Sequence[np.random.Generator]) -> Tensor:
    """Blur, noise and an erased rectangle, each for its share of the images; chances [B, 7]."""
    blurred = [i for i, row in enumerate(chances) if row[0] < BLUR_SHARE]
    if blurred:
        pixels[blurred] = F.avg_pool2d(F.pad(pixels[blurred], (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    height, width = pixels.shape[-2:]
    for image, row, draw in zip(pixels, chances, draws, strict=True):
        if row[1] < NOISE_SHARE:
            noise = draw.standard_normal((1, height, width), dtype=np.float32)
            image += torch.from_numpy(noise) * (NOISE * float(row[2]))
        if row[3] < ERASE_SHARE:
            top, left = int(row[4] * height), int(row[5] * width)
            rows, columns = (max(1, int(row[6] * ERASED_SIDE * side)) for side in (height, width))
            patch = image[:, top : top + rows, left : left + columns]
            patch.copy_(patch.mean((1, 2), keepdim=True).expand_as(patch))
    return pixels
