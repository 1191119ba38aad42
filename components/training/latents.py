"""Latents of stored images: encoded so that no bit depends on who else is asked for, and then kept.

A CPU gains nothing by more than one image at a time. A GPU encodes as many of one size as are missing, always so many
together, the last of them filled up: the kernels that add up a number are those of the size of the whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from components.records.sample import Image
from components.storage.atomic import write_bytes, write_text
from components.storage.byte_cache import ByteCache
from components.storage.keys import sha256_bytes
from components.training.augment import plain
from components.training.mirrored_edits import turned
from components.training.pixels import PixelStore
from model.autoencoder import Autoencoder
from model.image_transform import ImageTransform

# Shapes: z latent channels, h x w latents.

CACHE_BYTES = 2**30
TOGETHER_ON_GPU = 8
"""Images that a GPU encodes at once."""


def machine_of(device: torch.device) -> str:
    """What computes latents, and how: torch's version, and the GPU or the instructions of the CPU."""
    how = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__} {device.type} {how}"


class Moments(NamedTuple):
    """Mean and standard deviation of the raw latents of one image: [z, h, w] each."""

    mean: Tensor
    std: Tensor

    @property
    def nbytes(self) -> int:
        return self.mean.nbytes + self.std.nbytes


@dataclass(frozen=True, slots=True)
class LatentImage:
    """An image that is to be encoded."""

    stored: Image
    """Without its bytes where its pixels are decoded."""
    turn: int = 0
    pixels: Tensor | None = None
    """uint8 [h, w, 3], sized and turned."""

    @property
    def key(self) -> str:
        return f"{self.stored.sha256}-{self.turn}" if self.turn else self.stored.sha256

    def decoded(self, pixels: PixelStore, transform: ImageTransform) -> "LatentImage":
        """The same with its pixels at the transform's size."""
        if self.pixels is not None:
            return self
        sized = np.array(turned(pixels.sized(self.stored, transform), self.turn), order="C")
        return LatentImage(replace(self.stored, data=b""), self.turn, torch.from_numpy(sized))


class LatentStore:
    """What the autoencoder says of each distinct image."""

    def __init__(
        self,
        autoencoder: Autoencoder,
        transform: ImageTransform,
        pixels: PixelStore,
        *,
        name: str = "",
        together: int = 1,
        capacity_bytes: int = CACHE_BYTES,
    ) -> None:
        """`name` stands for all that moves a bit: what was kept under another is not recalled. together: images of one
        size that are encoded at once."""
        self._name = name
        self._together = together
        self._recalled = 0
        self._autoencoder = autoencoder.eval().requires_grad_(False)
        self._transform = transform
        self._pixels = pixels
        self._kept: ByteCache[str, Moments] = ByteCache(capacity_bytes, attrgetter("nbytes"))

    def moments(self, images: Sequence[LatentImage]) -> list[Moments]:
        """The moments of each image, on the CPU."""
        wanted = {image.key: image for image in images}
        found = {key: self._kept[key] for key in wanted if key in self._kept}
        missing = {key: image for key, image in wanted.items() if key not in found}
        for key, value in self._encoded(missing):
            found[key] = self._kept[key] = value
        return [found[image.key] for image in images]

    def sample(self, moments: Moments, draw: np.random.Generator) -> Tensor:
        """A normalised latent drawn from the moments: [z, h, w]."""
        mean, std = moments
        noise = torch.from_numpy(draw.standard_normal(mean.shape, dtype=np.float32))
        return self._autoencoder.normalise(mean + std * noise)

    def recall(self, folder: Path) -> None:
        """Takes what an earlier stage encoded under the same name; a damaged or missing file is no loss."""
        from safetensors.torch import load

        path, stamp = self._files(folder)
        if not (path.is_file() and stamp.is_file()):
            return
        data = path.read_bytes()
        if sha256_bytes(data) != stamp.read_text():
            return
        tensors = load(data)
        for key in sorted({name.partition("/")[0] for name in tensors}):
            self._kept[key] = Moments(tensors[f"{key}/mean"], tensors[f"{key}/std"])
        self._recalled = len(self._kept)

    def keep(self, folder: Path) -> None:
        """Leaves what is encoded for the next stage, and drops what other autoencoders left there."""
        from safetensors.torch import save

        if len(self._kept) == self._recalled:
            return
        path, stamp = self._files(folder)
        tensors = {f"{key}/{part}": value for key, m in self._kept.items() for part, value in m._asdict().items()}
        data = save({name: tensors[name].contiguous() for name in sorted(tensors)})
        stamp.unlink(missing_ok=True)
        write_bytes(path, data)
        write_text(stamp, sha256_bytes(data))
        for other in folder.iterdir():
            if other not in (path, stamp):
                other.unlink(missing_ok=True)

    def _files(self, folder: Path) -> tuple[Path, Path]:
        return folder / f"{self._name}.safetensors", folder / f"{self._name}.sha256"

    def _encoded(self, images: Mapping[str, LatentImage]) -> Iterator[tuple[str, Moments]]:
        """Moments by key; images of one size go through the autoencoder so many together."""
        sizes: dict[tuple[int, ...], list[tuple[str, Tensor]]] = {}
        for key, image in images.items():
            pixels = image.decoded(self._pixels, self._transform).pixels
            assert pixels is not None
            sizes.setdefault(tuple(pixels.shape), []).append((key, pixels))
        for found in sizes.values():
            for start in range(0, len(found), self._together):
                group = found[start : start + self._together]
                yield from zip([key for key, _ in group], self._encode([pixels for _, pixels in group]), strict=True)

    @torch.no_grad()
    def _encode(self, images: list[Tensor]) -> list[Moments]:
        full = [*images, *images[-1:] * (self._together - len(images))]
        pixels = plain([image.numpy() for image in full]).to(next(self._autoencoder.parameters()).device)
        moments = self._autoencoder.encode(pixels)
        mean, std = moments.mean.cpu(), moments.std.cpu()
        return [Moments(mean[place].clone(), std[place].clone()) for place in range(len(images))]
