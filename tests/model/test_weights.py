import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from model.autoencoder import Autoencoder
from model.config import config_from_dict
from model.objective import draw, interpolate
from model.unimedvl import UniMedVL
from model.weights import load_checkpoint, load_network, open_checkpoint, read_config, save_checkpoint

SETTINGS = {"vit": {"max_side": 64}}


@pytest.fixture
def autoencoder(stem_config):
    made = Autoencoder(stem_config.vae)
    made.init_weights(torch.Generator().manual_seed(0))
    return made


@pytest.fixture
def folder(tmp_path, stem_model, autoencoder):
    save_checkpoint(tmp_path, stem_model, autoencoder, SETTINGS)
    return tmp_path


def rewrite(folder, change):
    tensors = load_file(folder / "ema.safetensors")
    change(tensors)
    save_file(tensors, folder / "ema.safetensors")


@torch.no_grad()
def test_a_loaded_network_predicts_as_the_saved_one(folder, stem_model, autoencoder, mixed_packed):
    model, loaded_autoencoder, config = load_checkpoint(folder)
    sigma, noise = draw(mixed_packed, torch.Generator().manual_seed(0), 1.0)
    noisy = interpolate(mixed_packed.latents, noise, sigma)
    for ours, theirs in zip(model(mixed_packed, noisy, sigma), stem_model(mixed_packed, noisy, sigma), strict=True):
        assert torch.equal(ours, theirs)
    images = torch.zeros(1, 3, 8, 12)
    assert torch.equal(loaded_autoencoder.encode(images).mean, autoencoder.encode(images).mean)
    assert config["unimed"]["image_settings"] == SETTINGS
    assert config["unimed"]["is_published_form"] is False
    assert config_from_dict(config["unimed"]["model"]) == stem_model.config


def test_a_loaded_network_can_be_trained_on_and_keeps_its_tables_fixed(folder):
    model, _ = load_network(folder)
    still = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    assert still == ["vit_pos_embed.pos_embed", "latent_pos_embed.pos_embed"]


def test_the_same_weights_give_the_same_bytes(folder, tmp_path_factory, stem_model, autoencoder):
    other = tmp_path_factory.mktemp("other")
    save_checkpoint(other, stem_model, autoencoder, SETTINGS)
    files = sorted(path.name for path in folder.iterdir())
    assert files == [
        "ae.safetensors",
        "config.json",
        "ema.safetensors",
        "llm_config.json",
        "vae_config.json",
        "vit_config.json",
    ]
    for name in files:
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name


def test_an_average_can_be_written_in_place_of_the_weights(tmp_path, stem_model, autoencoder):
    average = {key: value * 0.5 for key, value in stem_model.state_dict().items()}
    save_checkpoint(tmp_path, stem_model, autoencoder, SETTINGS, state=average)
    model, _ = load_network(tmp_path)
    assert_close(model.vae2llm.weight, stem_model.vae2llm.weight * 0.5)
    del average["vae2llm.bias"]
    with pytest.raises(ValueError, match=r"weights to save do not fit \(1\): missing vae2llm.bias"):
        save_checkpoint(tmp_path, stem_model, autoencoder, SETTINGS, state=average)


def test_every_missing_extra_and_misshapen_weight_is_listed(folder):
    def spoil(tensors):
        del tensors["llm2vae.bias"]
        tensors["llm2vae.weights"] = torch.zeros(2)
        tensors["vae2llm.weight"] = torch.zeros(3, 4)

    rewrite(folder, spoil)
    with pytest.raises(ValueError, match=r"network weights do not fit \(3\)") as caught:
        load_network(folder)
    for problem in ("missing llm2vae.bias", "extra llm2vae.weights", "vae2llm.weight has shape (3, 4), not (32, 12)"):
        assert problem in str(caught.value)


def test_an_autoencoder_saved_inside_the_network_is_found(folder, autoencoder):
    state = {f"vae_model.{key}": value.contiguous() for key, value in autoencoder.published_state().items()}
    rewrite(folder, lambda tensors: tensors.update(state))
    (folder / "ae.safetensors").unlink()
    _, loaded, _ = load_checkpoint(folder)
    assert torch.equal(loaded.vae.encoder.conv_in.weight, autoencoder.vae.encoder.conv_in.weight)


def test_a_folder_of_published_weights_is_read_without_our_config(tmp_path, tiny_model, golden):
    autoencoder = Autoencoder(tiny_model.config.vae)
    save_checkpoint(tmp_path, tiny_model, autoencoder, {})
    vit = json.loads((tmp_path / "vit_config.json").read_text())
    assert vit["num_hidden_layers"] == golden("config.json")["vit"]["num_hidden_layers_in_file"]
    llm = json.loads((tmp_path / "llm_config.json").read_text())
    assert llm.items() >= {k: v for k, v in golden("config.json")["llm"].items() if k in llm}.items()
    (tmp_path / "config.json").unlink()
    (tmp_path / "ema.safetensors").rename(tmp_path / "ema_bf16.safetensors")
    config, stored = read_config(tmp_path)
    assert (config, stored) == (tiny_model.config, {})
    assert load_network(tmp_path, dtype=torch.bfloat16)[0].dtype == torch.bfloat16


def test_what_is_no_checkpoint_is_named(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match=r"holds no weights: none of ema.safetensors, .*model.safetensors"):
        load_network(tmp_path / "nowhere")
    config = json.loads((folder / "config.json").read_text())
    config["unimed"]["format"] = 99
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"unimed.format is 99, this code reads 1"):
        load_network(folder)


def equal(first, second):
    first, second = first.state_dict(), second.state_dict()
    return list(first) == list(second) and all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("max_shard_bytes", [None, 20_000])
def test_a_network_comes_back_bit_by_bit_whole_or_in_shards(tmp_path, stem_model, max_shard_bytes):
    said = []
    stem_model.save_pretrained(
        tmp_path / "new",
        max_shard_bytes=max_shard_bytes,
        progress=lambda *told: said.append(told),
        image_settings=SETTINGS,
    )
    names = sorted(path.name for path in (tmp_path / "new").iterdir() if "safetensors" in path.name)
    if max_shard_bytes is None:
        assert names == ["ema.safetensors"]
    else:
        assert len(names) > 3 and names[-1] == "model.safetensors.index.json"
    loaded = UniMedVL.from_pretrained(tmp_path / "new", progress=lambda *told: said.append(told))
    assert equal(loaded, stem_model) and loaded.config == stem_model.config and not loaded.training
    total = len(stem_model.state_dict())
    assert [told[:2] for told in said] == [(done, total) for done in range(1, total + 1)] * 2
    assert {told[2] for told in said} == set(stem_model.state_dict())
    assert read_config(tmp_path / "new")[1]["unimed"]["image_settings"] == SETTINGS


def test_a_network_keeps_its_stored_type_unless_another_is_asked_for(tmp_path, stem_model):
    stem_model.to(torch.bfloat16).save_pretrained(tmp_path)
    assert {p.dtype for p in UniMedVL.from_pretrained(str(tmp_path)).parameters()} == {torch.bfloat16}
    cast = UniMedVL.from_pretrained(tmp_path, dtype=torch.float32)
    assert {p.dtype for p in cast.parameters()} == {torch.float32}
    rewrite(tmp_path, lambda tensors: tensors.update({"llm2vae.bias": tensors["llm2vae.bias"].half()}))
    assert {p.dtype for p in UniMedVL.from_pretrained(tmp_path).parameters()} == {torch.float32}, (
        "bf16 and f16 need f32"
    )


def test_a_loaded_network_does_not_depend_on_its_file(tmp_path, stem_model):
    stem_model.save_pretrained(tmp_path)
    loaded = UniMedVL.from_pretrained(tmp_path)
    (tmp_path / "ema.safetensors").write_bytes(b"")
    assert equal(loaded, stem_model)


@pytest.mark.parametrize("prefix", ["module.", "model.", "module.model."])
def test_what_wrappers_put_before_the_names_is_taken_off(folder, stem_model, prefix):
    save_file(
        {prefix + key: value for key, value in load_file(folder / "ema.safetensors").items()},
        folder / "ema.safetensors",
    )
    tensors = load_file(folder / "ae.safetensors")
    save_file({f"module.{key}": value for key, value in tensors.items()}, folder / "ae.safetensors")
    model, autoencoder, _ = load_checkpoint(folder)
    assert equal(model, stem_model)
    assert all(torch.equal(tensors[key], value) for key, value in autoencoder.published_state().items())


def test_one_name_with_and_without_a_prefix_is_refused(folder):
    rewrite(folder, lambda tensors: tensors.update({"module.llm2vae.bias": torch.zeros(12)}))
    with pytest.raises(ValueError, match=r"llm2vae.bias is stored twice, .*module.llm2vae.bias"):
        load_network(folder)


def test_a_statistic_of_another_kind_of_autoencoder_is_refused_not_dropped(folder):
    rewrite(folder, lambda tensors: tensors.update({"vae_batch_norm.running_mean": torch.zeros(16)}))
    with pytest.raises(ValueError, match=r"extra vae_batch_norm.running_mean"):
        load_network(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "ema.pt", "model.pth", "weights.pkl"])
def test_pickled_weights_are_never_opened(tmp_path, name):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    torch.save(Bomb(), tmp_path / name)
    with pytest.raises(FileNotFoundError, match=rf"{name} and no safetensors.*Take the safetensors form"):
        UniMedVL.from_pretrained(tmp_path)
    (tmp_path / name).rename(tmp_path / "ema.safetensors")
    with pytest.raises(ValueError, match="is not a whole safetensors file"):
        UniMedVL.from_pretrained(tmp_path)


def test_two_networks_in_one_folder_are_refused(folder, stem_model):
    with pytest.raises(FileExistsError, match=r"another network, ema.safetensors; remove it"):
        stem_model.save_pretrained(folder, max_shard_bytes=10_000)


def test_an_opened_checkpoint_reads_no_weight_and_says_what_does_not_fit(folder):
    checkpoint = open_checkpoint(folder)
    checkpoint.check()
    assert checkpoint.network["vae2llm.weight"].shape == (32, 12)
    tensors = load_file(folder / "ae.safetensors")
    del tensors["decoder.conv_in.bias"]
    save_file(tensors, folder / "ae.safetensors")
    with pytest.raises(ValueError, match=r"autoencoder weights do not fit \(1\): missing decoder.conv_in.bias"):
        open_checkpoint(folder).check()
    (folder / "ae.safetensors").unlink()
    with pytest.raises(ValueError, match=r"has no ae.safetensors"):
        open_checkpoint(folder).check()
