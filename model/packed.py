"""Several samples in one row of tokens: what one forward reads. `model.sequence_builder` lays them out."""
# Shapes: N tokens = T text and marker tokens + V ViT patches + L latent tokens; C positions with a text loss.

from dataclasses import dataclass, fields, replace
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor

AttentionMode = Literal["causal", "full", "noise"]
Grid = tuple[int, int]
"""Rows and columns of an image, in patches."""


class GivenImage(NamedTuple):
    """A clean image before a drawing."""

    tokens: Tensor
    """[m, latent_dim]."""
    grid_hw: Grid


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Vocabulary ids of the four markers: around a text, and around an image."""

    start: int
    end: int
    image_start: int
    image_end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedSequence:
    """What one forward reads. *_token_index are places in 0..N-1; every token is text, ViT or latent, exactly one."""

    sample_lens: tuple[int, ...]
    split_lens: tuple[int, ...]
    attention_modes: tuple[AttentionMode, ...]
    """One per split."""
    position_ids: Tensor
    """[N] rotary positions."""
    text_ids: Tensor
    """[T] vocabulary ids."""
    text_token_index: Tensor
    vit_patches: Tensor
    """[V, 3 p p] pixels in [-1, 1], (row, column, channel) within a patch."""
    vit_position_ids: Tensor
    vit_grids: tuple[Grid, ...]
    """Per ViT image."""
    vit_token_index: Tensor
    latents: Tensor
    """[L, latent_dim] clean and normalised, conditions and targets alike."""
    latent_position_ids: Tensor
    latent_grids: tuple[Grid, ...]
    """Per image in latents."""
    latent_is_target: tuple[bool, ...]
    """Per image in latents: it is noised and its velocity is learnt."""
    latent_token_index: Tensor
    given: Tensor
    """[L, latent_dim] for each target the clean image of its size that came last before it in its sample; 0 elsewhere."""
    label_token_index: Tensor
    """[C] places whose state predicts the next token."""
    label_ids: Tensor
    label_weights: Tensor
    """[C] 1 / sqrt(labels of its text): used only where a loss asks for re-weighting."""

    @property
    def num_tokens(self) -> int:
        return self.position_ids.shape[0]

    @property
    def device(self) -> torch.device:
        return self.position_ids.device

    @property
    def vit_lens(self) -> tuple[int, ...]:
        """Patches of each ViT image."""
        return tuple(rows * columns for rows, columns in self.vit_grids)

    @property
    def latent_lens(self) -> tuple[int, ...]:
        """Tokens of each latent image."""
        return tuple(rows * columns for rows, columns in self.latent_grids)

    @property
    def num_targets(self) -> int:
        """Latent tokens with an image loss (Lt)."""
        return sum(length for length, target in zip(self.latent_lens, self.latent_is_target, strict=True) if target)

    @property
    def target_index(self) -> Tensor:
        """Places in latents of the tokens with an image loss: [Lt] int64."""
        return (
            torch.repeat_interleave(
                torch.tensor(self.latent_is_target, dtype=torch.bool), torch.tensor(self.latent_lens, dtype=torch.int64)
            )
            .nonzero()[:, 0]
            .to(self.device)
        )

    @property
    def latent_leader(self) -> Tensor:
        """Per image in latents the first image of its split, itself but for frames of a video: [images] int64, on the CPU."""
        first = torch.tensor((0, *self.latent_lens[:-1]), dtype=torch.int64).cumsum(0)[: len(self.latent_lens)]
        ends = torch.tensor(self.split_lens, dtype=torch.int64).cumsum(0)
        split = torch.searchsorted(ends, self.latent_token_index.cpu()[first], right=True)
        return torch.searchsorted(split, split)

    def to(self, device: torch.device | str) -> Self:
        """The same sequence with its tensors on device."""
        tensors = {f.name: value.to(device) for f in fields(self) if isinstance(value := getattr(self, f.name), Tensor)}
        return replace(self, **tensors)

    def validate(self) -> None:
        """Raises ValueError unless every token is in exactly one stream and all lengths agree."""
        places = torch.cat([self.text_token_index, self.vit_token_index, self.latent_token_index])
        problems = [
            f"{what}: {left} against {right}"
            for what, left, right in (
                ("sum of sample_lens and tokens", sum(self.sample_lens), self.num_tokens),
                ("sum of split_lens and tokens", sum(self.split_lens), self.num_tokens),
                ("attention_modes and split_lens", len(self.attention_modes), len(self.split_lens)),
                ("text_ids and text_token_index", len(self.text_ids), len(self.text_token_index)),
                ("vit_patches and vit_token_index", len(self.vit_patches), len(self.vit_token_index)),
                ("vit_position_ids and vit_token_index", len(self.vit_position_ids), len(self.vit_token_index)),
                ("sum of vit_lens and vit_patches", sum(self.vit_lens), len(self.vit_patches)),
                ("latents and latent_token_index", len(self.latents), len(self.latent_token_index)),
                ("latent_position_ids and latents", len(self.latent_position_ids), len(self.latents)),
                ("given and latents", len(self.given), len(self.latents)),
                ("sum of latent_lens and latents", sum(self.latent_lens), len(self.latents)),
                ("latent_is_target and latent_lens", len(self.latent_is_target), len(self.latent_lens)),
                ("label_ids and label_token_index", len(self.label_ids), len(self.label_token_index)),
                ("label_weights and label_token_index", len(self.label_weights), len(self.label_token_index)),
            )
            if left != right
        ]
        if not torch.equal(places.sort().values.cpu(), torch.arange(self.num_tokens)):
            problems.append("text, ViT and latent places do not cover 0..N-1 exactly once")
        boundaries = set(torch.tensor((0, *self.split_lens)).cumsum(0).tolist())
        if not boundaries.issuperset(torch.tensor((0, *self.sample_lens)).cumsum(0).tolist()):
            problems.append("a split crosses the border of its sample")
        if problems:
            raise ValueError("packed sequence does not fit together: " + "; ".join(problems))
