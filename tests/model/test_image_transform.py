import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from model.image_transform import (
    ImageTransform,
    patchify_latent,
    patchify_pixels,
    to_uint8,
    unpatchify_latent,
    unpatchify_pixels,
)


def test_a_transformed_picture_keeps_its_colours_and_axes():
    array = np.zeros((20, 40, 3), dtype=np.uint8)
    array[:, 20:, 0] = 255
    pixels = ImageTransform(40, 20, 4)(Image.fromarray(array))
    assert pixels.shape == (3, 20, 40)
    assert_close(pixels[0, :, 30], torch.ones(20))
    assert_close(pixels[1:], -torch.ones(2, 20, 40))


def test_a_picture_that_is_not_rgb_is_refused():
    with pytest.raises(ValueError, match=r"mode is I;16, not RGB; convert \(and window\)"):
        ImageTransform(40, 20, 4)(Image.new("I;16", (8, 8)))


def test_limits_that_contradict_are_refused():
    with pytest.raises(ValueError, match="min 50, max 40"):
        ImageTransform(40, 50, 4)


def test_unpatchify_undoes_patchify():
    image = torch.randn(3, 6, 10, generator=torch.Generator().manual_seed(0))
    assert torch.equal(unpatchify_pixels(patchify_pixels(image, 2), (3, 5), 2), image)
    latent = torch.randn(5, 4, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(unpatchify_latent(patchify_latent(latent, 2), (2, 3), 2), latent)


def test_an_image_that_is_not_a_whole_number_of_patches_is_refused():
    with pytest.raises(ValueError, match="10 x 6 cannot be cut into patches of 4"):
        patchify_pixels(torch.zeros(3, 6, 10), 4)


def test_picture_bytes_are_clamped_and_truncated_as_published():
    pixels = torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 3.0]).view(1, 1, 6).expand(3, 1, 6)
    assert to_uint8(pixels)[0, :, 1].tolist() == [0, 0, 127, 254, 255, 255]
