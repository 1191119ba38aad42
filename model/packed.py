"""Several samples in one row of tokens, and the builder that lays them out as published.

A sample is a chain of splits: a text (causal), a clean image (full) or a noised target (noise), each between its two
markers. Rotary positions restart at every sample; a text takes one position a token, an image one in all, and a target
none, so that it shares its position with the clean copy that may follow.
"""
# Shapes: N tokens = T text and marker tokens + V ViT patches + L latent tokens; C positions with a text loss.

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Literal, Self

import torch
from torch import Tensor

from model.config import ModelConfig
from model.tables import grid_position_ids

AttentionMode = Literal["causal", "full", "noise"]
Grid = tuple[int, int]
"""Rows and columns of an image, in patches."""


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


class SequenceBuilder:
    """Lays out samples one after the other; build() gives the packed sequence of all of them."""

    def __init__(self, special: SpecialTokens, config: ModelConfig) -> None:
        self._special = special
        self._config = config
        self._sample_lens: list[int] = []
        self._split_lens: list[int] = []
        self._modes: list[AttentionMode] = []
        self._positions: list[int] = []
        self._text_ids: list[int] = []
        self._text_index: list[int] = []
        self._vit = _Images()
        self._latent = _Images()
        self._is_target: list[bool] = []
        self._label_index: list[int] = []
        self._label_ids: list[int] = []
        self._label_weights: list[float] = []
        self._sample_start: int | None = None
        self._position = 0

    @property
    def position(self) -> int:
        """Rotary position of the next split of the sample that is open."""
        return self._position

    def start_sample(self, position: int = 0) -> None:
        """Opens a sample at a rotary position (not 0 where it goes on from cached tokens)."""
        if self._sample_start is not None:
            raise ValueError("a sample is open already; end_sample() first")
        self._sample_start = len(self._positions)
        self._position = position

    def add_text(self, ids: Sequence[int], supervised: bool, dropped: bool = False) -> None:
        """Adds start, ids, end. Supervised: each place up to the last id has a label. Dropped: nothing, no position."""
        self._check_open()
        if dropped:
            if supervised:
                raise ValueError("a supervised text cannot be dropped; drop conditions only")
            return
        start, count = len(self._positions), len(ids) + 2
        self._text_ids += [self._special.start, *ids, self._special.end]
        self._text_index += range(start, start + count)
        self._positions += range(self._position, self._position + count)
        self._add_split(count, "causal")
        self._position += count
        if supervised:
            self._label_index += range(start, start + count - 1)
            self._label_ids += [*ids, self._special.end]
            self._label_weights += [(count - 1) ** -0.5] * (count - 1)

    def add_vit(self, patches: Tensor, grid_hw: Grid, dropped: bool = False) -> None:
        """Adds an image to understand: patches [m, 3 p p] of a grid of rows x columns. Dropped: only its position."""
        self._check_open()
        if not dropped:
            self._check_grid("ViT patches", patches, grid_hw, self._config.vit_patch_dim)
            ids = _position_ids(grid_hw, self._config.vit_max_patches_per_side, self._config.interpolate_positions)
            self._add_image(self._vit, patches, grid_hw, ids, "full")
        self._position += 1

    def add_latent(self, tokens: Tensor, grid_hw: Grid, target: bool, dropped: bool = False) -> None:
        """Adds latent tokens [m, latent_dim]: a clean condition, or a target to noise, which takes no position."""
        self._check_open()
        if dropped and target:
            raise ValueError("a target image cannot be dropped; drop conditions only")
        if not dropped:
            self._check_grid("latent tokens", tokens, grid_hw, self._config.latent_dim)
            ids = _position_ids(grid_hw, self._config.max_latent_size, self._config.interpolate_positions)
            self._add_image(self._latent, tokens, grid_hw, ids, "noise" if target else "full")
            self._is_target.append(target)
        if not target:
            self._position += 1

    def end_sample(self) -> int:
        """Closes the sample; its number of tokens. Raises ValueError when it has none."""
        start = self._check_open()
        length = len(self._positions) - start
        if length == 0:
            raise ValueError("the sample has no tokens: every piece of it was dropped")
        self._sample_lens.append(length)
        self._sample_start = None
        return length

    def build(self) -> PackedSequence:
        """The packed sequence, on the CPU. Raises ValueError without a sample or while one is open."""
        if self._sample_start is not None:
            raise ValueError("a sample is open; end_sample() before build()")
        if not self._sample_lens:
            raise ValueError("a packed sequence needs at least one sample")
        return PackedSequence(
            sample_lens=tuple(self._sample_lens),
            split_lens=tuple(self._split_lens),
            attention_modes=tuple(self._modes),
            position_ids=_integers(self._positions),
            text_ids=_integers(self._text_ids),
            text_token_index=_integers(self._text_index),
            vit_patches=_rows(self._vit.tokens, self._config.vit_patch_dim),
            vit_position_ids=_rows(self._vit.position_ids, None),
            vit_grids=tuple(self._vit.grids),
            vit_token_index=_integers(self._vit.token_index),
            latents=_rows(self._latent.tokens, self._config.latent_dim),
            latent_position_ids=_rows(self._latent.position_ids, None),
            latent_grids=tuple(self._latent.grids),
            latent_is_target=tuple(self._is_target),
            latent_token_index=_integers(self._latent.token_index),
            label_token_index=_integers(self._label_index),
            label_ids=_integers(self._label_ids),
            label_weights=torch.tensor(self._label_weights, dtype=torch.float32),
        )

    def _add_image(self, images: "_Images", tokens: Tensor, grid: Grid, ids: Tensor, mode: AttentionMode) -> None:
        start, count = len(self._positions), len(tokens) + 2
        self._text_ids += [self._special.image_start, self._special.image_end]
        self._text_index += [start, start + count - 1]
        images.tokens.append(tokens)
        images.position_ids.append(ids)
        images.grids.append(grid)
        images.token_index += range(start + 1, start + count - 1)
        self._positions += [self._position] * count
        self._add_split(count, mode)

    def _add_split(self, length: int, mode: AttentionMode) -> None:
        self._split_lens.append(length)
        self._modes.append(mode)

    def _check_open(self) -> int:
        if self._sample_start is None:
            raise ValueError("no sample is open; start_sample() first")
        return self._sample_start

    @staticmethod
    def _check_grid(what: str, tokens: Tensor, grid: Grid, width: int) -> None:
        expected = (grid[0] * grid[1], width)
        if tuple(tokens.shape) != expected or expected[0] == 0:
            raise ValueError(
                f"{what} have shape {tuple(tokens.shape)}, a grid of {grid[0]} x {grid[1]} needs {expected}"
            )


class _Images:
    """What a builder has gathered about the images of one stream."""

    def __init__(self) -> None:
        self.tokens: list[Tensor] = []
        self.position_ids: list[Tensor] = []
        self.grids: list[Grid] = []
        self.token_index: list[int] = []


@lru_cache(maxsize=256)
def _position_ids(grid: Grid, side: int, interpolate: bool) -> Tensor:
    return grid_position_ids(*grid, side, interpolate=interpolate)


def _integers(values: list[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def _rows(parts: list[Tensor], width: int | None) -> Tensor:
    if parts:
        return torch.cat(parts)
    return torch.zeros(0, dtype=torch.int64) if width is None else torch.zeros(0, width)
