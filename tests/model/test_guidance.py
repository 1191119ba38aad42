import pytest
import torch
from torch.testing import assert_close

from model.guidance import GuidanceSettings, guide


def velocities(seed, branches=3):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(5, 4, generator=generator) for _ in range(branches))


@pytest.mark.parametrize("renorm", ["global", "channel"])
@pytest.mark.parametrize("scale", [0.5, 1.5, 6.0])
def test_a_guided_velocity_is_never_longer_than_the_plain_one(renorm, scale):
    image_of = torch.tensor([0, 0, 0, 1, 1])
    for seed in range(20):
        branches = velocities(seed)
        settings = GuidanceSettings(text_scale=scale, image_scale=1.2, renorm=renorm)
        guided = guide(branches, settings, image_of, 2)
        for image in (0, 1):
            own = image_of == image
            dims = (0, 1) if renorm == "global" else 1
            longest = torch.linalg.vector_norm(branches[0][own], dim=dims)
            assert (torch.linalg.vector_norm(guided[own], dim=dims) <= longest * (1 + 1e-5)).all()


def test_equal_branches_guide_nowhere():
    (plain,) = velocities(0, branches=1)
    for renorm in ("global", "channel", "text_channel"):
        settings = GuidanceSettings(text_scale=5.0, image_scale=3.0, renorm=renorm)
        assert_close(guide((plain, plain, plain), settings, torch.zeros(5, dtype=torch.int64), 1), plain)


def test_a_floor_lets_a_velocity_grow_and_no_floor_never():
    plain, without_text = torch.ones(2, 4), -torch.ones(2, 4)
    for least, length in ((0.0, 1.0), (0.5, 4.5)):
        settings = GuidanceSettings(text_scale=5.0, renorm="channel", renorm_min=least)
        guided = guide((plain, without_text), settings, torch.zeros(2, dtype=torch.int64), 1)
        assert_close(guided, plain * length)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="unknown renorm 'local'; known: global, channel, text_channel"):
        GuidanceSettings(renorm="local")
    with pytest.raises(ValueError, match="counts grid points and must be at least 2, got 1"):
        GuidanceSettings(num_timesteps=1)
