"""The SigLIP NaViT encoder: patches of many images in one row, each image attending within itself."""
# Shapes: V patches of all images, p patch side, D hidden.

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from model.attention import AttentionLayout, attend
from model.config import ViTConfig
from model.image_transform import unpatchify_pixels
from model.packed import Grid

STEM_GROUPS = 8


class ViT(nn.Module):
    """Patches to features, under the published names (`vision_model.`)."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.vision_model = VisionTransformer(config)

    def forward(self, patches: Tensor, position_ids: Tensor, grids: Sequence[Grid]) -> Tensor:
        """patches [V, 3 p p], position_ids [V], the grid of each image -> features [V, D]."""
        return self.vision_model(patches, position_ids, grids)


class VisionTransformer(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.post_layernorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def forward(self, patches: Tensor, position_ids: Tensor, grids: Sequence[Grid]) -> Tensor:
        layout = AttentionLayout.from_segments([rows * columns for rows, columns in grids], patches.device)
        x = self.embeddings(patches, position_ids, grids)
        return self.post_layernorm(self.encoder(x, layout))


class Embeddings(nn.Module):
    """A linear map of each patch, or a stem of convolutions over each image, plus a learned position."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        if config.stem:
            self.stem = Stem(config)
        else:
            self.patch_embedding = nn.Linear(3 * config.patch_size**2, config.hidden_size)
        self.has_stem = bool(config.stem)
        self.position_embedding = nn.Embedding(config.patches_per_side**2, config.hidden_size)

    def forward(self, patches: Tensor, position_ids: Tensor, grids: Sequence[Grid]) -> Tensor:
        x = self.stem(patches, grids) if self.has_stem else self.patch_embedding(patches)
        return x + self.position_embedding(position_ids)


class Stem(nn.Module):
    """Stride-2 convolutions with group norm and GELU between them; images of one size go through together."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.patch_size = config.patch_size
        self.hidden_size = config.hidden_size
        channels = (3, *config.stem)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(channels))
        self.norms = nn.ModuleList(nn.GroupNorm(STEM_GROUPS, c) for c in config.stem[:-1])

    def forward(self, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
        if len(set(grids)) <= 1:
            return self._tokens(patches.unflatten(0, (len(grids), -1)), grids[0]) if grids else patches @ self._zero()
        parts = patches.split([rows * columns for rows, columns in grids])
        tokens: list[Tensor] = list(parts)
        for grid in dict.fromkeys(grids):
            members = [i for i, other in enumerate(grids) if other == grid]
            together = self._tokens(torch.stack([parts[i] for i in members]), grid)
            for i, own in zip(members, together.split(grid[0] * grid[1]), strict=True):
                tokens[i] = own
        return torch.cat(tokens)

    def _tokens(self, patches: Tensor, grid: Grid) -> Tensor:
        """Patches of images of one size [B, m, 3 p p] -> [B m, D]."""
        images = unpatchify_pixels(patches, grid, self.patch_size)
        return self._convolve(images).flatten(2).transpose(1, 2).flatten(0, 1)

    def _zero(self) -> Tensor:
        """[3 p p, D] of zeros that depends on every weight: a batch without images has zero gradients, not none."""
        total = torch.stack([parameter.sum() for parameter in self.parameters()]).sum() * 0
        return total.expand(3 * self.patch_size**2, self.hidden_size)

    def _convolve(self, images: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=False):
            images = F.gelu(norm(conv(images)), approximate="tanh")
        return self.convs[-1](images)


class Encoder(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_layers))
        self.gradient_checkpointing = False
        """Keep only what enters each layer, and compute the layer again on the way back."""

    def forward(self, x: Tensor, layout: AttentionLayout) -> Tensor:
        computes_again = self.gradient_checkpointing and torch.is_grad_enabled()
        for layer in self.layers:
            x = checkpoint(layer, x, layout, use_reentrant=False) if computes_again else layer(x, layout)
        return x


class EncoderLayer(nn.Module):
    """x += attention(norm x); x += mlp(norm x)."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.self_attn = SelfAttention(config)
        self.layer_norm2 = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.mlp = VisionMLP(config)

    def forward(self, x: Tensor, layout: AttentionLayout) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x), layout)
        return x + self.mlp(self.layer_norm2(x))


class SelfAttention(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(config.hidden_size, config.hidden_size) for _ in range(4)
        )

    def forward(self, x: Tensor, layout: AttentionLayout) -> Tensor:
        projections = (self.q_proj, self.k_proj, self.v_proj)
        q, k, v = (project(x).unflatten(-1, (self.num_heads, -1)) for project in projections)
        return self.out_proj(attend(q, k, v, layout).flatten(1))


class VisionMLP(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))
