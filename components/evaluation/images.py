"""Scores of a drawn image against the image it should be: `psnr.rgb8`, `ssim.rgb8.u7`, Dice of painted regions."""
# Shapes: images are uint8 (h, w, 3).

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.stored import decode_stored

PSNR_SCORER, SSIM_SCORER, DICE_SCORER = "psnr.rgb8", "ssim.rgb8.u7", "dice.palette@1"

PSNR_CAP = 100.0
"""What two equal images score: their PSNR is infinite, which JSON cannot hold."""

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How two masks agree. Both empty counts as 1 and is flagged; one empty counts as 0."""

    dice: float
    iou: float
    both_empty: bool


def decode(data: bytes) -> Rgb:
    """A stored image's pixels as 8-bit RGB; grey becomes three equal channels."""
    pixels = decode_stored(data)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)


def encode(pixels: Rgb) -> bytes:
    """The pixels as PNG, the same bytes every time."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=6)
    return out.getvalue()


def psnr(reference: Rgb, image: Rgb) -> float:
    """Peak signal to noise ratio in dB over all three channels, range 255; PSNR_CAP for equal images."""
    _check_sizes(reference, image)
    error = np.mean((reference.astype(np.float64) - image.astype(np.float64)) ** 2)
    return min(PSNR_CAP, float(10 * np.log10(255**2 / error))) if error else PSNR_CAP


def ssim(reference: Rgb, image: Rgb) -> float:
    """Structural similarity: uniform 7x7 window, sample covariance, range 255, mean over channels."""
    from skimage.metrics import structural_similarity

    _check_sizes(reference, image)
    score: Any = structural_similarity(reference, image, data_range=255, channel_axis=-1)
    return float(score)


def overlap(reference: NDArray[np.bool_], mask: NDArray[np.bool_]) -> Overlap:
    """Dice and IoU of two masks of one shape."""
    both, either = int((reference & mask).sum()), int((reference | mask).sum())
    total = int(reference.sum()) + int(mask.sum())
    if total == 0:
        return Overlap(1.0, 1.0, both_empty=True)
    return Overlap(2 * both / total, both / either, both_empty=False)


def palette_masks(image: Rgb, palette: Mapping[str, Sequence[int]]) -> dict[str, NDArray[np.bool_]]:
    """Name -> where the image is nearest to that palette colour. Shapes: (h, w, 3) -> (h, w) per name."""
    names = list(palette)
    colours = np.array([palette[name] for name in names], dtype=np.int64)
    distance = ((image[:, :, None, :].astype(np.int64) - colours) ** 2).sum(axis=-1)
    nearest = distance.argmin(axis=-1)
    return {name: nearest == index for index, name in enumerate(names)}


def _check_sizes(reference: Rgb, image: Rgb) -> None:
    if reference.shape != image.shape:
        raise ValueError(
            f"a drawn image of shape {image.shape} cannot be scored against a reference of shape {reference.shape}; "
            "draw at the reference's size"
        )
