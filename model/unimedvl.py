"""The whole network: what enters the decoder, the decoder, and the two heads that leave it.

Layers are plain torch: transformers' would cost a second of import in every stage, and know one token stream, not two.
"""
# Shapes: N = T text + V ViT + L latent tokens, D hidden, C text targets, Lt target latent tokens.

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.attention import AttentionLayout, attend, pick_backend
from model.config import AttentionChoice, ModelConfig
from model.connector import Connector
from model.decoder import Kept, LanguageModel, Rotary, Streams
from model.initialise import GEN, copy_und_to_gen, initialise
from model.packed import PackedSequence
from model.residual import Drawn, linear_guess, with_residual
from model.tables import TIMESTEP_WIDTH, rotary_tables, sincos_2d, timestep_features
from model.tensor_files import EachTensor
from model.vit import ViT


class Prediction(NamedTuple):
    """What one forward says."""

    text_logits: Tensor
    """[C, vocab] at each place with a label."""
    velocity: Tensor
    """[Lt, latent_dim] of each target latent token: from data towards noise."""


UND_PARTS = ("language_model.model.", "vit_model.", "connector.")
"""Where the und side's weights lie, beside those of the gen expert. The text head is both sides'."""


class UniMedVL(nn.Module):
    """State-dict keys are the published names. A side that the config leaves out has no modules and no keys."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        hidden = config.llm.hidden_size
        self.config = config
        self.attention: AttentionChoice = "auto"
        self.language_model = LanguageModel(config.llm)
        if config.vit is not None:
            self.vit_model = ViT(config.vit)
            self.connector = Connector(config.vit.hidden_size, hidden)
            self.vit_pos_embed = PositionTable(hidden, config.vit_max_patches_per_side)
        if config.vae is not None:
            self.time_embedder = TimeEmbedder(hidden)
            self.vae2llm = nn.Linear(config.latent_dim, hidden)
            self.llm2vae = nn.Linear(hidden, config.latent_dim)
            self.latent_pos_embed = PositionTable(hidden, config.max_latent_size)
            if config.residual_velocity:
                self.given2llm = nn.Linear(config.latent_dim, hidden)
                self.gate = nn.Linear(hidden, 1)

    def forward(self, packed: PackedSequence, noisy_latents: Tensor, sigma: Tensor) -> Prediction:
        """noisy_latents [L, latent_dim] at noise levels sigma [L] (0 for clean images) -> Prediction."""
        backend = pick_backend(self.attention, packed.device, training=torch.is_grad_enabled())
        layout = AttentionLayout.from_packed(packed, backend=backend)

        def attend_within(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return attend(q, k, v, layout)

        states = self.language_model.model(
            self.embed(packed, noisy_latents, sigma), self.rotary(packed), lambda _: attend_within, _read_states(packed)
        )
        target = packed.target_index
        drawn = Drawn(*(rows.index_select(0, target) for rows in (noisy_latents, sigma, packed.given)))
        return Prediction(self.language_model.lm_head(states.und), self.velocity(states.gen, drawn))

    def embed(self, packed: PackedSequence, noisy_latents: Tensor, sigma: Tensor) -> Streams:
        """What enters the first layer: text and ViT tokens, and latent tokens."""
        text = self.embed_text(packed.text_ids)
        vit = self.embed_vit(packed)
        latents = self.embed_latents(noisy_latents, sigma, packed.latent_position_ids, packed.given)
        return Streams(torch.cat([text, vit]), latents)

    def embed_text(self, ids: Tensor) -> Tensor:
        """[n] -> [n, D]."""
        return self.language_model.model.embed_tokens(ids)

    def embed_vit(self, packed: PackedSequence) -> Tensor:
        """ViT tokens: encoder, connector, plus the fixed 2-D table: [V, D]. Raises ValueError where there is no ViT."""
        if not packed.vit_grids and (self.config.vit is None or not torch.is_grad_enabled()):
            return self.language_model.lm_head.weight.new_empty(0, self.config.llm.hidden_size)
        self.config.require_vit()
        patches = packed.vit_patches.to(self.dtype)
        features = self.vit_model(patches, packed.vit_position_ids, packed.vit_grids)
        return self.connector(features) + self.vit_pos_embed(packed.vit_position_ids)

    def embed_latents(self, noisy: Tensor, sigma: Tensor, position_ids: Tensor, given: Tensor) -> Tensor:
        """[L, latent_dim], [L], [L], [L, latent_dim] -> [L, D]. Raises ValueError for latents without a generation side.

        given: the clean latents at the same places of the image before a target, else 0; read with residual_velocity alone.
        """
        if self.config.vae is None and len(noisy) == 0:
            return self.language_model.lm_head.weight.new_empty(0, self.config.llm.hidden_size)
        self.config.require_vae()
        around = self.time_embedder(sigma, self.dtype) + self.latent_pos_embed(position_ids)
        if not self.config.residual_velocity:
            return self.vae2llm(noisy.to(self.dtype)) + around
        guess = linear_guess(noisy, sigma.to(noisy.device))
        return self.vae2llm(guess.to(self.dtype)) + self.given2llm(given.to(self.dtype)) + around

    def velocity(self, states: Tensor, drawn: Drawn) -> Tensor:
        """What the generation head says of last states: [Lt, D] -> [Lt, latent_dim]; nothing without a generation side."""
        if self.config.vae is None:
            return states[:, :0]
        said = self.llm2vae(states)
        return with_residual(said, self.gate(states), drawn) if self.config.residual_velocity else said

    def kept(self, states: Tensor) -> Tensor:
        """How much of the given image each target token keeps, 0 to 1: [Lt, D] -> [Lt] float32; 0 without residual_velocity."""
        if not self.config.residual_velocity:
            return torch.zeros(len(states), device=states.device)
        return self.gate(states)[:, 0].float().clamp(0, 1)

    def rotary(self, packed: PackedSequence) -> Rotary:
        """Angles of all tokens in stream order."""
        order = torch.cat([packed.text_token_index, packed.vit_token_index, packed.latent_token_index])
        return self.rotary_at(packed.position_ids[order])

    def rotary_at(self, position_ids: Tensor) -> Rotary:
        """Angles at positions [N]."""
        llm = self.config.llm
        return Rotary(*rotary_tables(position_ids, llm.head_dim, llm.rope_theta, self.dtype))

    def init_weights(
        self,
        generator: torch.Generator,
        *,
        residual_scale: bool,
        gen_key_equals_query: bool,
        std: float = 0.02,
    ) -> None:
        """Fills every weight from generator (CPU). See model.initialise for the rules."""
        initialise(
            self,
            generator,
            std=std,
            residual_scale=residual_scale,
            gen_key_equals_query=gen_key_equals_query,
        )

    def checkpoint_gradients(self, value: bool) -> None:
        """Whether the layers of decoder and ViT keep only what enters them, and are computed again on the way back."""
        self.language_model.model.gradient_checkpointing = value
        if self.config.vit is not None:
            self.vit_model.vision_model.encoder.gradient_checkpointing = value

    def copy_und_to_gen(self) -> None:
        """Makes the gen expert a copy of the und expert."""
        copy_und_to_gen(self)

    def freeze_und(self) -> None:
        """Only the generation side and the text head keep gradients; none passes through a text or ViT token.

        Raises ValueError unless the experts are separate (mot).
        """
        if self.config.llm.experts != "mot":
            raise ValueError(f"freeze_und needs experts that share nothing (mot), not {self.config.llm.experts!r}")
        self.language_model.model.cuts_und = True
        for name, parameter in self.named_parameters():
            if name.startswith(UND_PARTS) and GEN not in name:
                parameter.requires_grad_(False)

    @classmethod
    def from_pretrained(
        cls,
        directory: Path | str,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        progress: EachTensor | None = None,
    ) -> "UniMedVL":
        """The network in a checkpoint folder, ready to predict; strict, and never twice in memory.

        dtype None: the smallest that loses nothing of what is stored. device None: the CPU. Raises FileNotFoundError when
        there are no safetensors, ValueError that lists every weight that does not fit.
        """
        from model.weights import load_network

        return load_network(Path(directory), device or "cpu", dtype, progress)[0]

    def save_pretrained(
        self,
        directory: Path | str,
        *,
        image_settings: Mapping[str, Any] | None = None,
        max_shard_bytes: int | None = None,
        progress: EachTensor | None = None,
    ) -> None:
        """Writes weights and configs into the folder, made if need be, under the published names.

        image_settings: how images were prepared, for whoever predicts. max_shard_bytes: several files and their index.
        """
        from model.weights import save_network

        save_network(Path(directory), self, image_settings or {}, max_shard_bytes=max_shard_bytes, progress=progress)

    @property
    def dtype(self) -> torch.dtype:
        return self.language_model.lm_head.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.language_model.lm_head.weight.device


class TimeEmbedder(nn.Module):
    """Two linear layers over cosines and sines of sigma: [L] -> [L, D]."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        first = nn.Linear(TIMESTEP_WIDTH, hidden)
        self.mlp = nn.Sequential(first, nn.SiLU(), nn.Linear(hidden, hidden))

    def forward(self, sigma: Tensor, dtype: torch.dtype) -> Tensor:
        return self.mlp(timestep_features(sigma).to(dtype))


class PositionTable(nn.Module):
    """A fixed sine-cosine row for each id: [n] -> [n, D]. Stored with the weights, never trained."""

    def __init__(self, hidden: int, side: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.empty(side**2, hidden), requires_grad=False)
        if not self.pos_embed.is_meta:
            self.pos_embed.copy_(sincos_2d(hidden, side))

    def forward(self, position_ids: Tensor) -> Tensor:
        return F.embedding(position_ids, self.pos_embed)


def _read_states(packed: PackedSequence) -> Kept:
    """The tokens whose last state a head reads, as places in their streams."""
    place = torch.empty(packed.num_tokens, dtype=torch.int64, device=packed.device)
    place[packed.text_token_index] = torch.arange(len(packed.text_ids), device=packed.device)
    return Kept(place[packed.label_token_index], packed.target_index)
