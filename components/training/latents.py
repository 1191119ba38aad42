"""Latents of stored images: encoded one at a time, so that no bit depends on who else is asked for, and then kept."""

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


class Moments(NamedTuple):
    """Mean and standard deviation of the raw latents of one image: [z, h, w] each."""

    mean: Tensor
    std: Tensor

    @property
    def nbytes(self) -> int:
        return self.mean.nbytes + self.std.nbytes


class LatentStore:
    """What the autoencoder says of each distinct image."""

    def __init__(
        self,
        autoencoder: Autoencoder,
        transform: ImageTransform,
        pixels: PixelStore,
        *,
        name: str = "",
        capacity_bytes: int = CACHE_BYTES,
    ) -> None:
        """`name` stands for weights, sides and threads: what was kept under another is not recalled."""
        self._name = name
        self._recalled = 0
        self._autoencoder = autoencoder.eval().requires_grad_(False)
        self._transform = transform
        self._pixels = pixels
        self._kept: ByteCache[str, Moments] = ByteCache(capacity_bytes, attrgetter("nbytes"))

    def moments(self, image: Image, turn: int = 0) -> Moments:
        """The moments of the image, turned, on the CPU."""
        key = f"{image.sha256}-{turn}" if turn else image.sha256
        return self._kept.get_or_make(key, lambda: self._encode(image, turn))

    def sample(self, image: Image, draw: np.random.Generator, turn: int = 0) -> Tensor:
        """A normalised latent of the image, turned, drawn from its moments: [z, h, w]."""
        mean, std = self.moments(image, turn)
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

    @torch.no_grad()
    def _encode(self, image: Image, turn: int) -> Moments:
        device = next(self._autoencoder.parameters()).device
        pixels = plain([turned(self._pixels.sized(image, self._transform), turn)]).to(device)
        moments = self._autoencoder.encode(pixels)
        return Moments(moments.mean[0].cpu(), moments.std[0].cpu())
