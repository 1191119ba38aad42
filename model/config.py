"""The sizes of the network. Every number that a weight's shape depends on, checked once, here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Experts = Literal["dense", "moe", "mot"]
AttentionChoice = Literal["auto", "sdpa", "flex"]

FLUX_LATENT_MEAN = 0.1159
FLUX_LATENT_STD = 1 / 0.3611
MAX_PIXELS = 14 * 14 * 9 * 1024
"""Of an image, or of all images of a question together, where nothing else is said (published)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LLMConfig:
    """The Qwen2 decoder and its experts."""

    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    intermediate_size: int
    vocab_size: int
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1e6
    experts: Experts = "mot"
    """dense: one set of weights. moe: its own MLP and final norm for latent tokens. mot: its own everything."""
    qk_norm: bool = True

    def __post_init__(self) -> None:
        _check_positive(self, "llm", "hidden_size num_layers num_heads num_kv_heads intermediate_size vocab_size")
        _check_divides("llm.hidden_size", self.hidden_size, "llm.num_heads", self.num_heads)
        _check_divides("llm.num_heads", self.num_heads, "llm.num_kv_heads", self.num_kv_heads)
        _check_divides("the head size hidden_size / num_heads", self.head_dim, "2 (rotary pairs)", 2)
        _check_divides("llm.hidden_size", self.hidden_size, "4 (position tables)", 4)
        if self.experts not in ("dense", "moe", "mot"):
            raise ValueError(f"llm.experts is {self.experts!r}; known: dense, moe, mot")

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads


@dataclass(frozen=True, kw_only=True, slots=True)
class ViTConfig:
    """The SigLIP NaViT encoder. num_layers counts the layers that run (the published file holds one more)."""

    hidden_size: int
    intermediate_size: int
    num_heads: int
    num_layers: int
    patch_size: int
    image_size: int
    """Pixels a side of the largest image; image_size / patch_size squared is the number of learned positions."""
    layer_norm_eps: float = 1e-6
    stem: tuple[int, ...] = ()
    """Empty: the published linear patch embedding. Else the channels of stride-2 3x3 convolutions in its place."""

    def __post_init__(self) -> None:
        _check_positive(self, "vit", "hidden_size intermediate_size num_heads num_layers patch_size image_size")
        _check_divides("vit.hidden_size", self.hidden_size, "vit.num_heads", self.num_heads)
        _check_divides("vit.image_size", self.image_size, "vit.patch_size", self.patch_size)
        if not self.stem:
            return
        if 2 ** len(self.stem) != self.patch_size:
            raise ValueError(
                f"vit.stem has {len(self.stem)} stride-2 convolutions, so its patch is {2 ** len(self.stem)} pixels, "
                f"but vit.patch_size is {self.patch_size}; make them agree"
            )
        if self.stem[-1] != self.hidden_size:
            raise ValueError(f"vit.stem ends in {self.stem[-1]} channels, not in vit.hidden_size {self.hidden_size}")
        for channels in self.stem[:-1]:
            _check_divides("a channel number of vit.stem", channels, "8 (normalisation groups)", 8)

    @property
    def patches_per_side(self) -> int:
        return self.image_size // self.patch_size


@dataclass(frozen=True, kw_only=True, slots=True)
class VAEConfig:
    """The image autoencoder and the affine map from its latents to those that the network draws."""

    block_out_channels: tuple[int, ...]
    layers_per_block: int
    latent_channels: int
    norm_num_groups: int
    latents_mean: tuple[float, ...]
    """Per channel; the published autoencoder has .1159 everywhere."""
    latents_std: tuple[float, ...]
    """Per channel; the published autoencoder has 1 / .3611 everywhere."""
    pixel_patch: int = 1
    """Side of the square of pixels folded into channels before the encoder. Published: 1, none."""

    def __post_init__(self) -> None:
        _check_positive(self, "vae", "layers_per_block latent_channels norm_num_groups pixel_patch")
        if not self.block_out_channels:
            raise ValueError("vae.block_out_channels is empty; give one channel number per resolution level")
        for channels in self.block_out_channels:
            _check_divides(
                "a channel number of vae.block_out_channels", channels, "norm_num_groups", self.norm_num_groups
            )
        for name in ("latents_mean", "latents_std"):
            if len(getattr(self, name)) != self.latent_channels:
                raise ValueError(
                    f"vae.{name} has {len(getattr(self, name))} numbers for {self.latent_channels} latent channels"
                )
        if min(self.latents_std) <= 0:
            raise ValueError(f"vae.latents_std must be above 0, got {self.latents_std}")

    @property
    def downsample(self) -> int:
        """Pixels a side of one latent."""
        return self.pixel_patch * 2 ** (len(self.block_out_channels) - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """The whole network."""

    llm: LLMConfig
    vit: ViTConfig | None
    """None: a network that sees no image (published: visual_und off)."""
    vae: VAEConfig | None
    """None: a network that draws nothing and reads no latents (published: visual_gen off)."""
    latent_patch: int = 2
    """Side of the square of latents folded into one token."""
    max_latent_size: int = 64
    """Latent tokens a side of the largest image."""
    vit_max_patches_per_side: int = 70
    residual_velocity: bool = False
    """The velocity head adds to what is known without it: the best linear guess from the noisy latent, and behind an image
    that image, as far as a gate keeps it (`model/residual.py`). Published: false."""
    interpolate_positions: bool = False
    """Spread an image's 2-D positions over the whole table instead of counting from its corner."""

    def __post_init__(self) -> None:
        _check_positive(self, "model", "latent_patch max_latent_size vit_max_patches_per_side")
        if self.vit is not None and self.vit.patches_per_side < self.vit_max_patches_per_side:
            raise ValueError(
                f"vit.image_size / vit.patch_size gives {self.vit.patches_per_side} learned positions a side, fewer than "
                f"model.vit_max_patches_per_side {self.vit_max_patches_per_side}; raise vit.image_size"
            )

    def require_vit(self) -> ViTConfig:
        """The ViT. Raises ValueError where the network has none."""
        if self.vit is None:
            raise ValueError(
                "the network has no ViT (model.vit is null), so it cannot read an image; leave images out, or take a "
                "network that has one"
            )
        return self.vit

    def require_vae(self) -> VAEConfig:
        """The autoencoder of the generation side. Raises ValueError where the network has none."""
        if self.vae is None:
            raise ValueError(
                "the network has no generation side (model.vae is null), so it can neither draw nor read latents; leave "
                "them out, or take a network that has one"
            )
        return self.vae

    @property
    def latent_dim(self) -> int:
        """Numbers in one latent token; 0 without a generation side."""
        return self.latent_patch**2 * self.vae.latent_channels if self.vae else 0

    @property
    def latent_stride(self) -> int:
        """Pixels a side of one latent token. Raises ValueError without a generation side."""
        return self.latent_patch * self.require_vae().downsample

    @property
    def vit_patch_dim(self) -> int:
        """Numbers in one ViT patch; 0 without a ViT."""
        return 3 * self.vit.patch_size**2 if self.vit else 0

    @property
    def is_published_form(self) -> bool:
        """Whether public UniMedVL / BAGEL code can hold these weights."""
        folded = self.vae is not None and self.vae.pixel_patch > 1
        return not (self.vit and self.vit.stem) and not folded and not self.residual_velocity


def config_to_dict(config: ModelConfig) -> dict[str, Any]:
    """Plain values that json can write; config_from_dict gives the same config back."""
    return _plain(asdict(config))


def config_from_dict(values: Mapping[str, Any]) -> ModelConfig:
    """The config; raises ValueError that names unknown or missing keys."""
    parts = {"llm": LLMConfig, "vit": ViTConfig, "vae": VAEConfig}
    rest = {key: value for key, value in values.items() if key not in parts}
    # A side is left out by an explicit null; a missing key is a mistake.
    left_out = {name for name in ("vit", "vae") if name in values and values[name] is None}
    built = {name: None if name in left_out else _build(kind, values.get(name), name) for name, kind in parts.items()}
    return _build(ModelConfig, {**built, **rest}, "model")


def _build(kind: type, values: object, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise ValueError(f"config part {where!r} is missing or not a mapping: {values!r}")
    known = {field.name for field in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"config part {where!r} has unknown keys {unknown}; known: {sorted(known)}")
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(f"config part {where!r}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _check_positive(config: object, where: str, names: str) -> None:
    for name in names.split():
        if getattr(config, name) < 1:
            raise ValueError(f"{where}.{name} must be at least 1, got {getattr(config, name)}")


def _check_divides(what: str, value: int, by_what: str, by: int) -> None:
    if value % by:
        raise ValueError(f"{what} is {value}, not a multiple of {by_what} = {by}")
