"""Image scores against their vectors and the rules for empty masks and unequal sizes."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.evaluation import images

VECTORS = json.loads((Path(__file__).parent / "golden" / "image_pairs.json").read_text())
REFERENCE, OUTPUT = (np.array(VECTORS[name], np.uint8) for name in ("reference_rgb", "output_rgb"))


def test_psnr_and_ssim_agree_with_the_vectors():
    expected = VECTORS["expected"]
    assert images.psnr(REFERENCE, OUTPUT) == pytest.approx(expected["psnr_rgb_uint8_range255"], abs=1e-9)
    assert images.ssim(REFERENCE, OUTPUT) == pytest.approx(expected["ssim_rgb_skimage_win7_uniform"], abs=1e-9)


def test_equal_images_score_the_cap_and_one():
    assert images.psnr(REFERENCE, REFERENCE) == images.PSNR_CAP
    assert images.ssim(REFERENCE, REFERENCE) == pytest.approx(1.0)


def test_unequal_sizes_are_an_error_that_names_both():
    with pytest.raises(ValueError, match=r"\(12, 24, 3\).*\(24, 24, 3\)"):
        images.psnr(REFERENCE, OUTPUT[:12])


def _mask(rows: slice) -> np.ndarray:
    mask = np.zeros((8, 8), bool)
    mask[rows, 2:6] = True
    return mask


def test_dice_agrees_with_the_vectors_and_empty_masks_follow_our_rule():
    shifted, both_empty, one_empty = VECTORS["dice"]
    found = images.overlap(_mask(slice(2, 6)), _mask(slice(3, 7)))
    assert (found.dice, found.iou) == pytest.approx((shifted["dice"], shifted["iou"]))
    nothing = np.zeros((8, 8), bool)
    assert images.overlap(nothing, nothing) == images.Overlap(both_empty["dice_our_rule"], 1.0, both_empty=True)
    assert images.overlap(_mask(slice(2, 6)), nothing).dice == one_empty["dice"]


def test_every_pixel_belongs_to_its_nearest_palette_colour():
    painted = np.array([[[250, 5, 0], [3, 0, 9], [0, 240, 30]]], np.uint8)
    masks = images.palette_masks(painted, {"background": (0, 0, 0), "liver": (255, 0, 0), "spleen": (0, 255, 0)})
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "background": [[False, True, False]],
        "liver": [[True, False, False]],
        "spleen": [[False, False, True]],
    }


def test_png_bytes_return_the_pixels():
    assert np.array_equal(images.decode(images.encode(OUTPUT)), OUTPUT)
