import pytest
import torch
from torch.testing import assert_close

from model.attention import AttentionLayout, attend
from model.objective import draw, summed_losses
from model.unimedvl import UniMedVL


@pytest.mark.parametrize("experts", ["mot", "moe", "dense"])
def test_weights_have_the_published_names_and_shapes(golden, tiny_config, experts):
    state = UniMedVL(tiny_config(experts)).state_dict()
    assert {key: list(value.shape) for key, value in state.items()} == golden("keys_tiny.json")[experts]


def test_the_published_model_has_the_published_shapes(golden):
    from model.config import LLMConfig, ModelConfig, ViTConfig
    from model.published import flux_vae_config

    config = ModelConfig(
        llm=LLMConfig(
            hidden_size=3584,
            num_layers=28,
            num_heads=28,
            num_kv_heads=4,
            intermediate_size=18944,
            vocab_size=152064,
        ),
        vit=ViTConfig(
            hidden_size=1152, intermediate_size=4304, num_heads=16, num_layers=26, patch_size=14, image_size=980
        ),
        vae=flux_vae_config(),
    )
    with torch.device("meta"):
        state = UniMedVL(config).state_dict()
    expected = golden("keys_published.json")
    assert {key: list(value.shape) for key, value in state.items()} == expected["shapes"]
    assert sum(value.numel() for value in state.values()) == expected["total_parameters"]


def test_states_of_every_layer_equal_the_published_ones(golden, tiny_model, published_packed, published_noisy):
    expected = golden("train_mot.safetensors")
    packed = published_packed
    order = torch.cat([packed.text_token_index, packed.vit_token_index, packed.latent_token_index])
    layout = AttentionLayout.from_packed(packed)
    x = tiny_model.embed(packed, *published_noisy)
    assert_close(torch.cat(x), expected["embedded"][order], atol=5e-5, rtol=0)
    decoder = tiny_model.language_model.model
    for number, layer in enumerate(decoder.layers):
        x = layer(x, tiny_model.rotary(packed), lambda q, k, v: attend(q, k, v, layout))
        assert_close(torch.cat(x), expected[f"layer_{number}"][order], atol=5e-5, rtol=0)
    final = torch.cat([decoder.norm(x.und), decoder.norm_moe_gen(x.gen)])
    assert_close(final, expected["final"][order], atol=5e-5, rtol=0)


def test_logits_and_velocities_equal_the_published_ones(golden, tiny_model, published_packed, published_noisy):
    expected = golden("train_mot.safetensors")
    prediction = tiny_model(published_packed, *published_noisy)
    assert_close(prediction.text_logits, expected["logits"], atol=5e-5, rtol=0)
    assert_close(prediction.velocity, expected["velocity_pred"], atol=5e-5, rtol=0)


@pytest.mark.parametrize("experts", ["moe", "dense"])
def test_the_other_layer_types_equal_the_published_ones(
    golden, shared_golden, tiny_config, published_packed, published_noisy, experts
):
    expected = shared_golden(f"train_{experts}.safetensors")
    model = UniMedVL(tiny_config(experts))
    model.load_state_dict({key: golden("mot.safetensors")[key] for key in model.state_dict()})
    prediction = model(published_packed, *published_noisy)
    assert_close(prediction.text_logits, expected["logits"], atol=5e-5, rtol=0)
    assert_close(prediction.velocity, expected["velocity_pred"], atol=5e-5, rtol=0)


def test_gradients_equal_the_published_ones(golden, tiny_model, published_packed):
    train = golden("train_mot.safetensors")
    losses = summed_losses(tiny_model, published_packed, train["timesteps"], train["noise"])
    text, image = losses.text_loss_sum / losses.num_text_targets, losses.image_loss_sum / losses.num_image_targets
    (text + image).backward()
    expected = golden("train_mot_grads.safetensors")
    found = {name: p.grad for name, p in tiny_model.named_parameters() if p.requires_grad}
    assert set(found) == set(expected)
    for name, gradient in expected.items():
        assert_close(found[name], gradient, atol=1e-6, rtol=0, msg=lambda text, name=name: f"{name}: {text}")


def test_a_sample_is_predicted_alike_alone_and_in_company(stem_model, stem_config, pack_some):
    together = pack_some(stem_config, range(5))
    sigma, noise = draw(together, torch.Generator().manual_seed(3), 1.0)
    prediction = stem_model(together, together.latents + noise, sigma)
    logits = prediction.text_logits.split([4, 4])
    velocities = prediction.velocity.split([6, 6, 6])
    text_of, image_of, start = {0: 0, 4: 1}, {1: 0, 2: 1, 3: 2}, 0
    for number in range(5):
        alone = pack_some(stem_config, [number])
        end = start + len(alone.latents)
        own = stem_model(alone, alone.latents + noise[start:end], sigma[start:end])
        if number in text_of:
            assert_close(own.text_logits, logits[text_of[number]], atol=1e-5, rtol=1e-5)
        if number in image_of:
            assert_close(own.velocity, velocities[image_of[number]], atol=1e-5, rtol=1e-5)
        start = end


def test_a_later_token_does_not_change_an_earlier_prediction(tiny_model, published_packed, published_noisy):
    noisy, sigma = published_noisy
    before = tiny_model(published_packed, noisy, sigma).text_logits
    ids = published_packed.text_ids.clone()
    place = int(published_packed.label_token_index[3])
    ids[int((published_packed.text_token_index == place + 1).nonzero())] = 77
    from dataclasses import replace

    after = tiny_model(replace(published_packed, text_ids=ids), noisy, sigma).text_logits
    assert torch.equal(before[:4], after[:4])
    assert not torch.allclose(before[4], after[4], atol=1e-3)


def test_two_forwards_give_the_same_bytes(stem_model, mixed_packed):
    def gradients():
        stem_model.zero_grad()
        losses = summed_losses(stem_model, mixed_packed, *draw(mixed_packed, torch.Generator().manual_seed(1), 2.0))
        (losses.text_loss_sum + losses.image_loss_sum).backward()
        return [p.grad.clone() for p in stem_model.parameters() if p.requires_grad]

    assert all(torch.equal(first, second) for first, second in zip(gradients(), gradients(), strict=True))


@pytest.mark.parametrize("which", [[0], [2], [1], [0, 4]])
def test_also_a_batch_of_one_kind_reaches_every_weight(stem_model, stem_config, pack_some, which):
    packed = pack_some(stem_config, which)
    losses = summed_losses(stem_model, packed, *draw(packed, torch.Generator().manual_seed(1), 2.0))
    total = losses.text_loss_sum + losses.image_loss_sum
    total.backward()
    assert torch.isfinite(total)
    for name, parameter in stem_model.named_parameters():
        assert (parameter.grad is None) != parameter.requires_grad, name


def test_a_few_steps_learn_one_batch(stem_model, mixed_packed):
    sigma, noise = draw(mixed_packed, torch.Generator().manual_seed(1), 1.0)
    optimizer = torch.optim.AdamW(stem_model.parameters(), lr=3e-3)
    history = []
    for _ in range(60):
        losses = summed_losses(stem_model, mixed_packed, sigma, noise)
        loss = losses.text_loss_sum / losses.num_text_targets + losses.image_loss_sum / losses.num_image_targets
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(float(loss.detach()))
    assert history[-1] < 0.2 * history[0]
