"""Trains the small autoencoder of a recipe that imports none, and measures the scale of its latents."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from components.recipes.training import AutoencoderTraining
from components.storage.keys import generator, seed_of
from components.training.augment import plain, random_crops
from components.training.optimizer import Average
from components.training.pictures import PictureSet
from components.training.small_loop import EachStep, Row, SmallTraining, curve, train_small, warm_cosine
from model.autoencoder import Autoencoder
from model.config import VAEConfig
from model.device import this_device

# Shapes: B crops of c x c pixels.

WARMUP_STEPS = 50
BETAS = (0.9, 0.99)
MAX_GRAD_NORM = 1.0
MEASURED_PICTURES = 256
EVERY = 20
"""Steps that a row of the curve stands for."""


def train_autoencoder(
    config: VAEConfig, pictures: PictureSet, settings: AutoencoderTraining, *, seed: int, each_step: EachStep
) -> tuple[Autoencoder, list[Row]]:
    """(the averaged autoencoder on the CPU, with its latents' measured mean and scale in its config; rows of the loss curve).

    A GPU trains it where there is one.
    """
    device = this_device()
    autoencoder = _fresh(config, seed).to(device)
    average = Average(autoencoder, settings.ema_decay)
    optimizer = torch.optim.AdamW(autoencoder.parameters(), lr=1.0, betas=BETAS, weight_decay=0.0, fused=True)
    optimizer.register_step_post_hook(lambda *_: average.update(autoencoder))

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        draw = generator(seed, "autoencoder", step)
        images = random_crops(pictures.batch(pictures.draw(draw, settings.batch)), settings.crop, draw)
        shape = _latent_shape(config, settings)
        noise = generator(seed, "autoencoder-noise", step).standard_normal(shape, dtype=np.float32)
        loss, squared_error = _loss(autoencoder, images.to(device), torch.from_numpy(noise).to(device), settings)
        return loss, {"image_loss": float(squared_error)}

    training = SmallTraining(
        name="autoencoder",
        steps=settings.steps,
        optimizer=optimizer,
        schedule=warm_cosine(optimizer, settings.learning_rate, steps=settings.steps, warmup_steps=WARMUP_STEPS),
        rate_key=f"start.autoencoder.learning_rate ({settings.learning_rate})",
        max_grad_norm=MAX_GRAD_NORM,
    )
    autoencoder.train()
    history = train_small(training, loss_of, each_step)
    autoencoder.load_state_dict(average.state(autoencoder))
    return _measured(autoencoder.eval(), pictures, seed), curve("autoencoder", history, every=EVERY, digits=6)


def _fresh(config: VAEConfig, seed: int) -> Autoencoder:
    # diffusers initialises from torch's global generator: it is seeded here and put back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "autoencoder-init"))
        return Autoencoder(config)


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


def _latent_shape(config: VAEConfig, settings: AutoencoderTraining) -> tuple[int, int, int, int]:
    side = settings.crop // config.downsample
    return settings.batch, config.latent_channels, side, side


@torch.no_grad()
def _measured(autoencoder: Autoencoder, pictures: PictureSet, seed: int) -> Autoencoder:
    """The same weights with the mean and scale of each latent channel over training pictures in the config."""
    numbers = pictures.draw(generator(seed, "autoencoder-scale"), MEASURED_PICTURES)
    device = next(autoencoder.parameters()).device
    moments = [autoencoder.encode(plain([pictures.pixels(number)]).to(device)) for number in numbers]
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
