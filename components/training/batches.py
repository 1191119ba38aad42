"""From the planner's visits to what one forward reads: tokens, noise levels and noise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from components.assembly.dataset import ImageShape, SampleIndex
from components.recipes.training import TrainingSettings
from components.records.sample import Image, Sample
from components.storage.keys import generator
from components.training.augment import augmented, plain
from components.training.latents import LatentStore
from components.training.layout import Item, LatentItem, Layout, TextItem, Visit, VitItem
from components.training.mirrored_edits import turn_of, turned
from components.training.pixels import PixelStore
from model.config import ModelConfig
from model.image_transform import patchify_latent, patchify_pixels
from model.objective import sigma_of
from model.packed import PackedSequence
from model.sequence_builder import SequenceBuilder

# Shapes: L latent tokens of the micro-batch, D numbers in one.


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """One forward of training."""

    packed: PackedSequence
    sigma: Tensor
    """[L], 0 for clean images."""
    noise: Tensor
    """[L, D]."""

    def to(self, device: torch.device) -> "MicroBatch":
        return MicroBatch(self.packed.to(device), self.sigma.to(device), self.noise.to(device))


class _Planned(NamedTuple):
    """A visit's sample, what of it is packed, and how its images are turned."""

    visit: Visit
    sample: Sample
    items: list[Item]
    turn: int


class BatchMaker:
    """Builds micro-batches of visits; every random number is keyed by (seed, sample, pass)."""

    def __init__(
        self,
        index: SampleIndex,
        layout: Layout,
        config: ModelConfig,
        *,
        latents: LatentStore,
        pixels: PixelStore,
        training: TrainingSettings,
    ) -> None:
        self._index = index
        self._layout = layout
        self._config = config
        self._latents = latents
        self._pixels = pixels
        self._training = training

    def build(self, visits: Iterable[Visit]) -> MicroBatch:
        """The micro-batch of these visits, in their order; of none, one without a token."""
        planned = [self._plan(visit) for visit in visits]
        vit = iter(self._vit_patches(planned))
        builder = SequenceBuilder(self._layout.tokenizer.special, self._config)
        sigmas: list[np.ndarray] = []
        noises: list[np.ndarray] = []
        for visit, sample, items, turn in planned:
            draw = generator(self._layout.seed, "noise", visit.key, visit.pass_number)
            builder.start_sample()
            for item in items:
                match item:
                    case TextItem():
                        builder.add_text(item.ids, item.supervised, item.dropped)
                    case VitItem():
                        builder.add_vit(torch.empty(0) if item.dropped else next(vit), item.grid, item.dropped)
                    case LatentItem(dropped=True):
                        builder.add_latent(torch.empty(0), item.grid, target=False, dropped=True)
                    case LatentItem():
                        tokens = patchify_latent(
                            self._latents.sample(_image(sample, item.piece), draw, turn), self._config.latent_patch
                        )
                        self._add_latents(builder, item, tokens, draw, sigmas, noises)
            builder.end_sample()
        return MicroBatch(builder.build(may_be_empty=True), *self._chance(sigmas, noises))

    def _plan(self, visit: Visit) -> _Planned:
        sample, pieces = self._index.read_with_layout(visit.number)
        square = all(piece.width == piece.height for piece in pieces if isinstance(piece, ImageShape))
        turn = turn_of(sample.task, visit, self._layout.seed, square=square) if self._training.turn_edits else 0
        return _Planned(visit, sample, self._layout.items(pieces, visit), turn)

    def _vit_patches(self, planned: Sequence[_Planned]) -> list[Tensor]:
        """Patches of every image that the ViT reads, in order; images of one size are changed together."""
        images: list[np.ndarray] = []
        keys: list[tuple[object, ...]] = []
        for visit, sample, items, turn in planned:
            for item in items:
                if isinstance(item, VitItem) and not item.dropped:
                    upright = self._pixels.sized(_image(sample, item.piece), self._layout.vit)
                    images.append(turned(upright, turn))
                    keys.append((self._layout.seed, visit.key, visit.pass_number, item.piece))
        patches: list[Tensor] = [torch.empty(0)] * len(images)
        for shape in dict.fromkeys(image.shape for image in images):
            members = [i for i, image in enumerate(images) if image.shape == shape]
            chosen = [images[i] for i in members]
            pixels = augmented(chosen, [keys[i] for i in members]) if self._training.augment else plain(chosen)
            for i, image in zip(members, pixels, strict=True):
                patches[i] = patchify_pixels(image, self._layout.vit_patch)
        return patches

    def _add_latents(
        self,
        builder: SequenceBuilder,
        item: LatentItem,
        tokens: Tensor,
        draw: np.random.Generator,
        sigmas: list[np.ndarray],
        noises: list[np.ndarray],
    ) -> None:
        for _ in range(max(item.copies, 1)):
            builder.add_latent(tokens, item.grid, target=item.copies > 0)
            logit = draw.standard_normal(dtype=np.float32) if item.copies else -np.inf
            share = self._training.edits_from_noise
            if item.copies and item.is_edit and share > 0 and draw.uniform() < share:
                logit = np.inf
            sigmas.append(np.full(len(tokens), logit, np.float32))
            noises.append(
                draw.standard_normal(tokens.shape, dtype=np.float32)
                if item.copies
                else np.zeros(tokens.shape, np.float32)
            )

    def _chance(self, logits: list[np.ndarray], noises: list[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Noise levels [L] (exactly 0 where the logit is minus infinity) and noise [L, D]."""
        if not noises:
            return torch.zeros(0), torch.zeros(0, self._config.latent_dim)
        sigma = sigma_of(torch.from_numpy(np.concatenate(logits)), self._training.timestep_shift)
        return sigma, torch.from_numpy(np.concatenate(noises))


def _image(sample: Sample, number: int) -> Image:
    piece = sample.pieces[number]
    assert isinstance(piece, Image)
    return piece
