"""A network without a ViT, or without a generation side: it loads, answers, draws and trains within what it has."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from model.autoencoder import Autoencoder
from model.config import config_from_dict, config_to_dict
from model.context import Context
from model.generation import GuidanceSettings, generate_image, generate_text
from model.objective import draw, summed_losses
from model.unimedvl import UniMedVL
from model.weights import load_autoencoder, load_network, open_checkpoint, read_config
from tests.parity import golden

SIDES = ("vit", "vae")
OF_SIDE = {
    "vit": ("vit_model.", "connector.", "vit_pos_embed."),
    "vae": ("time_embedder.", "vae2llm.", "llm2vae.", "latent_pos_embed."),
}
QUESTION = [5, 6, 7, 8]


def asked(model, special, *, image):
    context = Context(model, special)
    if image:
        context.add_vit(torch.linspace(-1, 1, 16 * 588).view(16, 588), (4, 4))
    context.add_text(QUESTION)
    return context


@pytest.mark.parametrize("side", SIDES)
def test_the_config_survives_json_and_a_missing_side_is_said_not_forgotten(side):
    config = golden.config(without=side)
    values = json.loads(json.dumps(config_to_dict(config)))
    assert values[side] is None and config_from_dict(values) == config
    assert config.is_published_form
    del values[side]
    with pytest.raises(ValueError, match=f"config part '{side}' is missing"):
        config_from_dict(values)


def test_without_a_generation_side_an_image_is_answered_as_by_the_whole_network(tiny_model, special):
    seeing = golden.network(without="vae")
    (whole,) = generate_text([asked(tiny_model, special, image=True)], max_new_tokens=6)
    assert generate_text([asked(seeing, special, image=True)], max_new_tokens=6) == [whole]


def test_without_a_vit_a_drawing_is_that_of_the_whole_network(tiny_model, special):
    settings, noise = GuidanceSettings(num_timesteps=4), torch.linspace(-2, 2, 6 * 64).view(6, 64)
    drawn = []
    for model in (tiny_model, golden.network(without="vit")):
        empty = [Context(model, special)]
        context = asked(model, special, image=False)
        drawn += generate_image([context], empty, empty, [(2, 3)], settings, [noise])
    assert torch.equal(*drawn)


@pytest.mark.parametrize("side", SIDES)
def test_what_needs_the_missing_side_is_refused_and_says_which(side, special, stem_config, pack_some):
    model = golden.network(without=side)
    context = Context(model, special)
    if side == "vit":
        context.add_vit(torch.zeros(4, 588), (2, 2))
    else:
        context.add_latent(torch.zeros(4, 64), (2, 2))
    with pytest.raises(
        ValueError, match=rf"the network has no .* \(model.{side} is null\).*take a network that has one"
    ):
        assert context.num_tokens
    # A sequence that another config's builder made.
    packed = pack_some(stem_config, [0] if side == "vit" else [2])
    lesser = UniMedVL(replace(stem_config, **{side: None}))
    with pytest.raises(ValueError, match=rf"model.{side} is null"):
        lesser(packed, packed.latents, torch.zeros(len(packed.latents)))


def test_a_drawing_asked_of_a_network_that_draws_nothing_is_refused(special):
    model = golden.network(without="vae")
    contexts = [asked(model, special, image=False)]
    with pytest.raises(ValueError, match=r"can neither draw nor read latents"):
        generate_image(contexts, contexts, contexts, [(1, 1)], GuidanceSettings(), [torch.zeros(1, 64)])


@pytest.mark.parametrize(("side", "which"), [("vae", [0, 4]), ("vit", [2])])
def test_it_trains_on_samples_within_what_it_has(side, which, stem_config, pack_some):
    config = replace(stem_config, **{side: None})
    model = UniMedVL(config)
    model.init_weights(torch.Generator().manual_seed(5), residual_scale=False, gen_key_equals_query=False)
    packed = pack_some(config, which)
    losses = summed_losses(model, packed, *draw(packed, torch.Generator().manual_seed(1), 2.0))
    total = losses.text_loss_sum + losses.image_loss_sum
    assert float(total.detach()) > 0
    total.backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) != parameter.requires_grad, name
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("own_config", [True, False])
def test_it_comes_back_from_its_folder_as_ours_and_as_published_weights(tmp_path, side, own_config):
    model = golden.network(without=side)
    model.save_pretrained(tmp_path)
    assert not [name for name in load_file(tmp_path / "ema.safetensors") if name.startswith(OF_SIDE[side])]
    assert not (tmp_path / f"{side}_config.json").exists()
    if not own_config:
        (tmp_path / "config.json").unlink()
    loaded = load_network(tmp_path)[0]
    # Published weights do not say what the tables of a missing side would be; nothing of the network depends on it.
    assert getattr(loaded.config, side) is None and loaded.config.llm == model.config.llm
    state, again = model.state_dict(), loaded.state_dict()
    assert list(state) == list(again) and all(torch.equal(state[name], again[name]) for name in state)
    assert loaded.dtype == torch.float32


def test_an_autoencoder_beside_a_network_that_draws_nothing_is_left_out(tmp_path):
    golden.network(without="vae").save_pretrained(tmp_path)
    (tmp_path / "ae.safetensors").write_bytes((golden.FOLDER / "ae.safetensors").read_bytes())
    (tmp_path / "config.json").unlink()
    checkpoint = open_checkpoint(tmp_path)
    checkpoint.check()
    assert not checkpoint.autoencoder
    with pytest.raises(ValueError, match=r"no generation side"):
        load_autoencoder(tmp_path)


@pytest.mark.parametrize("table", ["vit_pos_embed.pos_embed", "latent_pos_embed.pos_embed"])
def test_a_side_without_its_table_is_broken_not_missing(tmp_path, tiny_model, table):
    from safetensors.torch import save_file

    tiny_model.save_pretrained(tmp_path)
    (tmp_path / "config.json").unlink()
    tensors = load_file(tmp_path / "ema.safetensors")
    del tensors[table]
    save_file(tensors, tmp_path / "ema.safetensors")
    with pytest.raises(ValueError, match=rf"no {table}, whose side only its shape tells"):
        read_config(tmp_path)


def test_a_network_that_draws_still_needs_its_autoencoder(tmp_path):
    golden.network(without="vit").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"has no ae.safetensors"):
        open_checkpoint(tmp_path).check()
    state = Autoencoder(golden.config().require_vae())
    assert state.published_state()
