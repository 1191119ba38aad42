from dataclasses import replace

import torch
import torch.nn.functional as F
from torch.testing import assert_close

from model.image_transform import patchify_pixels
from model.vit import ViT
from tests.model.conftest import initialised


def images_and_patches():
    generator = torch.Generator().manual_seed(0)
    images = [torch.randn(3, 8 * rows, 8 * columns, generator=generator) for rows, columns in ((2, 3), (3, 2), (2, 3))]
    return images, [patchify_pixels(image, 8) for image in images]


def test_a_stem_reads_patches_as_the_images_they_were_cut_from(stem_model):
    stem = stem_model.vit_model.vision_model.embeddings.stem
    images, patches = images_and_patches()
    tokens = stem(torch.cat(patches), [(2, 3), (3, 2), (2, 3)]).split(6)
    for image, own in zip(images, tokens, strict=True):
        x = image[None]
        for conv, norm in zip(stem.convs, stem.norms, strict=False):
            x = F.gelu(norm(conv(x)), approximate="tanh")
        assert_close(own, stem.convs[-1](x)[0].flatten(1).T, atol=1e-5, rtol=1e-5)


def test_features_of_an_image_do_not_depend_on_its_neighbours(stem_model):
    vit = stem_model.vit_model
    _, patches = images_and_patches()
    ids = torch.arange(6)
    together = vit(torch.cat(patches), ids.repeat(3), [(2, 3), (3, 2), (2, 3)]).split(6)
    for own, grid, expected in zip(patches, [(2, 3), (3, 2), (2, 3)], together, strict=True):
        assert_close(vit(own, ids, [grid]), expected, atol=1e-5, rtol=1e-5)


def test_without_images_every_weight_has_a_zero_gradient(tiny_config, stem_config):
    for config in (tiny_config(), stem_config):
        vit = ViT(config.vit)
        vit(torch.zeros(0, config.vit_patch_dim), torch.zeros(0, dtype=torch.int64), []).sum().backward()
        for name, parameter in vit.named_parameters():
            assert parameter.grad is not None, name
            assert not parameter.grad.any(), name


def test_layers_computed_again_give_the_same_bytes_from_what_enters_them_alone(stem_config):
    model = initialised(replace(stem_config, vit=replace(stem_config.vit, num_layers=4)))
    _, patches = images_and_patches()
    ids = torch.arange(6).repeat(3)

    def gradients(checkpointing):
        model.zero_grad()
        model.checkpoint_gradients(checkpointing)
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
            features = model.vit_model(torch.cat(patches), ids, [(2, 3), (3, 2), (2, 3)])
        features.square().sum().backward()
        return sum(kept), [p.grad.clone() for p in model.vit_model.parameters()]

    (all_kept, plain), (few_kept, again) = gradients(False), gradients(True)
    assert few_kept < 0.5 * all_kept
    assert all(torch.equal(first, second) for first, second in zip(plain, again, strict=True))
