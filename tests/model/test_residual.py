"""The velocity head that adds to what is known without it."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from model.config import ModelConfig, config_from_dict, config_to_dict
from model.context import Context
from model.generation import GuidanceSettings, draw_images, generate_image
from model.objective import euler_step, interpolate, velocity_target
from model.packed import SpecialTokens
from model.residual import Drawn, linear_guess, with_residual
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL
from tests.model.conftest import initialised

GRID = (2, 3)
SPECIAL = SpecialTokens(start=56, end=57, image_start=58, image_end=59)
ONE_STEP = GuidanceSettings(num_timesteps=2, text_scale=1.0)


@pytest.fixture
def config(stem_config: ModelConfig) -> ModelConfig:
    return replace(stem_config, residual_velocity=True)


@pytest.fixture
def model(config: ModelConfig) -> UniMedVL:
    return initialised(config)


def numbers(seed: int, rows: int, width: int) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def behind(model: UniMedVL, given: torch.Tensor | None) -> Context:
    context = Context(model, SPECIAL)
    if given is not None:
        context.add_latent(given, GRID)
    context.add_text([5, 6, 7])
    return context


@pytest.mark.parametrize("sigma", [0.1, 0.4, 0.5, 0.9])
def test_the_first_guess_is_the_best_linear_one_and_what_is_left_has_variance_one_by_d(sigma):
    latent, noise = numbers(1, 20_000, 1), numbers(2, 20_000, 1)
    levels = torch.full((20_000,), sigma)
    noisy, target = interpolate(latent, noise, levels), velocity_target(latent, noise)
    nothing = torch.zeros_like(noisy)
    guess = with_residual(nothing, nothing, Drawn(noisy, levels, nothing))
    best = (noisy * target).mean() / noisy.square().mean()
    assert_close(guess, best * noisy, atol=0.05, rtol=0)
    left = (target - guess) * (sigma**2 + (1 - sigma) ** 2) ** 0.5
    assert float(left.square().mean()) == pytest.approx(1, abs=0.05)
    fitted = (noisy * latent).mean() / noisy.square().mean()
    assert_close(linear_guess(noisy, levels), fitted * noisy, atol=0.05, rtol=0)


def test_from_noise_alone_with_an_open_gate_the_given_image_comes_back_unchanged():
    given, noise = numbers(1, 6, 4), numbers(2, 6, 4)
    drawn = Drawn(noise, torch.ones(6), given)
    velocity = with_residual(torch.zeros(6, 4), torch.ones(6, 1), drawn)
    assert_close(euler_step(noise, velocity, torch.ones(()), torch.zeros(())), given)


def test_an_untrained_network_draws_half_of_the_given_image_and_nothing_from_words(config):
    model = UniMedVL(config)
    model.init_weights(torch.Generator().manual_seed(3), residual_scale=True, gen_key_equals_query=True)
    given, noise = numbers(1, 6, config.latent_dim), numbers(2, 6, config.latent_dim)
    contexts = [behind(model, given), behind(model, None)]
    edited, imagined = draw_images(contexts, contexts, contexts, [GRID] * 2, ONE_STEP, [noise] * 2)
    assert_close(edited.tokens, given / 2, atol=1e-5, rtol=0)
    assert_close(edited.kept, torch.full((6,), 0.5))
    assert_close(imagined.tokens, torch.zeros_like(noise), atol=1e-5, rtol=0)


def test_a_drawing_behind_an_image_is_the_same_from_a_cache_and_in_one_sequence(model):
    given, x = numbers(1, 6, model.config.latent_dim), numbers(2, 6, model.config.latent_dim)
    steps = GuidanceSettings(num_timesteps=3, text_scale=1.0)
    context = behind(model, given)
    (drawn,) = generate_image([context], [context], [context], [GRID], steps, [x])
    builder = SequenceBuilder(SPECIAL, model.config)
    builder.start_sample()
    builder.add_latent(given, GRID, target=False)
    builder.add_text([5, 6, 7], supervised=False)
    builder.add_latent(x, GRID, target=True)
    builder.end_sample()
    packed, sigmas = builder.build(), steps.sigmas()
    for number in range(2):
        levels = torch.cat([torch.zeros(6), sigmas[number].expand(6)])
        with torch.no_grad():
            velocity = model(packed, torch.cat([given, x]), levels).velocity
        x = euler_step(x, velocity, sigmas[number], sigmas[number + 1])
    assert_close(drawn, x, atol=1e-5, rtol=1e-5)


def test_each_branch_of_a_guided_drawing_knows_what_it_was_given(model):
    given, noise = numbers(1, 6, model.config.latent_dim), numbers(2, 6, model.config.latent_dim)
    guided = GuidanceSettings(num_timesteps=2, text_scale=2.0, image_scale=3.0, interval=(0.0, 1.0), renorm_min=1.0)
    branches = [behind(model, given), behind(model, given), behind(model, None)]
    (drawn,) = generate_image([branches[0]], [branches[1]], [branches[2]], [GRID], guided, [noise])
    plain, without_text, without_image = (
        noise - generate_image([branch], [branch], [branch], [GRID], ONE_STEP, [noise])[0] for branch in branches
    )
    velocity = without_text + 2 * (plain - without_text)
    assert_close(drawn, noise - (without_image + 3 * (velocity - without_image)), atol=1e-4, rtol=1e-4)


def test_a_target_is_behind_the_clean_image_of_its_size_in_its_own_sample(config):
    width = config.latent_dim
    first, second, other = numbers(1, 6, width), numbers(2, 6, width), numbers(3, 4, width)
    builder = SequenceBuilder(SPECIAL, config)
    builder.start_sample()
    builder.add_latent(first, GRID, target=True)
    builder.add_latent(second, GRID, target=False)
    builder.add_latent(first, GRID, target=True)
    builder.add_latent(first, (3, 2), target=True)
    builder.end_sample()
    builder.start_sample()
    builder.add_latent(other, (2, 2), target=True)
    builder.end_sample()
    packed = builder.build()
    packed.validate()
    nothing = torch.zeros(6, width)
    wanted = torch.cat([nothing, nothing, second, nothing, torch.zeros(4, width)])
    assert torch.equal(packed.given, wanted)


def test_the_published_form_has_none_of_it_and_the_config_comes_back(stem_config, config):
    added = set(UniMedVL(config).state_dict()) - set(UniMedVL(stem_config).state_dict())
    assert added == {"given2llm.weight", "given2llm.bias", "gate.weight", "gate.bias"}
    assert config_from_dict(config_to_dict(config)) == config
    vae = replace(config.vae, pixel_patch=1)
    assert replace(stem_config, vit=None, vae=vae).is_published_form
    assert not replace(config, vit=None, vae=vae).is_published_form
