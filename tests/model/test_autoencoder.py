import pytest
import torch
from torch.testing import assert_close

from model.autoencoder import Autoencoder


@pytest.fixture
def small(stem_config):
    autoencoder = Autoencoder(stem_config.vae)
    autoencoder.init_weights(torch.Generator().manual_seed(0))
    return autoencoder


@torch.no_grad()
def test_folded_pixels_give_latents_of_the_promised_size(small):
    images = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1
    moments = small.encode(images)
    assert moments.mean.shape == moments.logvar.shape == (2, 3, 4, 6)
    assert small.decode(small.normalise(moments.mean)).shape == images.shape


def test_normalise_uses_each_channels_mean_and_deviation(small):
    raw = torch.tensor([0.1 + 1.0, 0.2 + 2.0, 0.3 + 0.5]).view(3, 1, 1).expand(2, 3, 4, 5)
    assert_close(small.normalise(raw), torch.ones(2, 3, 4, 5))
    assert_close(small.denormalise(small.normalise(raw)), raw)


def test_sides_that_do_not_fit_are_refused(small):
    with pytest.raises(ValueError, match="18 x 16 cannot be encoded: sides must be multiples of 4"):
        small.encode(torch.zeros(1, 3, 16, 18))


def test_published_weights_come_back_as_they_went(small, stem_config):
    other = Autoencoder(stem_config.vae)
    other.load_published_state(small.published_state())
    assert all(torch.equal(a, b) for a, b in zip(small.state_dict().values(), other.state_dict().values(), strict=True))


def test_every_weight_that_does_not_fit_is_listed(small):
    state = small.published_state()
    state["decoder.extra"] = state.pop("encoder.conv_in.bias")
    state["decoder.mid.attn_1.q.weight"] = torch.zeros(3, 3, 1, 1)
    with pytest.raises(ValueError, match=r"\(3\)") as caught:
        small.load_published_state(state)
    for problem in ("missing encoder.conv_in.bias", "extra decoder.extra", "decoder.mid.attn_1.q.weight has shape"):
        assert problem in str(caught.value)


def test_one_seed_gives_one_autoencoder(small, stem_config):
    torch.manual_seed(7)
    other = Autoencoder(stem_config.vae)
    other.init_weights(torch.Generator().manual_seed(0))
    assert all(torch.equal(a, b) for a, b in zip(small.state_dict().values(), other.state_dict().values(), strict=True))
