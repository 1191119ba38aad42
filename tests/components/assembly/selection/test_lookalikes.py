"""One image under two patients' names is found however it was handed on; two patients' images are two."""

import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import skimage.data

from components.assembly.selection.bins import select
from components.assembly.selection.lookalikes import LONGEST_LIST, Gallery, Neighbours
from components.images.hashes import VIEWS
from components.images.looks import Look, LookFile, SeenLook, look_of
from components.recipes.assembly import SplitSettings
from components.records.vocabulary import Bin


def retina() -> PIL.Image.Image:
    return PIL.Image.fromarray(skimage.data.retina()[200:1200, 200:1200]).resize((320, 320))


def again(image: PIL.Image.Image, **save: object) -> PIL.Image.Image:
    out = io.BytesIO()
    image.save(out, **save)
    return PIL.Image.open(out).convert("RGB")


def window(image: PIL.Image.Image) -> PIL.Image.Image:
    return PIL.Image.fromarray((np.asarray(image).astype(float) * 0.8 + 20).clip(0, 255).astype(np.uint8))


CHANGES = {
    "JPEG": lambda image: again(image, format="JPEG", quality=60),
    "half the size": lambda image: image.resize((160, 160)),
    "a small crop": lambda image: image.crop((6, 6, 314, 314)),
    "a crop of five percent of two sides": lambda image: image.crop((16, 0, 320, 304)),
    "another window": window,
    "another gamma": lambda image: image.point(lambda v: round(255 * (v / 255) ** 0.8)),
    "one bit": lambda image: image.point(lambda v: v ^ 1),
}


def found(first: PIL.Image.Image, second: PIL.Image.Image) -> bool:
    looks = [look_of(np.asarray(image)) for image in (first, second)]
    gallery = Gallery(Neighbours(looks))
    gallery.add(looks[0], patient="p", text="", identity="s/1")
    assert gallery.find(looks[1], patient="p", text="") is None, "within one patient nothing is looked for"
    return gallery.find(looks[1], patient="q", text="") == "s/1"


@pytest.mark.parametrize("change", CHANGES)
def test_an_image_that_was_handed_on_is_found(change):
    assert found(retina(), CHANGES[change](retina()))


def test_a_mirror_image_and_another_eye_are_other_images():
    assert not found(retina(), retina().transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT))
    assert not found(retina(), PIL.Image.fromarray(skimage.data.retina()[:700, :700]).resize((320, 320)))


def test_an_image_of_one_colour_looks_like_nothing():
    grey = PIL.Image.new("L", (64, 64), 90)
    assert not found(grey, grey)


def test_a_look_is_a_number_and_a_kilobyte():
    look = look_of(np.asarray(retina()))
    assert (len(look.views), look.thumbnail.shape) == (112, (32, 32))
    assert LookFile().keep(look.data).is_like(look)


def test_of_many_near_hashes_the_nearest_are_compared():
    """A thousand images of one kind: the work on each stays bounded."""

    def look(value: int) -> Look:
        return SeenLook(value.to_bytes(8, "big") * VIEWS)

    centre = 2**63 + 5
    near = [centre ^ (1 << bit) for bit in range(30)]
    further = [centre ^ (3 << bit) for bit in range(60)]
    found = Neighbours(map(look, (*further, *near, centre))).of(centre)
    assert found[0] == centre and len(found) == 1 + LONGEST_LIST
    assert set(near) <= set(found) <= {centre, *near, *further}
    assert Neighbours([look(centre)]).of(centre ^ 1) == (centre ^ 1,)
    assert Neighbours([]).of(centre) == (centre,)


def test_selection_bins_a_lookalike_of_a_test_image_and_of_a_kept_one(make_entry, settings):
    look, small = (look_of(np.asarray(image)) for image in (retina(), retina().resize((200, 200))))
    other = look_of(np.asarray(PIL.Image.fromarray(skimage.data.retina()[:700, :700])))
    mirrored = look_of(np.asarray(retina().transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)))
    entries = [
        make_entry("held", "held", looks=(look,)),
        make_entry("leak", "p1", looks=(small,)),
        make_entry("mirror", "p2", looks=(mirrored,)),
        make_entry("one", "p3", looks=(other,)),
        make_entry("two", "p4", looks=(other,)),
        make_entry("three", "p3", looks=(other,)),
    ]
    splits = SplitSettings(test={"mri": ("held",)}, slabs=(), val_share=0.0)
    decided = {d.entry.id: d for d in select(entries, replace(settings, splits=splits))}
    leak = decided["mri/leak"]
    assert (leak.bin, leak.reason, leak.other) == (Bin.CONTAMINATING, "looks like a held-out image", "mri/held")
    assert decided["mri/mirror"].bin is Bin.KEPT
    two = decided["mri/two"]
    assert (two.bin, two.reason, two.other) == (Bin.DUPLICATE, "looks the same", "mri/one")
    assert decided["mri/three"].bin is Bin.KEPT, "frames of one patient may look alike"
