import pytest
import torch
from torch.testing import assert_close

from model.tables import sincos_2d
from model.unimedvl import UniMedVL


def fresh(config, seed=0, *, residual_scale=False, gen_key_equals_query=False):
    model = UniMedVL(config)
    generator = torch.Generator().manual_seed(seed)
    model.init_weights(generator, residual_scale=residual_scale, gen_key_equals_query=gen_key_equals_query)
    return model


def test_one_seed_gives_one_network_whatever_torch_drew_before(stem_config):
    torch.manual_seed(1)
    first = fresh(stem_config).state_dict()
    torch.manual_seed(2)
    second = fresh(stem_config).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    other = fresh(stem_config, seed=1).state_dict()
    assert not torch.equal(first["vae2llm.weight"], other["vae2llm.weight"])


def test_every_weight_is_filled_also_after_a_start_without_memory(tiny_config, stem_config):
    for config in (tiny_config(), stem_config):
        with torch.device("meta"):
            model = UniMedVL(config)
        model.to_empty(device="cpu")
        for parameter in model.parameters():
            parameter.data.fill_(float("nan"))
        model.init_weights(torch.Generator().manual_seed(0), residual_scale=True, gen_key_equals_query=True)
        for name, value in model.state_dict().items():
            assert value.isfinite().all(), name
        assert torch.equal(model.latent_pos_embed.pos_embed, sincos_2d(config.llm.hidden_size, config.max_latent_size))


def test_the_first_velocity_is_zero(stem_config):
    model = fresh(stem_config)
    assert not model.llm2vae.weight.any()
    assert not model.llm2vae.bias.any()


def test_residual_outputs_shrink_with_depth(stem_config):
    plain, scaled = fresh(stem_config).state_dict(), fresh(stem_config, residual_scale=True).state_dict()
    changed = {key for key in plain if not torch.equal(plain[key], scaled[key])}
    names = ("self_attn.o_proj", "self_attn.o_proj_moe_gen", "mlp.down_proj", "mlp_moe_gen.down_proj")
    assert changed == {f"language_model.model.layers.{layer}.{name}.weight" for layer in range(2) for name in names}
    key = "language_model.model.layers.1.mlp_moe_gen.down_proj.weight"
    assert_close(scaled[key] * 2, plain[key])


def test_gen_keys_start_at_the_queries_of_their_group(tiny_config):
    state = fresh(tiny_config(), gen_key_equals_query=True).state_dict()
    attention = "language_model.model.layers.2.self_attn."
    query, key = state[f"{attention}q_proj_moe_gen.weight"], state[f"{attention}k_proj_moe_gen.weight"]
    assert torch.equal(key.view(2, 16, 64), query.view(4, 16, 64)[[0, 2]])
    assert not torch.equal(state[f"{attention}k_proj.weight"][:16], state[f"{attention}q_proj.weight"][:16])


def test_keys_at_queries_need_a_gen_expert_with_attention(tiny_config):
    with pytest.raises(ValueError, match=r"needs a gen expert with its own attention \(mot\), not 'moe'"):
        fresh(tiny_config("moe"), gen_key_equals_query=True)


def test_gen_expert_becomes_a_copy_of_the_und_expert(tiny_config):
    model = fresh(tiny_config())
    model.copy_und_to_gen()
    state = model.state_dict()
    twins = [key for key in state if "_moe_gen" in key]
    assert len(twins) == 3 * 14 + 1
    assert all(torch.equal(state[key], state[key.replace("_moe_gen", "")]) for key in twins)
