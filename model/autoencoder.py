"""The image autoencoder: diffusers' AutoencoderKL, with FLUX's file names and our normalisation around it.

Importing diffusers takes about nine seconds, so it happens when the first autoencoder is made, not before.
"""
# Shapes: B images, H x W pixels, h x w latents, z latent channels.

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import VAEConfig
from model.tensor_files import check_fit


class Moments(NamedTuple):
    """The normal distribution that an encoder gives for each latent, before normalisation. [B, z, h, w] each."""

    mean: Tensor
    logvar: Tensor

    @property
    def std(self) -> Tensor:
        return (0.5 * self.logvar.clamp(-30, 20)).exp()

    def sample(self, noise: Tensor) -> Tensor:
        """Raw latents for standard normal noise of their shape."""
        return self.mean + self.std * noise


class Autoencoder(nn.Module):
    """Images in [-1, 1] to latents and back."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

        levels = len(config.block_out_channels)
        channels = 3 * config.pixel_patch**2
        self.config = config
        # A dict, since diffusers annotates its tuples as having one element.
        blocks: dict[str, Any] = {
            "block_out_channels": config.block_out_channels,
            "down_block_types": ("DownEncoderBlock2D",) * levels,
            "up_block_types": ("UpDecoderBlock2D",) * levels,
        }
        self.vae = AutoencoderKL(
            in_channels=channels,
            out_channels=channels,
            layers_per_block=config.layers_per_block,
            latent_channels=config.latent_channels,
            norm_num_groups=config.norm_num_groups,
            use_quant_conv=False,
            use_post_quant_conv=False,
            **blocks,
        )

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator) -> None:
        """Fills every weight from generator (CPU): torch's own ranges for convolutions, norms 1 and 0."""
        for module in self.vae.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                bound = module.weight[0].numel() ** -0.5
                for weight in module.parameters(recurse=False):
                    weight.copy_((torch.rand(weight.shape, generator=generator) * 2 - 1) * bound)
            elif isinstance(module, nn.GroupNorm):
                module.weight.fill_(1.0)
                module.bias.zero_()

    def encode(self, images: Tensor) -> Moments:
        """[B, 3, H, W] in [-1, 1] -> raw moments [B, z, H / downsample, W / downsample].

        Raises ValueError when a side is not a multiple of the downsampling.
        """
        if images.shape[-1] % self.config.downsample or images.shape[-2] % self.config.downsample:
            raise ValueError(
                f"images of {images.shape[-1]} x {images.shape[-2]} cannot be encoded: sides must be multiples of "
                f"{self.config.downsample}"
            )
        folded = F.pixel_unshuffle(images, self.config.pixel_patch)
        return Moments(*self.vae.encoder(folded).chunk(2, dim=1))

    def normalise(self, raw: Tensor) -> Tensor:
        """Raw latents to those that the network reads: (raw - mean) / std per channel. [..., z, h, w]."""
        mean, std = self._affine(raw)
        return (raw - mean) / std

    def denormalise(self, latent: Tensor) -> Tensor:
        """Inverse of normalise."""
        mean, std = self._affine(latent)
        return latent * std + mean

    def decode(self, latent: Tensor) -> Tensor:
        """Normalised latents [B, z, h, w] -> images [B, 3, H, W], about [-1, 1], not clamped."""
        return F.pixel_shuffle(self.vae.decoder(self.denormalise(latent)), self.config.pixel_patch)

    def published_state(self) -> dict[str, Tensor]:
        """The weights under FLUX's names."""
        state = self.vae.state_dict()
        names = published_names(list(state), len(self.config.block_out_channels))
        return {
            names[key]: value[:, :, None, None] if _is_attention_kernel(key, value) else value
            for key, value in state.items()
        }

    def load_published_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes weights under FLUX's names: their values, or, when this one has no memory yet, the tensors themselves.

        Raises ValueError that lists missing, extra and mis-shaped ones.
        """
        check_fit(tensors, self.published_state(), "autoencoder weights")
        state = self.vae.state_dict()
        names = published_names(list(state), len(self.config.block_out_channels))
        found = {key: tensors[name].reshape(state[key].shape) for key, name in names.items()}
        self.vae.load_state_dict(found, assign=self.vae.decoder.conv_in.weight.is_meta)

    def _affine(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (
            torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None]
            for values in (self.config.latents_mean, self.config.latents_std)
        )
        return mean, std


def published_names(keys: list[str], levels: int) -> dict[str, str]:
    """diffusers' name -> FLUX's name of each key."""
    return {key: _published_name(key, levels) for key in keys}


_RENAMES = (
    (r"\.conv_shortcut\.", ".nin_shortcut."),
    (r"\.conv_norm_out\.", ".norm_out."),
    (r"\.mid_block\.attentions\.0\.group_norm\.", ".mid.attn_1.norm."),
    (r"\.mid_block\.attentions\.0\.to_(q|k|v)\.", r".mid.attn_1.\1."),
    (r"\.mid_block\.attentions\.0\.to_out\.0\.", ".mid.attn_1.proj_out."),
    (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
    (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
    (r"\.down_blocks\.(\d+)\.resnets\.(\d+)\.", r".down.\1.block.\2."),
    (r"\.down_blocks\.(\d+)\.downsamplers\.0\.", r".down.\1.downsample."),
)


def _published_name(key: str, levels: int) -> str:
    for pattern, replacement in _RENAMES:
        key = re.sub(pattern, replacement, key)

    def up(match: re.Match[str]) -> str:
        # FLUX counts the levels from the highest resolution, diffusers in the order in which they run.
        return f".up.{levels - 1 - int(match[1])}."

    key = re.sub(r"\.up_blocks\.(\d+)\.", up, key)
    key = re.sub(r"(\.up\.\d+)\.resnets\.", r"\1.block.", key)
    return re.sub(r"(\.up\.\d+)\.upsamplers\.0\.", r"\1.upsample.", key)


def _is_attention_kernel(key: str, value: Tensor) -> bool:
    """Whether FLUX keeps this 2-D weight of diffusers' as a 1x1 convolution."""
    return ".attentions." in key and value.dim() == 2
