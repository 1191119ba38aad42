from pathlib import Path

import numpy as np
from PIL import Image

from components.images.slide import slide_tiles
from components.images.stains import stain_directions

HISTOLOGY = Path(__file__).parents[3] / "components" / "sources" / "shipped" / "histology"


def test_tiles_of_one_slide_share_their_stains_and_two_slides_do_not():
    tiles = slide_tiles(HISTOLOGY / "cmu_small_region.svs", side=512, stride=512, tissue=0.6)
    one = [stain_directions(tile) for _, _, tile in tiles]
    whole = np.asarray(Image.open(HISTOLOGY / "histo.jpg").convert("RGB"))
    other = [stain_directions(whole[y : y + 150, x : x + 160]) for y in (0, 150) for x in (0, 170, 340)]
    within = [float(np.abs(a - b).max()) for found in (one, other) for a in found for b in found if a is not b]
    between = [float(np.abs(a - b).max()) for a in one for b in other]
    assert np.median(within) < 0.1 and min(between) > 0.14 and len(one) > 2


def test_an_image_without_stain_has_none():
    assert not stain_directions(np.full((50, 60, 3), 250, np.uint8)).any()
