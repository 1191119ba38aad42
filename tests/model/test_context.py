import pytest
import torch
from torch.testing import assert_close

from model.context import Context, prefill


@pytest.fixture
def read(golden, tiny_model, special):
    """A context that has read the published image and question."""
    stored = golden("inference.safetensors")
    context = Context(tiny_model, special)
    context.add_vit(stored["text.vit_prefill.packed_vit_tokens"], (4, 4))
    return context


def test_a_cache_does_not_depend_on_when_it_was_computed(golden, read, tiny_model, special):
    stored = golden("inference.safetensors")
    at_once = read.copy()
    for context in (at_once, read):
        context.add_text([1, 2, 3])
        if context is read:
            prefill([context])
        context.add_vit(stored["text.vit_prefill.packed_vit_tokens"][:6], (2, 3))
        context.add_latent(torch.ones(2, 64), (1, 2))
    short = Context(tiny_model, special)
    short.add_text([9])
    prefill([short, at_once, Context(tiny_model, special), read])
    assert at_once.position == read.position == 8
    assert_close(at_once.keys, read.keys, atol=1e-5, rtol=1e-5)
    assert_close(at_once.values, read.values, atol=1e-5, rtol=1e-5)


def test_a_copy_goes_its_own_way(read):
    before = read.keys.clone()
    other = read.copy()
    other.add_text([4, 5])
    assert (other.num_tokens, read.num_tokens) == (22, 18)
    assert torch.equal(read.keys, before)
    assert torch.equal(other.keys[:, :, :18], before)


def test_nothing_stays_on_the_network(read, tiny_model):
    before = {name: value.clone() for name, value in tiny_model.state_dict().items()}
    attributes = {name: set(vars(module)) for name, module in tiny_model.named_modules()}
    prefill([read])
    assert all(torch.equal(value, before[name]) for name, value in tiny_model.state_dict().items())
    assert attributes == {name: set(vars(module)) for name, module in tiny_model.named_modules()}


def test_contexts_of_two_networks_make_no_batch(read, stem_model, special):
    other = Context(stem_model, special)
    other.add_text([1])
    with pytest.raises(ValueError, match="2 contexts of 2 models"):
        prefill([read, other])
