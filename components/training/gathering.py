"""The half of a batch that needs no network: samples read, laid out, their images decoded and changed.

It is pickled to loader processes and gives the same bits there, since torch has as many threads in them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from components.assembly.dataset import ImageShape, SampleIndex
from components.recipes.training import TrainingSettings
from components.records.sample import Image, Sample
from components.training.augment import augmented, plain
from components.training.latents import LatentImage
from components.training.layout import Item, LatentItem, Layout, Visit, VitItem
from components.training.mirrored_edits import turn_of, turned
from components.training.pixels import CACHE_BYTES, PixelStore
from model.image_transform import patchify_pixels


@dataclass(frozen=True, slots=True)
class Gathered:
    """A visit's sample as far as no network is needed."""

    visit: Visit
    items: list[Item]
    patches: dict[int, Tensor]
    """Piece -> patches [m, 3 p p] of an image that the ViT reads."""
    images: dict[int, LatentImage]
    """Piece -> an image that the autoencoder encodes."""


class Gatherer:
    """Gathers visits; every random number is keyed by (seed, sample, pass)."""

    def __init__(self, index: SampleIndex, layout: Layout, *, pixels: PixelStore, training: TrainingSettings) -> None:
        self._index = index
        self._layout = layout
        self._pixels = pixels
        self._training = training

    def for_loader(self, loaders: int) -> "Gatherer":
        """The same for one of so many processes, which keep as many pixels together as one."""
        pixels = PixelStore(CACHE_BYTES // loaders)
        return Gatherer(self._index, self._layout, pixels=pixels, training=self._training)

    def gather(self, visits: Iterable[Visit]) -> list[Gathered]:
        """The visits of one micro-batch, in their order; images for the autoencoder as they are stored."""
        found, vit = [], _VitImages()
        for visit in visits:
            sample, pieces = self._index.read_with_layout(visit.number)
            turn = self._turn(sample, pieces, visit)
            one = Gathered(visit, self._layout.items(pieces, visit), {}, {})
            for item in one.items:
                if isinstance(item, VitItem) and not item.dropped:
                    upright = self._pixels.sized(_image(sample, item.piece), self._layout.vit, item.num_images)
                    key = (self._layout.seed, visit.key, visit.pass_number, item.piece)
                    vit.add(one, item.piece, turned(upright, turn), key)
                elif isinstance(item, LatentItem) and not item.dropped:
                    one.images[item.piece] = LatentImage(_image(sample, item.piece), turn)
            found.append(one)
        vit.change(self._layout.vit_patch, augment=self._training.augment)
        return found

    def decoded(self, gathered: Sequence[Gathered]) -> list[Gathered]:
        """The same with the pixels of the images for the autoencoder, and without the rest of them."""

        def pixels(image: LatentImage) -> LatentImage:
            return image.decoded(self._pixels, self._layout.vae)

        return [replace(one, images={piece: pixels(image) for piece, image in one.images.items()}) for one in gathered]

    def _turn(self, sample: Sample, pieces: Sequence[object], visit: Visit) -> int:
        square = all(piece.width == piece.height for piece in pieces if isinstance(piece, ImageShape))
        return turn_of(sample.task, visit, self._layout.seed, square=square) if self._training.turn_edits else 0


class _VitImages:
    """The images of a micro-batch that the ViT reads: those of one size are changed together."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, ...], list[tuple[Gathered, int, np.ndarray, tuple[object, ...]]]] = {}

    def add(self, one: Gathered, piece: int, image: np.ndarray, key: tuple[object, ...]) -> None:
        self._found.setdefault(image.shape, []).append((one, piece, image, key))

    def change(self, patch: int, *, augment: bool) -> None:
        """Gives each its patches, changed as its key says where they are to be changed."""
        for members in self._found.values():
            images = [image for _, _, image, _ in members]
            pixels = augmented(images, [key for *_, key in members]) if augment else plain(images)
            for (one, piece, _, _), image in zip(members, pixels, strict=True):
                one.patches[piece] = patchify_pixels(image, patch)


def _image(sample: Sample, number: int) -> Image:
    piece = sample.pieces[number]
    assert isinstance(piece, Image)
    return piece
