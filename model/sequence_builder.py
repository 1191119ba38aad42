"""Lays out samples as published.

A sample is a chain of splits: a text (causal), a clean image (full) or a noised target (noise), each between its two
markers. Rotary positions restart at every sample; a text takes one position a token, an image one in all, and a target
none, so that it shares its position with the clean copy that may follow. Frames of a video are one split (full), each
frame between markers of its own.
"""
# Shapes: m tokens of one image.

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from model.config import ModelConfig
from model.packed import AttentionMode, GivenImage, Grid, PackedSequence, SpecialTokens
from model.tables import grid_position_ids


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
        self._given: list[Tensor] = []
        self._clean: GivenImage | None = None
        """The last clean latent image of the open sample."""
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
        self._clean = None

    def goes_on_from(self, given: GivenImage | None) -> None:
        """Says which clean image is in the cached tokens that the open sample goes on from."""
        self._clean = given

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
        self._config.require_vit()
        if not dropped:
            self._check_grid("ViT patches", patches, grid_hw, self._config.vit_patch_dim)
            ids = _position_ids(grid_hw, self._config.vit_max_patches_per_side, self._config.interpolate_positions)
            self._add_split(self._add_image(self._vit, patches, grid_hw, ids), "full")
        self._position += 1

    def add_latent(self, tokens: Tensor, grid_hw: Grid, target: bool, dropped: bool = False) -> None:
        """Adds latent tokens [m, latent_dim]: a clean condition, or a target to noise, which takes no position."""
        self._check_open()
        self._config.require_vae()
        if dropped and target:
            raise ValueError("a target image cannot be dropped; drop conditions only")
        if not dropped:
            self._check_grid("latent tokens", tokens, grid_hw, self._config.latent_dim)
            self._add_split(self._add_latent_image(tokens, grid_hw, target), "noise" if target else "full")
        if not target:
            self._position += 1

    def add_frames(self, frames: Sequence[Tensor], grid_hw: Grid, steps: Sequence[int], target: bool) -> None:
        """Adds a video, latent tokens [m, latent_dim] a frame, as one split in which all frames see each other.

        steps: positions from each frame to the next, so one fewer than frames. A target has one noise level for all of its
        frames; as published, its split is full (what follows sees it), and its last frame takes no position.
        """
        self._check_open()
        self._config.require_vae()
        if len(frames) < 2 or len(steps) != len(frames) - 1:
            raise ValueError(
                f"a video needs two frames or more and a step between each two, got {len(frames)} and {len(steps)}"
            )
        for tokens in frames:
            self._check_grid("latent tokens of a frame", tokens, grid_hw, self._config.latent_dim)
        length = 0
        for tokens, step in zip(frames, [*steps, 0 if target else 1], strict=True):
            length += self._add_latent_image(tokens, grid_hw, target)
            self._position += step
        self._add_split(length, "full")

    def end_sample(self) -> int:
        """Closes the sample; its number of tokens. Raises ValueError when it has none."""
        start = self._check_open()
        length = len(self._positions) - start
        if length == 0:
            raise ValueError("the sample has no tokens: every piece of it was dropped")
        self._sample_lens.append(length)
        self._sample_start = None
        return length

    def build(self, *, may_be_empty: bool = False) -> PackedSequence:
        """The packed sequence, on the CPU. Raises ValueError while a sample is open, and without one unless it may be
        empty: what a rank without a share of a step puts through the network."""
        if self._sample_start is not None:
            raise ValueError("a sample is open; end_sample() before build()")
        if not (self._sample_lens or may_be_empty):
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
            given=_rows(self._given, self._config.latent_dim),
            label_token_index=_integers(self._label_index),
            label_ids=_integers(self._label_ids),
            label_weights=torch.tensor(self._label_weights, dtype=torch.float32),
        )

    def _add_latent_image(self, tokens: Tensor, grid: Grid, target: bool) -> int:
        ids = _position_ids(grid, self._config.max_latent_size, self._config.interpolate_positions)
        length = self._add_image(self._latent, tokens, grid, ids)
        self._is_target.append(target)
        is_behind = target and self._clean is not None and self._clean.grid_hw == grid
        self._given.append(self._clean.tokens if is_behind and self._clean else torch.zeros_like(tokens))
        if not target:
            self._clean = GivenImage(tokens, grid)
        return length

    def _add_image(self, images: "_Images", tokens: Tensor, grid: Grid, ids: Tensor) -> int:
        """Places an image between its markers; the number of tokens."""
        start, count = len(self._positions), len(tokens) + 2
        self._text_ids += [self._special.image_start, self._special.image_end]
        self._text_index += [start, start + count - 1]
        images.tokens.append(tokens)
        images.position_ids.append(ids)
        images.grids.append(grid)
        images.token_index += range(start + 1, start + count - 1)
        self._positions += [self._position] * count
        return count

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
