import json
from dataclasses import replace

import pytest

from model.config import config_from_dict, config_to_dict
from model.published import flux_vae_config


def test_config_survives_json(tiny_config, stem_config):
    for config in (tiny_config(), stem_config):
        assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config


def test_sizes_follow_from_the_parts(tiny_config, stem_config):
    assert tiny_config().latent_dim == 64
    assert tiny_config().latent_stride == 16
    assert stem_config.latent_dim == 12
    assert stem_config.latent_stride == 8
    assert flux_vae_config().downsample == 8


def test_only_the_published_shape_is_called_published(tiny_config, stem_config):
    assert tiny_config().is_published_form
    assert not stem_config.is_published_form


def test_unknown_and_missing_keys_are_named(tiny_config):
    values = config_to_dict(tiny_config())
    values["llm"]["hiden_size"] = 3
    with pytest.raises(ValueError, match=r"'llm' has unknown keys \['hiden_size'\]"):
        config_from_dict(values)
    del values["llm"]["hiden_size"], values["llm"]["num_heads"]
    with pytest.raises(ValueError, match=r"num_heads"):
        config_from_dict(values)
    values = config_to_dict(tiny_config())
    del values["vae"]
    with pytest.raises(ValueError, match=r"'vae' is missing"):
        config_from_dict(values)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("llm", {"num_heads": 5}, r"hidden_size is 64, not a multiple of llm.num_heads = 5"),
        ("llm", {"num_kv_heads": 3}, r"num_heads is 4, not a multiple of llm.num_kv_heads = 3"),
        ("llm", {"num_layers": 0}, r"llm.num_layers must be at least 1, got 0"),
        ("llm", {"experts": "many"}, r"llm.experts is 'many'; known: dense, moe, mot"),
        ("vit", {"stem": (8, 48)}, r"patch is 4 pixels, but vit.patch_size is 14"),
        ("vit", {"stem": (8, 24), "patch_size": 4}, r"ends in 24 channels, not in vit.hidden_size 48"),
        ("vae", {"latents_std": (1.0,)}, r"vae.latents_std has 1 numbers for 16"),
        ("vae", {"latents_std": (0.0,) * 16}, r"above 0"),
        ("vae", {"norm_num_groups": 24}, r"not a multiple of norm_num_groups = 24"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(tiny_config, part, change, message):
    with pytest.raises(ValueError, match=message):
        replace(getattr(tiny_config(), part), **change)


def test_too_few_learned_positions_are_refused(tiny_config):
    with pytest.raises(ValueError, match=r"8 learned positions a side, fewer than .* 9; raise vit.image_size"):
        replace(tiny_config(), vit_max_patches_per_side=9)
