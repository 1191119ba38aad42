from dataclasses import replace
from itertools import pairwise

import torch
from torch.testing import assert_close

from model.objective import draw, euler_step, interpolate, shifted, summed_losses, velocity_target
from tests.parity.golden import video_batch


def test_true_velocity_carries_noise_back_to_data_in_one_step():
    generator = torch.Generator().manual_seed(0)
    latent, noise = torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator)
    sigma = torch.tensor([1.0, 0.7, 0.2, 0.0])
    noisy = interpolate(latent, noise, sigma)
    assert_close(noisy - sigma[:, None] * velocity_target(latent, noise), latent)


def test_sigma_one_is_noise_and_sigma_zero_is_data():
    latent, noise = torch.full((2, 3), 5.0), torch.full((2, 3), -1.0)
    assert torch.equal(interpolate(latent, noise, torch.tensor([0.0, 1.0])), torch.stack([latent[0], noise[0]]))


def test_a_shift_above_one_moves_towards_noise_and_keeps_the_ends():
    sigma = torch.tensor([0.0, 0.3, 1.0])
    assert_close(shifted(sigma, 3.0)[[0, 2]], sigma[[0, 2]])
    assert shifted(sigma, 3.0)[1] > 0.3


def test_reweighting_weighs_each_label_by_its_text(tiny_model, published_packed, golden):
    train, weights = golden("train_mot.safetensors"), published_packed.label_weights
    losses = summed_losses(tiny_model, published_packed, train["timesteps"], train["noise"], reweight_text=True)
    assert_close(losses.text_loss_sum, (train["ce"] * weights).sum(), atol=1e-3, rtol=0)
    assert_close(losses.num_text_targets, weights.sum())


def test_clean_images_are_drawn_at_zero_and_targets_at_one_level_each(published_packed):
    sigma, noise = draw(published_packed, torch.Generator().manual_seed(0), 2.0)
    assert noise.shape == published_packed.latents.shape
    parts = sigma.split(list(published_packed.latent_lens))
    for part, is_target in zip(parts, published_packed.latent_is_target, strict=True):
        assert len(part.unique()) == 1
        assert (part[0] > 0) == is_target
    targets = [
        float(part[0]) for part, is_target in zip(parts, published_packed.latent_is_target, strict=True) if is_target
    ]
    assert len(set(targets)) == len(targets)


def test_one_generator_state_gives_one_draw(published_packed):
    first, second = (draw(published_packed, torch.Generator().manual_seed(9), 2.0) for _ in range(2))
    assert torch.equal(first.sigma, second.sigma)
    assert torch.equal(first.noise, second.noise)


def test_a_condition_is_not_learnt(tiny_model, published_packed, golden):
    train = golden("train_mot.safetensors")
    nothing = replace(published_packed, latent_is_target=(False,) * len(published_packed.latent_lens))
    losses = summed_losses(tiny_model, nothing, torch.zeros_like(train["timesteps"]), train["noise"])
    assert float(losses.image_loss_sum.detach()) == 0
    assert float(losses.num_image_targets) == 0


def test_steps_along_the_true_velocity_come_back_to_the_data():
    generator = torch.Generator().manual_seed(0)
    latent, noise = torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator)
    x, sigmas = noise, torch.tensor([1.0, 0.6, 0.5, 0.0])
    for sigma, following in pairwise(sigmas):
        x = euler_step(x, velocity_target(latent, noise), sigma, following)
    assert_close(x, latent)


def test_frames_of_a_video_share_the_level_of_their_first():
    packed = video_batch()
    generator = torch.Generator().manual_seed(3)
    sigma, noise = draw(packed, generator, 2.0)
    first, second, third, *_, last = sigma.split(list(packed.latent_lens))
    assert len(torch.cat([first, second, third]).unique()) == 1
    assert 0 < first[0] != last[0] > 0
    assert not torch.equal(*noise[:8].split(4))
