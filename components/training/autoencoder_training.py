"""Trains the small autoencoder of a recipe that imports none, and measures the scale of its latents."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from components.recipes.training import AutoencoderTraining
from components.storage.keys import generator, seed_of
from components.training.augment import plain
from components.training.pictures import PictureSet
from model.autoencoder import Autoencoder
from model.config import VAEConfig

# Shapes: B crops of c x c pixels.

WARMUP_STEPS = 50
BETAS = (0.9, 0.99)
MAX_GRAD_NORM = 1.0
LOG_GAMMA = 0.3
MEASURED_PICTURES = 256
EVERY = 20
"""Steps that a row of the curve stands for."""

Row = dict[str, float | str]
EachStep = Callable[[int, int, float], None]
"""Called with (step, steps, loss); may raise to stop."""


def train_autoencoder(
    config: VAEConfig, pictures: PictureSet, settings: AutoencoderTraining, *, seed: int, each_step: EachStep
) -> tuple[Autoencoder, list[Row]]:
    """(the averaged autoencoder, with its latents' measured mean and scale in its config; rows of the loss curve)."""
    autoencoder = _fresh(config, seed)
    average = {name: value.clone() for name, value in autoencoder.state_dict().items()}
    optimizer = torch.optim.AdamW(autoencoder.parameters(), lr=0.0, betas=BETAS, weight_decay=0.0, fused=True)
    rows: list[Row] = []
    losses: list[float] = []
    autoencoder.train()
    for step in range(1, settings.steps + 1):
        images = _crops(pictures, settings, generator(seed, "autoencoder", step))
        noise = torch.from_numpy(
            generator(seed, "autoencoder-noise", step).standard_normal(
                _latent_shape(config, settings), dtype=np.float32
            )
        )
        loss, squared_error = _loss(autoencoder, images, noise, settings)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(autoencoder.parameters(), MAX_GRAD_NORM))
        if not math.isfinite(norm):
            raise ValueError(
                f"autoencoder step {step} has no finite gradient; lower start.autoencoder.learning_rate "
                f"({settings.learning_rate})"
            )
        optimizer.param_groups[0]["lr"] = _rate(step, settings)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(
                [average[name] for name, _ in autoencoder.named_parameters()],
                [p.detach() for p in autoencoder.parameters()],
                1 - settings.ema_decay,
            )
        losses.append(float(squared_error))
        if step % EVERY == 0 or step == settings.steps:
            rows.append({"part": "autoencoder", "step": step, "image_loss": _mean(losses)})
            losses = []
        each_step(step, settings.steps, float(squared_error))
    autoencoder.load_state_dict(average)
    return _measured(autoencoder.eval(), pictures, seed), rows


def _fresh(config: VAEConfig, seed: int) -> Autoencoder:
    # diffusers initialises from torch's global generator: it is seeded here and put back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "autoencoder-init"))
        return Autoencoder(config)


def _rate(step: int, settings: AutoencoderTraining) -> float:
    """Linear warm-up, then a cosine to 0 at the last step."""
    warm = min(step / WARMUP_STEPS, 1.0)
    return settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * (step - 1) / settings.steps))


def _loss(
    autoencoder: Autoencoder, images: Tensor, noise: Tensor, settings: AutoencoderTraining
) -> tuple[Tensor, Tensor]:
    """(what is minimised, the squared error of a number in [-1, 1])."""
    mean, logvar = autoencoder.encode(images)
    logvar = logvar.clamp(-30, 20)
    raw = mean + (0.5 * logvar).exp() * noise
    error = autoencoder.decode(autoencoder.normalise(raw)) - images
    squared_error = error.square().mean()
    divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    loss = squared_error + settings.l1_weight * error.abs().mean() + settings.kl_weight * divergence
    return loss, squared_error.detach()


def _crops(pictures: PictureSet, settings: AutoencoderTraining, draw: np.random.Generator) -> Tensor:
    """Random crops, flipped, transposed and of changed gamma: [B, 3, c, c] in [-1, 1]."""
    numbers = pictures.draw(draw, settings.batch)
    places = draw.uniform(size=(settings.batch, 2))
    turns = draw.integers(0, 2, size=(settings.batch, 3))
    gammas = np.exp(draw.uniform(-LOG_GAMMA, LOG_GAMMA, settings.batch))
    crops = []
    for pixels, place, (flip, mirror, transpose) in zip(pictures.batch(numbers), places, turns, strict=True):
        room = pictures.side - settings.crop + 1
        top, left = int(place[0] * room), int(place[1] * room)
        crop = pixels[top : top + settings.crop, left : left + settings.crop]
        crop = crop[::-1] if flip else crop
        crop = crop[:, ::-1] if mirror else crop
        crops.append(np.ascontiguousarray(crop.transpose(1, 0, 2) if transpose else crop))
    unit = (plain(crops) + 1) / 2
    gamma = torch.from_numpy(gammas.astype(np.float32))[:, None, None, None]
    return unit.clamp(0, 1).pow(gamma) * 2 - 1


def _latent_shape(config: VAEConfig, settings: AutoencoderTraining) -> tuple[int, int, int, int]:
    side = settings.crop // config.downsample
    return settings.batch, config.latent_channels, side, side


@torch.no_grad()
def _measured(autoencoder: Autoencoder, pictures: PictureSet, seed: int) -> Autoencoder:
    """The same weights with the mean and scale of each latent channel over training pictures in the config."""
    numbers = pictures.draw(generator(seed, "autoencoder-scale"), MEASURED_PICTURES)
    moments = [autoencoder.encode(plain([pictures.pixels(number)])) for number in numbers]
    mean = torch.cat([m.mean for m in moments]).double()
    variance = torch.cat([m.logvar for m in moments]).double().clamp(-30, 20).exp()
    centre = mean.mean((0, 2, 3))
    spread = ((mean - centre[:, None, None]).square() + variance).mean((0, 2, 3)).sqrt()
    config = replace(
        autoencoder.config,
        latents_mean=tuple(round(float(value), 6) for value in centre),
        latents_std=tuple(max(round(float(value), 6), 1e-6) for value in spread),
    )
    measured = Autoencoder(config)
    measured.load_state_dict(autoencoder.state_dict())
    return measured.eval()


def check_autoencoder(config: VAEConfig, settings: AutoencoderTraining, side: int) -> None:
    """Raises ValueError when crops or pictures do not fit the autoencoder's grid."""
    if settings.crop > side:
        raise ValueError(f"start.autoencoder.crop is {settings.crop}, larger than start.image_side {side}")
    for name, value in (("start.autoencoder.crop", settings.crop), ("start.image_side", side)):
        if value % config.downsample:
            raise ValueError(
                f"{name} is {value}, not a multiple of the autoencoder's {config.downsample} pixels a latent"
            )


def _mean(values: list[float]) -> float:
    return float(f"{sum(values) / len(values):.6g}")
