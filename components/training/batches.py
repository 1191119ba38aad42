"""From the planner's visits to what one forward reads: tokens, noise levels and noise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from components.recipes.training import TrainingSettings
from components.storage.keys import generator
from components.training.gathering import Gathered, Gatherer
from components.training.latents import LatentStore
from components.training.layout import LatentItem, Layout, TextItem, Visit, VitItem
from model.config import ModelConfig
from model.image_transform import patchify_latent
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


class BatchMaker:
    """Builds micro-batches of visits; every random number is keyed by (seed, sample, pass)."""

    def __init__(
        self,
        gatherer: Gatherer,
        layout: Layout,
        config: ModelConfig,
        *,
        latents: LatentStore,
        training: TrainingSettings,
    ) -> None:
        self.gatherer = gatherer
        self._layout = layout
        self._config = config
        self._latents = latents
        self._training = training

    def build(self, visits: Iterable[Visit]) -> MicroBatch:
        """The micro-batch of these visits, in their order; of none, one without a token."""
        return self.finish(self.gatherer.gather(visits))

    def finish(self, gathered: Sequence[Gathered]) -> MicroBatch:
        """The micro-batch of what was gathered, here or in a loader process."""
        moments = iter(self._latents.moments([image for one in gathered for image in one.images.values()]))
        builder = SequenceBuilder(self._layout.tokenizer.special, self._config)
        sigmas: list[np.ndarray] = []
        noises: list[np.ndarray] = []
        for one in gathered:
            draw = generator(self._layout.seed, "noise", one.visit.key, one.visit.pass_number)
            known = dict(zip(one.images, moments, strict=False))
            builder.start_sample()
            for item in one.items:
                match item:
                    case TextItem():
                        builder.add_text(item.ids, item.supervised, item.dropped)
                    case VitItem():
                        patches = torch.empty(0) if item.dropped else one.patches[item.piece]
                        builder.add_vit(patches, item.grid, item.dropped)
                    case LatentItem(dropped=True):
                        builder.add_latent(torch.empty(0), item.grid, target=False, dropped=True)
                    case LatentItem():
                        latent = self._latents.sample(known[item.piece], draw)
                        tokens = patchify_latent(latent, self._config.latent_patch)
                        self._add_latents(builder, item, tokens, draw, sigmas, noises)
            builder.end_sample()
        return MicroBatch(builder.build(may_be_empty=True), *self._chance(sigmas, noises))

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
