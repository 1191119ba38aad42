"""The network that is measured, transformers' at the same size, and samples of mixed lengths for both."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from model.config import LLMConfig, ModelConfig, VAEConfig, ViTConfig
from model.objective import draw, interpolate, velocity_target
from model.packed import PackedSequence, SpecialTokens
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL

SPECIAL = SpecialTokens(0, 1, 2, 3)
# Head size, query heads per key head and MLP width in the published proportions (64 for 128, 4 for 7, 5.3 widths).
LLM = LLMConfig(
    hidden_size=512, num_layers=2, num_heads=8, num_kv_heads=2, intermediate_size=2688, vocab_size=4096, experts="mot"
)
CONFIG = ModelConfig(
    llm=LLM,
    vit=ViTConfig(hidden_size=128, intermediate_size=512, num_heads=4, num_layers=2, patch_size=14, image_size=420),
    vae=VAEConfig(
        block_out_channels=(32,),
        layers_per_block=1,
        latent_channels=16,
        norm_num_groups=8,
        latents_mean=(0.0,) * 16,
        latents_std=(1.0,) * 16,
    ),
    max_latent_size=32,
    vit_max_patches_per_side=30,
)


def our_network(config: ModelConfig = CONFIG, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> UniMedVL:
    """With random weights."""
    model = UniMedVL(config)
    model.init_weights(torch.Generator().manual_seed(0), residual_scale=False, gen_key_equals_query=False)
    return model.to(device=device, dtype=dtype)


def peer_network(llm: LLMConfig = LLM) -> Any:
    """transformers' Qwen2ForCausalLM of the same size, as it comes (sdpa attention); it has one expert."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=llm.vocab_size,
            hidden_size=llm.hidden_size,
            intermediate_size=llm.intermediate_size,
            num_hidden_layers=llm.num_layers,
            num_attention_heads=llm.num_heads,
            num_key_value_heads=llm.num_kv_heads,
            rope_parameters={"rope_theta": llm.rope_theta, "rope_type": "default"},
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=None,
        )
    )


def text(length: int, seed: int) -> list[int]:
    """Random words."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(4, LLM.vocab_size, (length,), generator=generator).tolist()


def patches(side: int, config: ModelConfig = CONFIG) -> tuple[Tensor, tuple[int, int]]:
    """A random square image for the ViT."""
    return torch.rand(side * side, config.vit_patch_dim) * 2 - 1, (side, side)


def latents(side: int, config: ModelConfig = CONFIG) -> tuple[Tensor, tuple[int, int]]:
    """A random square image for the decoder."""
    return torch.randn(side * side, config.latent_dim), (side, side)


def mixed_samples(config: ModelConfig = CONFIG, *, scale: int = 1) -> PackedSequence:
    """Eight samples about in the shares of the unified stage: text, questions on an image, drawings, edits.

    An image has 1.2 times as many ViT tokens as latent ones a side: published edits show 518 pixels of 14 a patch to
    the ViT and draw 512 of 16 a token. scale: of every side and of every text.
    """
    builder = SequenceBuilder(SPECIAL, config)
    seed = 0

    def sample(pieces: Sequence[tuple[str, int]]) -> None:
        nonlocal seed
        builder.start_sample()
        for kind, size in pieces:
            seed += 1
            if kind in ("text", "answer"):
                builder.add_text(text(size * scale, seed), supervised=kind == "answer")
            elif kind == "vit":
                builder.add_vit(*patches(size * scale, config))
            else:
                builder.add_latent(*latents(size * scale, config), target=kind == "target")
        builder.end_sample()

    sample([("answer", 120)])
    for side, question, answer in ((12, 20, 8), (13, 35, 60), (9, 16, 4)):
        sample([("vit", side), ("text", question), ("answer", answer)])
    for side, words in ((9, 25), (11, 70)):
        sample([("text", words), ("target", side)])
    for side, words in ((8, 18), (10, 30)):
        sample([("clean", side), ("vit", round(1.2 * side)), ("text", words), ("target", side)])
    return builder.build()


class PaddedPeer:
    """The same samples as one rectangle through transformers: our embeddings, their decoder, both losses."""

    def __init__(self, front: UniMedVL, packed: PackedSequence) -> None:
        self.front, self.packed, self.decoder = front, packed, peer_network()
        self.parameters = [
            *self.decoder.parameters(),
            *(p for n, p in front.named_parameters() if ".layers." not in n or n.startswith("vit_model")),
        ]
        lens = torch.tensor(packed.sample_lens)
        self.mask = torch.arange(int(lens.max()))[None, :] < lens[:, None]
        order = torch.cat([packed.text_token_index, packed.vit_token_index, packed.latent_token_index])
        self.place_of = torch.empty_like(order)
        self.place_of[order] = torch.arange(len(order))
        labels = torch.full((packed.num_tokens,), -100)
        # transformers shifts labels itself: the token at a place is the label of the place before.
        labels[packed.label_token_index + 1] = packed.label_ids
        self.labels = torch.full(self.mask.shape, -100)
        self.labels[self.mask] = labels
        self.chance = draw(packed, torch.Generator().manual_seed(0), 1.0)
        self.target_places = packed.latent_token_index[packed.target_index]

    def loss(self) -> Tensor:
        packed, (sigma, noise) = self.packed, self.chance
        streams = self.front.embed(packed, interpolate(packed.latents, noise, sigma), sigma)
        tokens = torch.cat([streams.und, streams.gen]).index_select(0, self.place_of)
        rectangle = tokens.new_zeros(*self.mask.shape, tokens.shape[-1]).masked_scatter(self.mask[..., None], tokens)
        out = self.decoder(
            inputs_embeds=rectangle, attention_mask=self.mask.long(), labels=self.labels, output_hidden_states=True
        )
        states = out.hidden_states[-1][self.mask].index_select(0, self.target_places)
        velocity = self.front.llm2vae(states)
        target = velocity_target(packed.latents, noise).index_select(0, packed.target_index)
        return out.loss + (velocity - target).square().mean()
